"""Hetzner Cloud zones: sets to which single values are added, from which they are removed."""
from fake import Answer, Fake


class Provider(Fake):
    id = "hetzner"
    base_path = "/v1"
    credentials = {"HETZNER_API_TOKEN": "hetzner-token-right"}
    wrong = {"api_token": "hetzner-token-wrong"}
    read_only = {"api_token": "hetzner-token-reader"}

    def error(self, status, text, code=None):
        codes = {401: "unauthorized", 403: "token_readonly", 404: "not_found", 429: "rate_limit_exceeded"}
        return {"error": {"code": code or codes.get(status, "invalid_input"), "message": text, "details": {}}}

    def may(self, request):
        return self.bearer(request, "Bearer hetzner-token-right", "Bearer hetzner-token-reader")

    def handle(self, request):
        parts = request.parts()[1:]
        if parts[0] != "zones" or len(parts) < 2:
            return None
        zone = self.named(parts[1])
        if len(parts) == 2 and request.method == "GET":
            return Answer(200, {"zone": {"id": int(zone.id), "name": zone.name, "mode": "primary"}})
        if len(parts) < 5 or parts[2] != "rrsets" or parts[4] != "TXT":
            return None
        name = self.absolute(parts[3], zone)
        old = self.texts(zone, name)
        if len(parts) == 5 and request.method == "GET":
            if not old:
                return Answer(404, self.error(404, "RRSet not found"))
            return Answer(200, {"rrset": {"name": parts[3], "type": "TXT", "ttl": old[0].ttl, "records": [{"value": '"%s"' % r.value} for r in old]}})
        if len(parts) != 7 or parts[5] != "actions" or request.method != "POST":
            return None
        values = [r["value"] for r in request.json()["records"]]
        self.check(values and all(v[0] == v[-1] == '"' for v in values), "values without quotes")
        values = [v.strip('"') for v in values]
        if parts[6] == "add_records":
            if any(v in self.values(name) for v in values):
                return Answer(409, self.error(409, "record already exists", "uniqueness_error"))
            for v in values:
                self.put(zone, name, v)
        elif parts[6] == "remove_records":
            if not old:
                return Answer(404, self.error(404, "RRSet not found"))
            zone.records = [r for r in zone.records if not (r.name == name and r.kind == "TXT" and r.value in values)]
        else:
            return None
        return Answer(201, {"action": {"id": int(self.new_id()), "command": parts[6], "status": "running", "error": None}})
