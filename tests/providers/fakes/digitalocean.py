"""DigitalOcean API v2: domains and their records; record names in answers are relative."""
from fake import Answer, Fake


class Provider(Fake):
    id = "digitalocean"
    credentials = {"DO_AUTH_TOKEN": "dop-token-right"}
    wrong = {"api_token": "dop-token-wrong"}
    read_only = {"api_token": "dop-token-reader"}

    def error(self, status, text):
        return {"id": "unauthorized" if status == 401 else "bad_request", "message": text, "request_id": "4d9d8375"}

    def may(self, request):
        return self.bearer(request, "Bearer dop-token-right", "Bearer dop-token-reader")

    def shown(self, r, zone):
        return {"id": int(r.id), "type": r.kind, "name": self.relative(r.name, zone, "@"), "data": r.value, "ttl": r.ttl}

    def handle(self, request):
        parts = request.parts()
        if parts[:2] != ["v2", "domains"] or len(parts) < 3:
            return None
        zone = self.named(parts[2])
        if len(parts) == 3 and request.method == "GET":
            return Answer(200, {"domain": {"name": zone.name, "ttl": 1800, "zone_file": ""}})
        if parts[3:4] != ["records"]:
            return None
        if len(parts) == 4 and request.method == "GET":
            q, size, number = request.query, int(request.query.get("per_page", 20)), int(request.query.get("page", 1))
            self.check(size <= 200, "per_page")
            fits = [self.shown(r, zone) for r in zone.records if q.get("type", r.kind) == r.kind and q.get("name", r.name) == r.name]
            body = {"domain_records": self.page(fits, number, size), "links": {}, "meta": {"total": len(fits)}}
            if number * size < len(fits):
                body["links"] = {"pages": {"next": "%s%s?type=TXT&page=%d&per_page=%d" % (self.origin, request.path, number + 1, size)}}
            return Answer(200, body)
        if len(parts) == 4 and request.method == "POST":
            body = request.json()
            self.check(body["type"] == "TXT" and body["name"].endswith(zone.name + ".") and body["ttl"] >= 30, "fields of a record")
            return Answer(201, {"domain_record": self.shown(self.put(zone, body["name"], body["data"], ttl=body["ttl"]), zone)})
        if len(parts) == 5 and request.method == "DELETE":
            self.drop(zone, parts[4])
            return Answer(204)
        return None
