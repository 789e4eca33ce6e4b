"""Cloudflare API v4: zones and DNS records."""
from fake import Answer, Fake


class Provider(Fake):
    id = "cloudflare"
    base_path = "/client/v4"
    credentials = {"CF_DNS_API_TOKEN": "cf-token-right-0123456789"}
    wrong = {"api_token": "cf-token-wrong-0123456789"}
    read_only = {"api_token": "cf-token-reader-012345678"}

    def error(self, status, text, code=1004):
        return {"success": False, "errors": [{"code": code, "message": text}], "messages": [], "result": None}

    def ok(self, result, info=None, status=200):
        body = {"success": True, "errors": [], "messages": [], "result": result}
        if info:
            body["result_info"] = info
        return Answer(status, body)

    def new_id(self):
        return "%032x" % next(self.numbers)

    def may(self, request):
        token = request.headers.get("Authorization", "")
        if token == "Bearer cf-token-reader-012345678" and request.method != "GET":
            return Answer(403, self.error(403, "Authentication error", 10000))
        if token not in ("Bearer cf-token-right-0123456789", "Bearer cf-token-reader-012345678"):
            return Answer(403, self.error(403, "Invalid access token", 9109))
        return None

    def listing(self, request, items, maximum):
        size = int(request.query.get("per_page", 20))
        number = int(request.query.get("page", 1))
        self.check(5 <= size <= maximum, "per_page %d" % size)
        pages = (len(items) + size - 1) // size
        shown = self.page(items, number, size)
        return self.ok(shown, {"page": number, "per_page": size, "total_pages": pages, "count": len(shown), "total_count": len(items)})

    def shown(self, record):
        return {"id": record.id, "type": record.kind, "name": record.name, "content": '"%s"' % record.value, "ttl": record.ttl}

    def handle(self, request):
        parts = request.parts()[2:]
        if parts == ["zones"] and request.method == "GET":
            zones = [z for z in self.zones.values() if request.query.get("name", z.name) == z.name]
            return self.listing(request, [{"id": z.id, "name": z.name, "status": "active"} for z in zones], 50)
        if len(parts) < 3 or parts[0] != "zones" or parts[2] != "dns_records":
            return None
        zone = self.by_id(parts[1])
        if zone is None:
            return Answer(404, self.error(404, "Could not route to /zones, perhaps your object identifier is invalid?", 7003))
        if len(parts) == 3 and request.method == "GET":
            q = request.query
            fits = [r for r in zone.records if q.get("type", r.kind) == r.kind and q.get("name", r.name) == r.name]
            return self.listing(request, [self.shown(r) for r in fits], 5000)
        if len(parts) == 3 and request.method == "POST":
            body = request.json()
            value = body["content"].strip('"')
            self.check(body["type"] == "TXT" and isinstance(body["ttl"], int) and body["ttl"] >= 60, "fields of a record")
            self.check(body["name"] == zone.name or body["name"].endswith("." + zone.name), "a name outside of the zone")
            if value in self.values(body["name"]):
                return Answer(400, self.error(400, "An identical record already exists.", 81058))
            return self.ok(self.shown(self.put(zone, body["name"], value, ttl=body["ttl"])))
        if len(parts) == 4 and request.method == "DELETE":
            found = [r for r in zone.records if r.id == parts[3]]
            if not found:
                return Answer(404, self.error(404, "Record does not exist.", 81044))
            zone.records.remove(found[0])
            return self.ok({"id": parts[3]})
        return None
