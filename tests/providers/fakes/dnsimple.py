"""DNSimple API v2: everything is below the number of the account, which the token knows."""
from fake import Answer, Fake


class Provider(Fake):
    id = "dnsimple"
    base_path = "/v2"
    credentials = {"DNSIMPLE_OAUTH_TOKEN": "dnsimple-token-right"}
    wrong = {"api_token": "dnsimple-token-wrong"}
    read_only = {"api_token": "dnsimple-token-reader"}

    def error(self, status, text):
        return {"message": text}

    def may(self, request):
        return self.bearer(request, "Bearer dnsimple-token-right", "Bearer dnsimple-token-reader")

    def shown(self, r, zone):
        return {"id": int(r.id), "zone_id": zone.name, "name": self.relative(r.name, zone), "content": '"%s"' % r.value, "ttl": r.ttl, "type": r.kind}

    def handle(self, request):
        parts = request.parts()[1:]
        if parts == ["whoami"] and request.method == "GET":
            return Answer(200, {"data": {"user": None, "account": {"id": 1010, "email": "a@example.com"}}})
        if parts[:2] != ["1010", "zones"] or len(parts) < 3:
            return None
        zone = self.named(parts[2])
        if len(parts) == 3 and request.method == "GET":
            return Answer(200, {"data": {"id": int(zone.id), "account_id": 1010, "name": zone.name}})
        if parts[3:4] != ["records"]:
            return None
        if len(parts) == 4 and request.method == "GET":
            size, number = int(request.query.get("per_page", 30)), int(request.query.get("page", 1))
            self.check(size <= 100, "per_page")
            items = [self.shown(r, zone) for r in zone.records]
            items = [i for i in items if all(i[k] == v for k, v in request.query.items() if k in ("name", "type"))]
            return Answer(200, {"data": self.page(items, number, size), "pagination": {"current_page": number, "total_pages": -(-len(items) // size)}})
        if len(parts) == 4 and request.method == "POST":
            body = request.json()
            self.check(body["type"] == "TXT" and isinstance(body["ttl"], int), "fields of a record")
            return Answer(201, {"data": self.shown(self.put(zone, self.absolute(body["name"], zone), body["content"]), zone)})
        if len(parts) == 5 and request.method == "DELETE":
            self.drop(zone, parts[4])
            return Answer(204)
        return None
