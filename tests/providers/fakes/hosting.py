"""Interfaces with JSON and a record per value, or a set per name, that the families of families.py describe."""
import re

from fake import Answer
from families import (ANY, Act, Api, Create, FIX, FQDN, FQDN_DOT, ID, IDS, INT, IS, KIND, OPT, QUOTED, Records, Remove, SUB, SUB_AT, Says, SetDrop, SetGet,
                      SetPut, TEXT, TTL, TTLS, VALUE, ZID, ZIDS, ZONE, ZONE_DOT, Zone1, Zones, at, bearer)


class HetznerLegacy(Api):
    id = "hetzner-legacy"
    base_path = "/api/v1"
    credentials, wrong, read_only = {"HETZNER_API_KEY": "hl-token-right"}, {"api_token": "hl-token-wrong"}, {"api_token": "hl-token-reader"}
    token = bearer("hl", header="Auth-API-Token", word="")
    errors = "error/message"
    zone_shape = {"id": ZIDS, "name": ZONE}
    shape = {"id": IDS, "zone_id": ZIDS, "type": KIND, "name": SUB_AT, "value": VALUE, "ttl": TTL}
    routes = {"GET /zones": Zones("zones", by="name", none=404, query={"name": ANY}),
              "GET /records": Records("records", zone_by="zone_id", query={"zone_id": ANY, "per_page": OPT(ANY), "page": OPT(ANY)},
                                      page=("page", "page", "per_page", lambda n, last, count: {"meta": {"pagination": {"page": n, "last_page": last}}}), most=100),
              "POST /records": Create("record", zone_by="zone_id", accepts={"zone_id": ZIDS, "type": KIND, "name": SUB_AT, "value": VALUE, "ttl": TTL}),
              "DELETE /records/{id}": Remove()}


class Dynu(Api):
    id = "dynu"
    base_path = "/v2"
    credentials, wrong = {"DYNU_API_KEY": "dynu-key-right"}, {"token": "dynu-key-wrong"}
    token = ("API-Key", "dynu-key-right", None)
    bad = (401, {"statusCode": 401, "type": "Authentication Exception", "message": "Invalid."})
    shape = {"id": ID, "domainId": ZID, "domainName": ZONE, "nodeName": SUB, "hostname": FQDN, "recordType": KIND, "ttl": TTL, "state": True, "textData": VALUE}
    always = {"statusCode": 200}

    class Root(Act):
        def run(self, api, request, where, q):
            name = where["name"]
            fits = [z for z in api.zones.values() if name == z.name or name.endswith("." + z.name)]
            if not fits:
                return Answer(200, {"statusCode": 501, "type": "Argument Exception", "message": "Invalid."})
            zone = max(fits, key=lambda z: len(z.name))
            return Answer(200, {"statusCode": 200, "id": int(zone.id), "domainName": zone.name, "hostname": name, "node": api.relative(name, zone)})

    routes = {"GET /dns/getroot/{name}": Root(), "GET /dns/{zid}/record": Records("dnsRecords"),
              "POST /dns/{zid}/record": Create(accepts={"recordType": KIND, "nodeName": SUB, "textData": VALUE, "state": True, "ttl": TTL}),
              "DELETE /dns/{zid}/record/{id}": Remove(body={"statusCode": 200})}


class EfficientIp(Api):
    id = "efficientip"
    base_path = "/rest"
    credentials = {"EFFICIENTIP_HOSTNAME": "ipam.example.com", "EFFICIENTIP_USERNAME": "apiuser", "EFFICIENTIP_PASSWORD": "sds-secret-right", "EFFICIENTIP_DNS_NAME": "dns.smart"}
    wrong = dict(credentials, EFFICIENTIP_PASSWORD="sds-secret-wrong")
    read_only = dict(credentials, EFFICIENTIP_PASSWORD="sds-secret-reader")
    basic, basic_reader = "apiuser:sds-secret-right", "apiuser:sds-secret-reader"
    errors = "errmsg"
    zone_shape = {"dnszone_id": ZIDS, "dnszone_name": ZONE, "dns_name": "dns.smart"}
    shape = {"rr_id": IDS, "rr_full_name": FQDN, "rr_type": KIND, "value1": VALUE, "ttl": TTLS, "dns_name": "dns.smart", "dnszone_name": ZONE}

    class Where(Act):
        def run(self, api, request, where, q):
            wanted = dict(re.findall(r"(\w+)='([^']*)'(?: and |$)", q["WHERE"]))
            api.check(wanted.pop("dns_name") == "dns.smart" and re.sub(r"\w+='[^']*'", "", q["WHERE"]).replace(" and ", "") == "", "WHERE %s" % q["WHERE"])
            rows = [api.look(api.zone_shape, z) for z in api.zones.values()] if self.where == "zones" else [
                api.look(api.shape, z, r) for z in api.zones.values() for r in z.records]
            rows = [r for r in rows if all(r[k] == v for k, v in wanted.items())]
            return Answer(200, rows) if rows else Answer(204)

    class Add(Act):
        writes = True

        def run(self, api, request, where, q):
            given = api.body(request)
            name = given["rr_name"]
            fits = [z for z in api.zones.values() if name == z.name or name.endswith("." + z.name)]
            zone, found = max(fits, key=lambda z: len(z.name)), {}
            api.take({"rr_name": FQDN, "rr_type": KIND, "value1": VALUE, "rr_ttl": TTLS, "dns_name": "dns.smart", "dnsview_name": OPT(TEXT)}, given, zone, found)
            return Answer(201, [{"ret_oid": api.put(zone, name, found["values"][0]).id}])

    routes = {"GET /dns_zone_list": Where("zones", query={"WHERE": ANY}), "GET /dns_rr_list": Where("records", query={"WHERE": ANY}),
              "POST /dns_rr_add": Add(), "DELETE /dns_rr_delete": Remove(query={"rr_id": ANY}, id_by="rr_id", body=[{"ret_oid": "0"}])}


