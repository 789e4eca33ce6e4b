"""Interfaces that list nothing: one value (or some) per name, written over, and plain words as answers."""
import base64

from fake import Answer, Fake


class Told(Fake):
    lists = False
    owner = "_acme-challenge.www.example.com"

    def __init__(self):
        super().__init__()
        self.store = {}

    def values(self, name):
        return sorted(self.store.get(self.slot(name), []))

    def slot(self, name):
        return name

    def write(self, name, values):
        self.store[self.slot(name)] = values

    def is_write(self, request):
        return True

    def error(self, status, text):
        return text

    def may(self, request):
        return None

    def only(self, given, *names):
        self.check(set(given) == set(names), "parameters %s" % sorted(given))


class DuckDns(Told):
    id = "duckdns"
    credentials = {"DUCKDNS_TOKEN": "a7c4d0ad-114e-40ef-ba1d-d217904a50f2"}
    wrong = {"token": "a7c4d0ad-114e-40ef-ba1d-d217904a50f3"}
    holds = 1
    owner, elsewhere = "_acme-challenge.www.mine.duckdns.org", "_acme-challenge.www.example.com"

    def slot(self, name):
        return name.split(".")[-3]

    def handle(self, request):
        q = request.query
        if request.method != "GET" or request.path != "/update":
            return None
        self.only(q, "domains", "token", "txt", *(["clear"] if "clear" in q else []))
        if q["token"] != "a7c4d0ad-114e-40ef-ba1d-d217904a50f2" or q["domains"] != "mine":
            return Answer(200, "KO")
        self.store["mine"] = [] if q.get("clear") == "true" else [q["txt"]]
        return Answer(200, "OK")


class Hurricane(Told):
    id = "hurricane"
    credentials = {"password": "he-key-right"}
    wrong = {"ddns_key": "he-key-wrong"}
    holds = 1

    def handle(self, request):
        form = request.form()
        if request.method != "POST" or request.path != "/nic/update":
            return None
        self.only(form, "hostname", "password", "txt")
        if form["password"] != "he-key-right":
            return Answer(200, "badauth")
        self.check(len(self.requests) < 40 and request.headers.get("User-Agent"), "a name for the program")
        new = [] if form["txt"] == "." else [form["txt"]]
        same, self.store[form["hostname"]] = self.store.get(form["hostname"], []) == new, new
        return Answer(200, "nochg" if same else 'good "%s"' % form["txt"])


class MyDnsJp(Told):
    id = "mydnsjp"
    credentials = {"MYDNSJP_MASTER_ID": "mydns1", "MYDNSJP_PASSWORD": "mydns-secret-right"}
    wrong = {"master_id": "mydns1", "password": "mydns-secret-wrong"}

    def may(self, request):
        right = "Basic " + base64.b64encode(b"mydns1:mydns-secret-right").decode()
        return None if request.headers.get("Authorization") == right else Answer(401, "Authorization Required")

    def handle(self, request):
        form = request.form()
        if request.method != "POST" or request.path != "/directedit.html":
            return None
        self.only(form, "CERTBOT_DOMAIN", "CERTBOT_VALIDATION", "EDIT_CMD")
        self.check(not form["CERTBOT_DOMAIN"].startswith("_acme-challenge"), "the name that is validated")
        have = self.store.setdefault("_acme-challenge." + form["CERTBOT_DOMAIN"], [])
        if form["CERTBOT_VALIDATION"] in have:
            have.remove(form["CERTBOT_VALIDATION"])
        if form["EDIT_CMD"] == "REGIST":
            have.append(form["CERTBOT_VALIDATION"])
        else:
            self.check(form["EDIT_CMD"] == "DELETE", "EDIT_CMD")
        return Answer(200, "<html>OK</html>")
