"""Gcore DNS v2: sets with lists of chunks."""
from fake import Answer, Fake


class Provider(Fake):
    id = "gcore"
    base_path = "/dns/v2"
    credentials = {"GCORE_PERMANENT_API_TOKEN": "gcore-token-right"}
    wrong = {"api_token": "gcore-token-wrong"}
    read_only = {"api_token": "gcore-token-reader"}
    replaces = True

    def may(self, request):
        return self.bearer(request, "APIKey gcore-token-right", "APIKey gcore-token-reader")

    def handle(self, request):
        parts = request.parts()[2:]
        if parts[0] != "zones" or len(parts) not in (2, 4):
            return None
        zone = self.named(parts[1])
        if len(parts) == 2:
            return Answer(200, {"id": int(zone.id), "name": zone.name}) if request.method == "GET" else None
        name, old = parts[2], self.texts(zone, parts[2])
        self.check(parts[3] == "TXT" and (name == zone.name or name.endswith("." + zone.name)), "a name outside of the zone")
        if request.method in ("POST", "PUT"):
            body = request.json()
            values = [r["content"][0] for r in body["resource_records"]]
            self.check(isinstance(body["ttl"], int) and values, "fields of a set")
            if request.method == "POST" and old:
                return Answer(400, self.error(400, "record already exists"))
            if request.method == "PUT":
                self.check(all(r.get("enabled") for r in body["resource_records"] if r["content"][0] in [o.value for o in old]), "members are lost")
            self.replace(zone, name, values, body["ttl"])
            return Answer(200, {})
        if not old:
            return Answer(404, self.error(404, "record not found"))
        if request.method == "DELETE":
            self.replace(zone, name, [], 0)
            return Answer(204)
        return Answer(200, {"name": name, "type": "TXT", "ttl": old[0].ttl,
                            "resource_records": [{"content": [r.value], "enabled": True, "meta": {}} for r in old]})
