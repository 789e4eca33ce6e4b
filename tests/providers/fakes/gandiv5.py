"""Gandi LiveDNS v5: RRsets, returned in quotes."""
from fake import Answer, Fake


class Provider(Fake):
    id = "gandiv5"
    base_path = "/v5/livedns"
    credentials = {"GANDIV5_PERSONAL_ACCESS_TOKEN": "gandi-token-right"}
    wrong = {"api_token": "gandi-token-wrong"}
    read_only = {"api_token": "gandi-token-reader"}
    replaces = True

    def error(self, status, text):
        return {"code": status, "message": text, "object": "HTTPError", "cause": "Error"}

    def may(self, request):
        return self.bearer(request, "Bearer gandi-token-right", "Bearer gandi-token-reader")

    def handle(self, request):
        parts = request.parts()[2:]
        if parts[0] != "domains" or len(parts) not in (2, 5):
            return None
        zone = self.named(parts[1])
        if len(parts) == 2:
            return Answer(200, {"fqdn": zone.name, "fqdn_unicode": zone.name}) if request.method == "GET" else None
        if parts[2] != "records" or parts[4] != "TXT":
            return None
        name = self.absolute(parts[3], zone)
        self.check(parts[3] != "", "an empty name instead of @")
        if request.method == "GET":
            old = self.texts(zone, name)
            if not old:
                return Answer(404, self.error(404, "Can't find the DNS record"))
            return Answer(200, {"rrset_name": parts[3], "rrset_type": "TXT", "rrset_ttl": old[0].ttl, "rrset_values": ['"%s"' % r.value for r in old]})
        if request.method == "PUT":
            body = request.json()
            self.check(body["rrset_values"] and isinstance(body["rrset_ttl"], int), "fields of a set")
            self.replace(zone, name, [v.strip('"') for v in body["rrset_values"]], body["rrset_ttl"])
            return Answer(201, {"message": "DNS Record Created"})
        if request.method == "DELETE":
            self.replace(zone, name, [], 0)
            return Answer(204)
        return None
