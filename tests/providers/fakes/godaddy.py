"""GoDaddy domains v1: PATCH adds, PUT replaces a set."""
from fake import Answer, Fake


class Provider(Fake):
    id = "godaddy"
    credentials = {"GODADDY_API_KEY": "gd-right", "GODADDY_API_SECRET": "gd-secret-right"}
    wrong = {"api_key": "gd-right", "secret": "gd-secret-wrong"}
    read_only = {"api_key": "gd-reader", "secret": "gd-secret-reader"}
    replaces = True

    def error(self, status, text):
        return {"code": "ERROR_%d" % status, "message": text}

    def limited(self, seconds):
        return Answer(429, {"code": "TOO_MANY_REQUESTS", "message": "Too many requests", "retryAfterSec": seconds})

    def may(self, request):
        return self.bearer(request, "sso-key gd-right:gd-secret-right", "sso-key gd-reader:gd-secret-reader")

    def handle(self, request):
        parts = request.parts()
        if parts[:2] != ["v1", "domains"] or len(parts) < 3:
            return None
        zone = self.named(parts[2])
        if len(parts) == 3 and request.method == "GET":
            return Answer(200, {"domain": zone.name, "status": "ACTIVE"})
        if parts[3:4] != ["records"]:
            return None
        if len(parts) == 4 and request.method == "PATCH":
            for r in request.json():
                self.check(r["type"] == "TXT" and r["ttl"] >= 600, "fields of a record")
                name = self.absolute(r["name"], zone)
                if r["data"] in self.values(name):
                    return Answer(422, {"code": "DUPLICATE_RECORD", "message": "Another record with the same attributes already exists"})
                self.put(zone, name, r["data"], ttl=r["ttl"])
            return Answer(200)
        if len(parts) != 6 or parts[4] != "TXT":
            return None
        name = self.absolute(parts[5], zone)
        if request.method == "GET":
            return Answer(200, [{"name": parts[5], "type": "TXT", "data": r.value, "ttl": r.ttl} for r in self.texts(zone, name)])
        if request.method == "PUT":
            body = request.json()
            self.check(body and all(r["type"] == "TXT" and r["name"] == parts[5] for r in body), "a set of TXT")
            self.replace(zone, name, [r["data"] for r in body], body[0]["ttl"])
            return Answer(200)
        if request.method == "DELETE":
            if not self.texts(zone, name):
                return Answer(404, self.error(404, "no records"))
            self.replace(zone, name, [], 0)
            return Answer(204)
        return None
