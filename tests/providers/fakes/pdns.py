"""PowerDNS Authoritative HTTP API: zones with RRsets, PATCH replaces a set."""
from fake import Answer, Fake


class Provider(Fake):
    id = "pdns"
    base_path = "/api/v1/servers/localhost"
    credentials = {"PDNS_API_URL": "{origin}", "PDNS_API_KEY": "pdns-key-right"}
    wrong = {"api_url": "{origin}", "api_key": "pdns-key-wrong"}
    read_only = {}  # there is one key for everything
    replaces = True

    def may(self, request):
        return self.bearer(request, "pdns-key-right", None, header="X-API-Key")

    def shown(self, zone, query):
        names = sorted({r.name for r in zone.records if r.kind == "TXT"})
        names = [n for n in names if query.get("rrset_name", n + ".") == n + "."]
        return [{"name": n + ".", "type": "TXT", "ttl": self.texts(zone, n)[0].ttl, "comments": [],
                 "records": [{"content": '"%s"' % r.value, "disabled": False} for r in self.texts(zone, n)]} for n in names]

    def handle(self, request):
        parts = request.parts()[4:]
        if parts[0] != "zones" or len(parts) != 2:
            return None
        self.check(parts[1].endswith("."), "a zone without its final dot")
        zone = self.named(parts[1].rstrip("."))
        if request.method == "GET":
            body = {"id": zone.name + ".", "name": zone.name + ".", "kind": "Native", "serial": 1}
            if request.query.get("rrsets") != "false":
                body["rrsets"] = self.shown(zone, request.query)
            return Answer(200, body)
        if request.method != "PATCH":
            return None
        for s in request.json()["rrsets"]:
            name = s["name"].rstrip(".")
            self.check(s["name"].endswith(".") and s["type"] == "TXT", "a set of TXT")
            if s["changetype"] == "DELETE":
                self.replace(zone, name, [], 0)
                continue
            self.check(s["changetype"] == "REPLACE" and isinstance(s["ttl"], int) and s["records"], "fields of a set")
            values = [r["content"] for r in s["records"]]
            self.check(all(v[0] == v[-1] == '"' for v in values), "values without quotes")
            self.replace(zone, name, [v.strip('"') for v in values], s["ttl"])
        return Answer(204)
