"""deSEC API v1: RRsets without compare-and-swap; values in quotes."""
from fake import Answer, Fake


class Provider(Fake):
    id = "desec"
    base_path = "/api/v1"
    credentials = {"DESEC_TOKEN": "desec-token-right"}
    wrong = {"api_token": "desec-token-wrong"}
    read_only = {"api_token": "desec-token-reader"}
    replaces = True

    def error(self, status, text):
        return {"detail": text}

    def may(self, request):
        return self.bearer(request, "Token desec-token-right", "Token desec-token-reader")

    def shown(self, zone, records, sub):
        return {"domain": zone.name, "subname": sub, "name": records[0].name + ".", "type": "TXT", "ttl": records[0].ttl,
                "records": ['"%s"' % r.value for r in records]}

    def plain(self, values):
        self.check(values and all(v[0] == v[-1] == '"' for v in values), "values without quotes")
        return [v.strip('"') for v in values]

    def handle(self, request):
        parts = request.parts()[2:]
        self.check(parts[-1] == "", "a path without its final slash")
        if parts == ["domains", ""] and request.method == "GET":
            owner = request.query["owns_qname"]
            fits = [z for z in self.zones.values() if owner == z.name or owner.endswith("." + z.name)]
            longest = sorted(fits, key=lambda z: -len(z.name))[:1]
            return Answer(200, [{"name": z.name, "minimum_ttl": 3600} for z in longest])
        zone = self.named(parts[1])
        if parts[2:] == ["rrsets", ""] and request.method == "POST":
            body = request.json()
            name = self.absolute(body["subname"], zone)
            self.check(body["type"] == "TXT" and body["ttl"] >= 3600, "fields of a set")
            if self.texts(zone, name):
                return Answer(400, {"non_field_errors": ["Another RRset with the same subdomain and type exists for this domain."]})
            return Answer(201, self.shown(zone, self.replace(zone, name, self.plain(body["records"]), body["ttl"]), body["subname"]))
        if len(parts) != 6 or parts[2] != "rrsets" or parts[4] != "TXT":
            return None
        name = self.absolute(parts[3], zone)
        old = self.texts(zone, name)
        if request.method == "DELETE":
            self.replace(zone, name, [], 0)
            return Answer(204)
        if not old:
            return Answer(404, self.error(404, "Not found."))
        if request.method == "GET":
            return Answer(200, self.shown(zone, old, parts[3]))
        if request.method == "PATCH":
            return Answer(200, self.shown(zone, self.replace(zone, name, self.plain(request.json()["records"]), old[0].ttl), parts[3]))
        return None
