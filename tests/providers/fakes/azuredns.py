"""Azure DNS through the resource manager: client credentials, sets with ETags, pages by nextLink."""
import hashlib

from fake import Answer, Fake


class Provider(Fake):
    id = "azuredns"
    credentials = {"tenant_id": "11111111-tenant", "client_id": "22222222-client", "client_secret": "right~secret.value/0",
                   "subscription_id": "33333333-subscription", "resource_group": "dns", "login_url": "{origin}"}
    wrong = dict(credentials, client_secret="wrong~secret.value/0")
    read_only = dict(credentials, client_id="44444444-reader")
    compares = True

    def error(self, status, text, code="BadRequest"):
        return {"error": {"code": code, "message": text}}

    def is_session(self, request):
        return request.path.endswith("/oauth2/v2.0/token")

    def may(self, request):
        token = request.headers.get("Authorization")
        if token not in ("Bearer token-writer", "Bearer token-reader"):
            return Answer(401, self.error(401, "The access token is invalid.", "InvalidAuthenticationToken"))
        if token == "Bearer token-reader" and request.method != "GET":
            return Answer(403, self.error(403, "does not have authorization to perform action", "AuthorizationFailed"))
        return None

    def token(self, request):
        form = request.form()
        self.check(form["grant_type"] == "client_credentials" and form["scope"] == "https://management.azure.com/.default", "the grant")
        if request.parts()[0] != "11111111-tenant" or form["client_secret"] != "right~secret.value/0":
            return Answer(401, {"error": "invalid_client", "error_description": "AADSTS7000215: Invalid client secret provided."})
        name = "reader" if form["client_id"] == "44444444-reader" else "writer"
        return Answer(200, {"token_type": "Bearer", "expires_in": 3599, "access_token": "token-" + name})

    def etag(self, records):
        return hashlib.md5(repr(sorted((r.value, r.ttl) for r in records)).encode()).hexdigest()

    def shown(self, records):
        return {"etag": self.etag(records), "name": records[0].name, "type": "Microsoft.Network/dnszones/TXT",
                "properties": {"TTL": records[0].ttl, "fqdn": records[0].name + ".", "TXTRecords": [{"value": [r.value]} for r in records]}}

    def handle(self, request):
        parts = request.parts()
        if self.is_session(request):
            return self.token(request) if request.method == "POST" else None
        self.check(request.query.get("api-version") == "2018-05-01", "api-version")
        prefix = ["subscriptions", "33333333-subscription", "resourceGroups", "dns", "providers", "Microsoft.Network"]
        if [p.lower() for p in parts[:6]] != [p.lower() for p in prefix] or parts[6].lower() != "dnszones":
            return Answer(404, self.error(404, "The resource was not found.", "ResourceNotFound"))
        if len(parts) == 7:
            return self.listing(request) if request.method == "GET" else None
        zone = self.zones.get(parts[7])
        if zone is None:
            return Answer(404, self.error(404, "The zone was not found.", "ParentResourceNotFound"))
        return self.record_set(request, zone, self.absolute(parts[9], zone)) if len(parts) == 10 and parts[8] == "TXT" else None

    def listing(self, request):
        size, start = min(int(request.query.get("$top", 100)), 100), int(request.query.get("$skiptoken", 0))
        zones = list(self.zones.values())
        body = {"value": [{"id": request.path + "/" + z.name, "name": z.name, "type": "Microsoft.Network/dnszones"}
                          for z in zones[start: start + size]]}
        if start + size < len(zones):
            body["nextLink"] = "%s%s?api-version=2018-05-01&$top=%d&$skiptoken=%d" % (self.origin, request.path, size, start + size)
        return Answer(200, body)

    def record_set(self, request, zone, name):
        old = [r for r in zone.records if r.name == name and r.kind == "TXT"]
        match, none = request.headers.get("If-Match"), request.headers.get("If-None-Match")
        if request.method == "GET":
            return Answer(200, self.shown(old)) if old else Answer(404, self.error(404, "The resource record was not found.", "NotFound"))
        if (none == "*" and old) or (match and (not old or match != self.etag(old))):
            return Answer(412, self.error(412, "The etag does not match.", "PreconditionFailed"))
        self.check(match or none, "a write without a condition")
        if request.method == "DELETE":
            zone.records = [r for r in zone.records if r not in old]
            return Answer(200 if old else 204)
        if request.method != "PUT":
            return None
        properties = request.json()["properties"]
        self.check(isinstance(properties["TTL"], int) and properties["TXTRecords"], "properties")
        zone.records = [r for r in zone.records if r not in old]
        new = [self.put(zone, name, "".join(t["value"]), ttl=properties["TTL"]) for t in properties["TXTRecords"]]
        return Answer(200 if old else 201, self.shown(new))
