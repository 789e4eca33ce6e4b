"""Linode API v4: X-Filter headers, pages by number."""
import json

from fake import Answer, Fake


class Provider(Fake):
    id = "linode"
    base_path = "/v4"
    credentials = {"LINODE_TOKEN": "lin-token-right"}
    wrong = {"api_key": "lin-token-wrong"}
    read_only = {"api_key": "lin-token-reader"}

    def error(self, status, text):
        return {"errors": [{"reason": text}]}

    def may(self, request):
        return self.bearer(request, "Bearer lin-token-right", "Bearer lin-token-reader")

    def listing(self, request, items):
        size, number = int(request.query.get("page_size", 100)), int(request.query.get("page", 1))
        self.check(25 <= size <= 500, "page_size")
        wanted = json.loads(request.headers.get("X-Filter") or "{}")
        items = [i for i in items if all(i[k] == v for k, v in wanted.items())]
        return Answer(200, {"data": self.page(items, number, size), "page": number, "pages": (len(items) + size - 1) // size or 1,
                            "results": len(items)})

    def shown(self, r, zone):
        return {"id": int(r.id), "type": r.kind, "name": self.relative(r.name, zone), "target": r.value, "ttl_sec": r.ttl}

    def handle(self, request):
        parts = request.parts()[1:]
        if parts == ["domains"] and request.method == "GET":
            return self.listing(request, [{"id": int(z.id), "domain": z.name, "type": "master"} for z in self.zones.values()])
        if len(parts) < 3 or parts[0] != "domains" or parts[2] != "records":
            return None
        zone = self.numbered(parts[1])
        if len(parts) == 3 and request.method == "GET":
            return self.listing(request, [self.shown(r, zone) for r in zone.records])
        if len(parts) == 3 and request.method == "POST":
            body = request.json()
            self.check(body["type"] == "TXT" and body["ttl_sec"] in (300, 3600, 7200), "fields of a record")
            return Answer(200, self.shown(self.put(zone, self.absolute(body["name"], zone), body["target"], ttl=300), zone))
        if len(parts) == 4 and request.method == "DELETE":
            self.drop(zone, parts[3])
            return Answer(200, {})
        return None
