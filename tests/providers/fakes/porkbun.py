"""Porkbun JSON API v3: everything is a POST with the keys in its body."""
from fake import Answer, Fake


class Provider(Fake):
    id = "porkbun"
    base_path = "/api/json/v3"
    credentials = {"PORKBUN_API_KEY": "pk1_key-right", "PORKBUN_SECRET_API_KEY": "sk1_secret-right"}
    wrong = {"api_key": "pk1_key-right", "secret_key": "sk1_secret-wrong"}
    read_only = {"api_key": "pk1_key-reader", "secret_key": "sk1_secret-right"}

    def error(self, status, text):
        return {"status": "ERROR", "message": text}

    def is_write(self, request):
        return "/create/" in request.path or "/delete/" in request.path

    def may(self, request):
        body = request.json()
        if body["apikey"] == "pk1_key-reader" and self.is_write(request):
            return Answer(400, self.error(400, "Domain is not opted in to API access."))
        if body["apikey"] not in ("pk1_key-right", "pk1_key-reader") or body["secretapikey"] != "sk1_secret-right":
            return Answer(400, self.error(400, "Invalid API key. (002)"))
        return None

    def handle(self, request):
        parts = request.parts()[3:]
        if request.method != "POST" or parts[0] != "dns":
            return None
        if parts[2] not in self.zones:
            return Answer(400, self.error(400, "Invalid domain."))
        zone, ok = self.zones[parts[2]], {"status": "SUCCESS"}
        if parts[1] == "retrieve" and len(parts) == 3:
            return Answer(200, dict(ok, records=[]))
        if parts[1] == "retrieveByNameType" and parts[3] == "TXT":
            name = self.absolute(parts[4] if len(parts) > 4 else "", zone)
            return Answer(200, dict(ok, records=[{"id": r.id, "name": r.name, "type": "TXT", "content": r.value, "ttl": str(r.ttl)}
                                                 for r in self.texts(zone, name)]))
        if parts[1] == "create":
            body = request.json()
            self.check(body["type"] == "TXT" and body["ttl"] == "600", "fields of a record")
            return Answer(200, dict(ok, id=int(self.put(zone, self.absolute(body["name"], zone), body["content"], ttl=600).id)))
        if parts[1] == "delete" and len(parts) == 4:
            if not any(r.id == parts[3] for r in zone.records):
                return Answer(400, self.error(400, "Invalid record ID."))
            self.drop(zone, parts[3])
            return Answer(200, ok)
        return None
