"""IONOS hosting DNS v1: arrays in and out; values come back in quotes."""
from fake import Answer, Fake


class Provider(Fake):
    id = "ionos"
    base_path = "/dns/v1"
    credentials = {"IONOS_API_KEY": "prefix.ionos-key-right"}
    wrong = {"api_key": "prefix.ionos-key-wrong"}
    read_only = {}  # a key may all

    def error(self, status, text):
        return [{"code": "UNAUTHORIZED" if status == 401 else "ERROR", "message": text}]

    def may(self, request):
        return self.bearer(request, "prefix.ionos-key-right", None, header="X-API-Key")

    def handle(self, request):
        parts = request.parts()[2:]
        if parts == ["zones"] and request.method == "GET":
            return Answer(200, [{"id": z.id, "name": z.name, "type": "NATIVE"} for z in self.zones.values()])
        if parts[0] != "zones" or len(parts) < 2:
            return None
        zone = self.numbered(parts[1])
        if len(parts) == 2 and request.method == "GET":
            q = request.query
            fits = [r for r in zone.records if q.get("recordName", r.name) == r.name and q.get("recordType", r.kind) == r.kind]
            return Answer(200, {"id": zone.id, "name": zone.name, "records": [
                {"id": r.id, "name": r.name, "type": r.kind, "content": '"%s"' % r.value, "ttl": r.ttl, "disabled": False} for r in fits]})
        if parts[2:3] != ["records"]:
            return None
        if len(parts) == 3 and request.method == "POST":
            made = []
            for r in request.json():
                self.check(r["type"] == "TXT" and r["ttl"] >= 60 and r["name"].endswith(zone.name), "fields of a record")
                made.append({"id": self.put(zone, r["name"], r["content"]).id})
            return Answer(201, made)
        if len(parts) == 4 and request.method == "DELETE":
            self.drop(zone, parts[3])
            return Answer(200)
        return None
