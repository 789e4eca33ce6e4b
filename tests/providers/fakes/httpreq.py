"""lego's httpreq: POST present and cleanup with fqdn and value, Basic authentication when both are set; any 2xx is a success."""
import base64

import fake

V1 = "aaakZ4Yc-TtGx9wq_mB2vN7aLpRsEhUoIdJfX0135689"


class Provider(fake.Fake):
    id = "httpreq"
    base_path = "/hooks/dns"
    credentials = {"endpoint": "{origin}/hooks/dns", "username": "somebody", "password": "pass-secret:word"}
    wrong = {**credentials, "password": "another-secret"}
    lists = False
    owner = "_acme-challenge.www.example.com"

    def may(self, request):
        right = base64.b64encode(("%s:%s" % (self.credentials["username"], self.credentials["password"])).encode()).decode()
        if request.headers.get("Authorization") not in ("Basic " + right, None):
            return fake.Answer(401, "who are you?")
        return None

    def handle(self, request):
        if request.method != "POST" or request.path not in ("/hooks/dns/present", "/hooks/dns/cleanup"):
            return None
        body = request.json()
        self.check(sorted(body) == ["fqdn", "value"] and body["fqdn"].endswith(".") and
                   request.headers.get("Content-Type") == "application/json", "body %s" % body)
        name = body["fqdn"].rstrip(".")
        zone = self.zones["example.com"]
        if request.path.endswith("present"):
            if body["value"] not in [r.value for r in self.texts(zone, name)]:
                self.put(zone, name, body["value"])
            return fake.Answer(200, "done, thank you")
        for record in [r for r in self.texts(zone, name) if r.value == body["value"]]:
            zone.records.remove(record)
        return fake.Answer(204)


def without_authentication(c):
    c.good("add", credentials={"HTTPREQ_ENDPOINT": "{origin}/hooks/dns"})
    c.has(V1)


def refusals(c):
    for status, what in ((400, "permanent"), (403, "config"), (429, "temporary")):
        c.fake.fail("before", fake.Answer(status, "no"))
        answer = c.ask("add")
        assert not answer["ok"] and answer["class"] == what, answer
    c.has()


Provider.own = [without_authentication, refusals]
