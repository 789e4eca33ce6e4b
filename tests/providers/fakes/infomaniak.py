"""Infomaniak API: a result inside of each answer."""
from fake import Answer, Fake


class Provider(Fake):
    id = "infomaniak"
    credentials = {"INFOMANIAK_ACCESS_TOKEN": "ik-token-right"}
    wrong = {"api_token": "ik-token-wrong"}
    read_only = {"api_token": "ik-token-reader"}

    def error(self, status, text):
        code = {401: "not_authorized", 403: "forbidden", 404: "object_not_found"}.get(status, "validation_failed")
        return {"result": "error", "error": {"code": code, "description": text}}

    def ok(self, data):
        return Answer(200, {"result": "success", "data": data})

    def may(self, request):
        return self.bearer(request, "Bearer ik-token-right", "Bearer ik-token-reader")

    def handle(self, request):
        parts = request.parts()
        if parts[:2] != ["2", "zones"] or len(parts) < 4:
            return None
        zone = self.named(parts[2])
        if parts[3:] == ["exists"] and request.method == "GET":
            return self.ok(True)
        if parts[3] != "records":
            return None
        if len(parts) == 4 and request.method == "GET":
            return self.ok([{"id": int(r.id), "type": r.kind, "source": self.relative(r.name, zone, "."), "target": '"%s"' % r.value, "ttl": r.ttl}
                            for r in zone.records])
        if len(parts) == 4 and request.method == "POST":
            body = request.json()
            self.check(body["type"] == "TXT" and isinstance(body["ttl"], int), "fields of a record")
            return self.ok({"id": int(self.put(zone, self.absolute(body["source"], zone), body["target"]).id)})
        if len(parts) == 5 and request.method == "DELETE":
            self.drop(zone, parts[4])
            return self.ok(True)
        return None