class EasyDns(Api):
    id = "easydns"
    credentials, wrong = {"EASYDNS_TOKEN": "tok", "EASYDNS_KEY": "easy-key-right"}, {"token": "tok", "key": "easy-key-wrong"}
    basic = "tok:easy-key-right"
    bad = (401, {"error": {"code": 401, "message": "Missing or invalid credentials"}})
    errors = "error/message"
    shape = {"id": IDS, "domain": ZONE, "host": SUB_AT, "ttl": TTLS, "prio": "0", "type": KIND, "rdata": VALUE}
    json = {"format": "json"}

    class Search(Records):
        def run(self, api, request, where, q):
            body = super().run(api, request, {"zone": where["zone"]}, q)
            body.body["data"] = [r for r in body.body["data"] if where["word"] in r["host"]]
            return body

    routes = {"GET /zones/records/all/{zone}": Records("data", query=json), "GET /zones/records/all/{zone}/search/{word}": Search("data", query=json),
              "PUT /zones/records/add/{zone}/TXT": Create("data", status=201, query=json,
                                                          accepts={"domain": ZONE, "host": SUB_AT, "ttl": TTLS, "prio": "0", "type": KIND, "rdata": VALUE},
                                                          exists=(400, {"error": {"code": 400, "message": "Record already exists"}})),
              "DELETE /zones/records/{zone}/{id}": Remove(query=json, body={"status": 200})}


class UltraDns(Api):
    id = "ultradns"
    credentials, wrong = {"ULTRADNS_USERNAME": "u1", "ULTRADNS_PASSWORD": "ultra-secret-right"}, {"username": "u1", "password": "ultra-secret-wrong"}
    read_only = {"username": "reader", "password": "ultra-secret-right"}
    replaces = True
    zone_shape = {"properties": {"name": ZONE_DOT, "type": "PRIMARY"}}
    shape = {"zoneName": ZONE_DOT, "rrSets": FIX({"ownerName": FQDN_DOT, "rrtype": "TXT (16)", "ttl": TTL, "rdata": [VALUE]})}
    accepts = {"ttl": TTL, "rdata": [VALUE]}

    def error(self, status, text):
        return [{"errorCode": 70002, "errorMessage": text}]

    def __init__(self):
        super().__init__()
        self.tokens = {}

    def expire(self):
        self.tokens = {}

    def is_session(self, request):
        return request.path == "/v1/authorization/token"

    def allowed(self, request):
        who = self.tokens.get(request.headers.get("Authorization"))
        if who is None:
            return Answer(401, {"errorCode": 60001, "errorMessage": "invalid_grant:token not found, expired or invalid"})
        return Answer(403, self.error(403, "User does not have permission")) if who == "reader" and self.is_write(request) else None

    class Login(Act):
        def run(self, api, request, where, q):
            form = request.form()
            api.check(set(form) == {"grant_type", "username", "password"} and form["grant_type"] == "password", "form %s" % sorted(form))
            if form["password"] != "ultra-secret-right":
                return Answer(401, {"errorCode": 60001, "errorMessage": "invalid_grant:Invalid username & password combination."})
            token = "t" + api.new_id()
            api.tokens["Bearer " + token] = form["username"]
            return Answer(200, {"accessToken": token, "refreshToken": "r", "tokenType": "Bearer", "expiresIn": "3600"})

    class List(Act):
        def run(self, api, request, where, q):
            api.check(q["q"] == "zone_type:PRIMARY" and q["limit"] == "1000", "q")
            start = int(q.get("cursor", 0))
            zones = list(api.zones.values())
            after = {"next": str(start + 100)} if len(zones) > start + 100 else {}
            return Answer(200, {"zones": [api.look(api.zone_shape, z) for z in zones[start:start + 100]], "cursorInfo": dict(after, limit=1000)})

    routes = {"POST /v1/authorization/token": Login(), "GET /v3/zones": List(query={"q": ANY, "limit": ANY, "cursor": OPT(ANY)}),
              "GET /v1/zones/{zone_dot}/rrsets/TXT/{fqdn_dot}": SetGet(), "POST /v1/zones/{zone_dot}/rrsets/TXT/{fqdn_dot}": SetPut(
                  status=201, new=True, exists=(400, [{"errorCode": 2111, "errorMessage": "Resource Record of type 16 with these attributes already exists in the system."}])),
              "PUT /v1/zones/{zone_dot}/rrsets/TXT/{fqdn_dot}": SetPut(old=True), "DELETE /v1/zones/{zone_dot}/rrsets/TXT/{fqdn_dot}": SetDrop(status=204)}
