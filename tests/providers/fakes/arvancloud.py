"""ArvanCloud CDN 4.0: types in lower case, values are objects."""
from fake import Answer, Fake


class Provider(Fake):
    id = "arvancloud"
    base_path = "/cdn/4.0"
    credentials = {"ARVANCLOUD_API_KEY": "Apikey arvan-key-right"}
    wrong = {"api_key": "arvan-key-wrong"}
    read_only = {"api_key": "arvan-key-reader"}

    def error(self, status, text):
        return {"message": text, "errors": {}}

    def may(self, request):
        return self.bearer(request, "Apikey arvan-key-right", "Apikey arvan-key-reader")

    def handle(self, request):
        parts = request.parts()[2:]
        if parts[0] != "domains" or len(parts) < 2:
            return None
        zone = self.named(parts[1])
        if len(parts) == 2:
            return Answer(200, {"data": {"domain": zone.name}}) if request.method == "GET" else None
        if parts[2] != "dns-records":
            return None
        if len(parts) == 3 and request.method == "GET":
            size, number = int(request.query.get("per_page", 15)), int(request.query.get("page", 1))
            self.check(size <= 100, "per_page")
            items = [{"id": r.id, "type": r.kind.lower(), "name": self.relative(r.name, zone, "@"), "value": {"text": r.value}} for r in zone.records]
            return Answer(200, {"data": self.page(items, number, size), "meta": {"current_page": number, "last_page": max(1, -(-len(items) // size))}})
        if len(parts) == 3 and request.method == "POST":
            body = request.json()
            self.check(body["type"] == "txt" and body["ttl"] in (120, 180, 300, 600) and body["ip_filter_mode"], "fields of a record")
            return Answer(201, {"data": {"id": self.put(zone, self.absolute(body["name"], zone), body["value"]["text"]).id}})
        if len(parts) == 4 and request.method == "DELETE":
            self.drop(zone, parts[3])
            return Answer(200, {"message": "DNS record deleted."})
        return None
