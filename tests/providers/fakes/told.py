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


class FreeMyIp(Told):
    id = "freemyip"
    credentials, wrong = {"FREEMYIP_TOKEN": "fmi-token-right"}, {"token": "fmi-token-wrong"}
    holds = 1
    owner, elsewhere = "_acme-challenge.www.mine.freemyip.com", "_acme-challenge.www.example.com"

    def slot(self, name):
        return ".".join(name.split(".")[-3:])

    def handle(self, request):
        q = request.query
        if request.method != "GET" or request.path != "/update":
            return None
        self.only(q, "token", "domain", "txt")
        if q["token"] != "fmi-token-right" or q["domain"] != "mine.freemyip.com":
            return Answer(200, "ERROR")
        self.store[q["domain"]] = [] if q["txt"] == "null" else [q["txt"]]
        return Answer(200, "OK")


class DomainOffensive(Told):
    id = "dode"
    base_path = "/api"
    credentials, wrong = {"DODE_TOKEN": "dode-token-right"}, {"token": "dode-token-wrong"}
    holds = 1

    def handle(self, request):
        q = request.query
        if request.method != "GET" or request.path != "/api/letsencrypt":
            return None
        if q["token"] != "dode-token-right":
            return Answer(200, {"domain": q["domain"], "success": False, "error": "invalid token"})
        self.only(q, "token", "domain", "action" if "action" in q else "value")
        self.check(q.get("action", "delete") == "delete" and not q["domain"].endswith("."), "action and domain")
        self.store[q["domain"]] = [] if "action" in q else [q["value"]]
        return Answer(200, {"domain": q["domain"], "success": True})


class ZoneEdit(Told):
    id = "zoneedit"
    credentials, wrong = {"ZONEEDIT_USER": "me", "ZONEEDIT_AUTH_TOKEN": "ze-token-right"}, {"user": "me", "auth_token": "ze-token-wrong"}

    def may(self, request):
        right = "Basic " + base64.b64encode(b"me:ze-token-right").decode()
        return None if request.headers.get("Authorization") == right else Answer(401, "Authorization Required")

    def handle(self, request):
        q = request.query
        if request.method != "GET" or request.path not in ("/txt-create.php", "/txt-delete.php"):
            return None
        self.only(q, "host", "rdata")
        have = [v for v in self.store.get(q["host"], []) if v != q["rdata"]]
        self.store[q["host"]] = have + [q["rdata"]] if "create" in request.path else have
        return Answer(200, '<SUCCESS CODE="200" TEXT="%s TXT updated" ZONE="example.com">' % q["host"])


class BookMyName(Told):
    id = "bookmyname"
    credentials, wrong = {"BOOKMYNAME_USERNAME": "me", "BOOKMYNAME_PASSWORD": "bmn-secret-right"}, {"username": "me", "password": "bmn-secret-wrong"}

    def may(self, request):
        right = "Basic " + base64.b64encode(b"me:bmn-secret-right").decode()
        return None if request.headers.get("Authorization") == right else Answer(401, "Authorization Required")

    def handle(self, request):
        q = request.query
        if request.method != "GET" or request.path != "/dyndns/":
            return None
        self.only(q, "hostname", "type", "ttl", "value", "do")
        self.check(q["type"] == "txt" and int(q["ttl"]) > 0 and q["do"] in ("add", "remove"), "parameters %s" % q)
        have = [v for v in self.store.get(q["hostname"], []) if v != q["value"]]
        self.store[q["hostname"]] = have + [q["value"]] if q["do"] == "add" else have
        return Answer(200, "good: update done" if q["do"] == "add" else "good: remove done")
