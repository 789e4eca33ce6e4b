"""Scaleway domains v2beta1: changes add and delete single values."""
from fake import Answer, Fake


class Provider(Fake):
    id = "scaleway"
    base_path = "/domain/v2beta1"
    credentials = {"SCW_SECRET_KEY": "scw-secret-right"}
    wrong = {"application_token": "scw-secret-wrong"}
    read_only = {"application_token": "scw-secret-reader"}

    def error(self, status, text):
        return {"message": text, "type": {401: "denied_authentication", 403: "permissions_denied", 404: "not_found"}.get(status, "invalid_arguments")}

    def may(self, request):
        return self.bearer(request, "scw-secret-right", "scw-secret-reader", header="X-Auth-Token")

    def handle(self, request):
        parts = request.parts()[2:]
        if parts == ["dns-zones"] and request.method == "GET":
            zones = [z for z in self.zones.values() if request.query.get("dns_zone", z.name) == z.name]
            return Answer(200, {"dns_zones": [{"domain": z.name, "subdomain": "", "status": "active"} for z in zones], "total_count": len(zones)})
        if len(parts) != 3 or parts[0] != "dns-zones" or parts[2] != "records":
            return None
        zone = self.named(parts[1])
        if request.method == "GET":
            size, number = int(request.query.get("page_size", 20)), int(request.query.get("page", 1))
            self.check(size <= 100, "page_size")
            fits = [{"id": r.id, "name": self.relative(r.name, zone), "type": r.kind, "data": '"%s"' % r.value, "ttl": r.ttl} for r in zone.records]
            fits = [r for r in fits if all(r[k] == v for k, v in request.query.items() if k in ("name", "type"))]
            return Answer(200, {"records": self.page(fits, number, size), "total_count": len(fits)})
        if request.method != "PATCH":
            return None
        for change in request.json()["changes"]:
            for r in change.get("add", {}).get("records", []):
                self.check(r["type"] == "TXT" and r["ttl"] >= 60 and r["data"][0] == r["data"][-1] == '"', "fields of a record")
                self.put(zone, self.absolute(r["name"], zone), r["data"].strip('"'), ttl=r["ttl"])
            if "delete" in change:
                f = change["delete"]["id_fields"]
                self.check(f["type"] == "TXT" and f["data"], "fields of a record")
                name = self.absolute(f["name"], zone)
                zone.records = [r for r in zone.records if not (r.name == name and r.kind == "TXT" and r.value == f["data"].strip('"'))]
        return Answer(200, {"records": []})
