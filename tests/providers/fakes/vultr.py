"""Vultr API v2: pages by cursor; values in quotes."""
import base64

from fake import Answer, Fake


class Provider(Fake):
    id = "vultr"
    base_path = "/v2"
    credentials = {"VULTR_API_KEY": "vultr-key-right"}
    wrong = {"api_key": "vultr-key-wrong"}
    read_only = {"api_key": "vultr-key-reader"}

    def error(self, status, text):
        return {"error": text, "status": status}

    def may(self, request):
        return self.bearer(request, "Bearer vultr-key-right", "Bearer vultr-key-reader")

    def listing(self, request, name, items):
        size, cursor = int(request.query.get("per_page", 100)), request.query.get("cursor", "")
        self.check(1 <= size <= 500, "per_page")
        size = min(size, 100)  # so that there are pages at all
        start = int(base64.b64decode(cursor).decode()) if cursor else 0
        more = base64.b64encode(str(start + size).encode()).decode() if start + size < len(items) else ""
        return Answer(200, {name: items[start:start + size], "meta": {"total": len(items), "links": {"next": more, "prev": ""}}})

    def shown(self, r, zone):
        return {"id": r.id, "type": r.kind, "name": self.relative(r.name, zone), "data": '"%s"' % r.value, "priority": 0, "ttl": r.ttl}

    def handle(self, request):
        parts = request.parts()[1:]
        if parts == ["domains"] and request.method == "GET":
            return self.listing(request, "domains", [{"domain": z.name, "date_created": "2026-01-01"} for z in self.zones.values()])
        if len(parts) < 3 or parts[0] != "domains" or parts[2] != "records":
            return None
        zone = self.named(parts[1])
        if len(parts) == 3 and request.method == "GET":
            return self.listing(request, "records", [self.shown(r, zone) for r in zone.records])
        if len(parts) == 3 and request.method == "POST":
            body = request.json()
            self.check(body["type"] == "TXT" and body["data"][0] == body["data"][-1] == '"' and body["ttl"] >= 120, "fields of a record")
            return Answer(201, {"record": self.shown(self.put(zone, self.absolute(body["name"], zone), body["data"].strip('"')), zone)})
        if len(parts) == 4 and request.method == "DELETE":
            self.drop(zone, parts[3])
            return Answer(204)
        return None
