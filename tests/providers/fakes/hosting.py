"""Interfaces with JSON and a record per value, or a set per name, that the families of families.py describe."""
import base64
import re

from fake import Answer
from fakes import gcore, ionos
from families import (ANY, Act, Api, Create, FIX, FQDN, FQDN_DOT, ID, IDS, INT, IS, KIND, OPT, QUOTED, Records, Remove, Rpc, SUB, SUB_AT, Says, SetDrop, SetGet,
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


class EdgeCenter(gcore.Provider):
    id = "edgecenter"
    credentials = {"EDGECENTER_PERMANENT_API_TOKEN": gcore.Provider.credentials["GCORE_PERMANENT_API_TOKEN"]}


class UnitedDomains(ionos.Provider):
    id = "uniteddomains"
    credentials = {"UNITEDDOMAINS_API_KEY": ionos.Provider.credentials["IONOS_API_KEY"]}


class Netcup(Rpc):
    id = "netcup"
    path = "/endpoint"
    credentials = {"NETCUP_CUSTOMER_NUMBER": "12345", "NETCUP_API_KEY": "nc-key-right", "NETCUP_API_PASSWORD": "nc-secret-right", "endpoint": "{origin}/endpoint?JSON"}
    wrong = dict(credentials, NETCUP_API_PASSWORD="nc-secret-wrong")
    absent = 200
    zone_shape = {"name": ZONE, "ttl": "300", "serial": "1"}
    shape = {"id": IDS, "hostname": SUB_AT, "type": KIND, "priority": "0", "destination": VALUE, "deleterecord": False, "state": "yes"}

    def __init__(self):
        super().__init__()
        self.sessions = set()

    def expire(self):
        self.sessions = set()

    def error(self, status, text, code=5029):
        return {"status": "error", "statuscode": code, "shortmessage": text, "longmessage": text, "responsedata": ""}

    def ok(self, data):
        return Answer(200, {"status": "success", "statuscode": 2000, "longmessage": "", "responsedata": data})

    def call(self, request):
        body = request.json()
        return body["action"], {k: v for k, v in body["param"].items() if k not in ("customernumber", "apikey", "apisessionid")}

    def is_session(self, request):
        return request.json().get("action") == "login"

    def is_write(self, request):
        return request.json().get("action") == "updateDnsRecords"

    def allowed(self, request):
        param = request.json()["param"]
        self.check(param["customernumber"] == "12345" and param["apikey"] == "nc-key-right" and request.raw_query == "JSON", "who, where")
        return None if param["apisessionid"] in self.sessions else Answer(200, self.error(200, "Api session id in invalid format", 4001))

    class Login(Act):
        def run(self, api, request, where, q):
            if q["apipassword"] != "nc-secret-right":
                return Answer(200, api.error(200, "Validation Error.", 4013))
            api.sessions.add("s" + api.new_id())
            return api.ok({"apisessionid": max(api.sessions)})

    class Info(Act):
        def run(self, api, request, where, q):
            zone = api.zone_of({"zone": q["domainname"]})
            return api.ok(api.look(api.zone_shape, zone) if self.where == "zone" else {"dnsrecords": [api.look(api.shape, zone, r) for r in zone.records]})

    class Update(Act):
        def run(self, api, request, where, q):
            zone, found = api.zone_of({"zone": q["domainname"]}), {}
            new = q["dnsrecordset"]["dnsrecords"][0]
            entry = {"hostname": SUB_AT, "type": KIND, "destination": VALUE}
            api.take(FIX(dict(entry, id=IDS, deleterecord=True) if "id" in new else entry), q["dnsrecordset"]["dnsrecords"], zone, found)
            if "id" in new:
                hit = next(r for r in zone.records if r.id == new["id"])
                api.check((hit.name, hit.value) == (found["name"], new["destination"]), "another record")
                zone.records.remove(hit)
            else:
                api.put(zone, found["name"], new["destination"])
            return api.ok({"dnsrecords": [api.look(api.shape, zone, r) for r in zone.records]})

    actions = {"login": Login(), "infoDnsZone": Info("zone"), "infoDnsRecords": Info(), "updateDnsRecords": Update()}


class Njalla(Rpc):
    id = "njalla"
    base_path = "/api/1"
    credentials, wrong, read_only = {"NJALLA_TOKEN": "nj-token-right"}, {"token": "nj-token-wrong"}, {"token": "nj-token-reader"}
    token = bearer("nj", word="Njalla ")
    bad, denied = (200, {"error": {"code": 401, "message": "Unauthorized"}}), (200, {"error": {"code": 403, "message": "Permission denied"}})
    absent = 200
    always = {"jsonrpc": "2.0"}
    shape = {"id": IDS, "name": SUB_AT, "type": KIND, "content": VALUE, "ttl": TTL}
    actions = {"list-domains": Zones("result/domains"), "list-records": Records("result/records", query={"domain": ANY}, zone_by="domain"),
               "add-record": Create("result", zone_by="domain", accepts={"domain": ZONE, "type": KIND, "name": SUB_AT, "content": VALUE, "ttl": TTL}),
               "remove-record": Remove(zone_by="domain", accepts={"domain": ZONE, "id": IDS}, body={"result": {}}, gone=200)}

    def error(self, status, text):
        return {"error": {"code": 404, "message": text}}


class Vercel(Api):
    id = "vercel"
    credentials, wrong, read_only = {"VERCEL_API_TOKEN": "ver-token-right"}, {"api_token": "ver-token-wrong"}, {"api_token": "ver-token-reader"}
    token = bearer("ver")
    errors = "error/message"
    shape = {"id": IDS, "name": SUB, "type": KIND, "value": VALUE, "ttl": TTL, "creator": "x"}

    class Pages(Records):
        def run(self, api, request, where, q):
            zone = api.zone_of(where)
            rows = sorted(zone.records, key=lambda r: -int(r.id))
            rows = [r for r in rows if "until" not in q or int(r.id) <= int(q["until"])]
            size = int(q.get("limit", 20))
            api.check(size <= 100, "limit")
            left = rows[size:]
            return Answer(200, {"records": [api.look(api.shape, zone, r) for r in rows[:size]], "pagination": {"count": size, "next": int(left[0].id) if left else None, "prev": None}})

    routes = {"GET /v5/domains/{zone}": Zone1("domain"), "GET /v4/domains/{zone}/records": Pages(query={"limit": OPT(ANY), "until": OPT(ANY)}),
              "POST /v2/domains/{zone}/records": Create(id="n", accepts={"type": KIND, "name": SUB, "value": VALUE, "ttl": TTL}),
              "DELETE /v2/domains/{zone}/records/{id}": Remove(body={})}


class Netlify(Api):
    id = "netlify"
    base_path = "/api/v1"
    credentials, wrong, read_only = {"NETLIFY_TOKEN": "nf-token-right"}, {"token": "nf-token-wrong"}, {"token": "nf-token-reader"}
    token = bearer("nf")
    zone_shape = {"id": ZIDS, "name": ZONE}
    shape = {"id": IDS, "hostname": FQDN, "type": KIND, "value": VALUE, "ttl": TTL, "dns_zone_id": ZIDS}
    routes = {"GET /dns_zones": Zones(), "GET /dns_zones/{zid}/dns_records": Records(),
              "POST /dns_zones/{zid}/dns_records": Create(status=201, accepts={"type": KIND, "hostname": FQDN, "value": VALUE, "ttl": TTL}),
              "DELETE /dns_zones/{zid}/dns_records/{id}": Remove(status=204)}


class NameDotCom(Api):
    id = "namedotcom"
    base_path = "/v4"
    credentials, wrong = {"NAMECOM_USERNAME": "me", "NAMECOM_API_TOKEN": "ncom-token-right"}, {"username": "me", "api_token": "ncom-token-wrong"}
    basic = "me:ncom-token-right"
    zone_shape = {"domainName": ZONE}
    ttl_min = 300
    shape = {"id": ID, "domainName": ZONE, "host": SUB, "fqdn": FQDN_DOT, "type": KIND, "answer": VALUE, "ttl": TTL}
    routes = {"GET /domains/{zone}": Zone1(), "GET /domains/{zone}/records": Records("records", query={"perPage": OPT(ANY), "page": OPT(ANY)}, most=1000,
                                                                                    page=("page", "page", "perPage", lambda n, last, count: {"nextPage": n + 1} if n < last else {})),
              "POST /domains/{zone}/records": Create(accepts={"host": SUB, "type": KIND, "answer": VALUE, "ttl": TTL}), "DELETE /domains/{zone}/records/{id}": Remove(body={})}


class Technitium(Api):
    id = "technitium"
    base_path = "/api"
    credentials = {"TECHNITIUM_SERVER_BASE_URL": "https://dns.example.net:53443", "TECHNITIUM_API_TOKEN": "tech-token-right"}
    wrong, read_only = dict(credentials, TECHNITIUM_API_TOKEN="tech-token-wrong"), dict(credentials, TECHNITIUM_API_TOKEN="tech-token-reader")
    content = "form"
    absent = 200

    def error(self, status, text):
        return {"status": "error", "errorMessage": text}

    def allowed(self, request):
        token = request.form().get("token")
        if token == "tech-token-reader" and self.is_write(request):
            return Answer(200, self.error(200, "Access was denied."))
        return None if token in ("tech-token-right", "tech-token-reader") else Answer(200, {"status": "invalid-token", "errorMessage": "Invalid token or session expired."})

    class Change(Act):
        writes = True

        def run(self, api, request, where, q):
            form, found = request.form(), {}
            form.pop("token")
            if form["zone"] not in api.zones:
                return Answer(200, api.error(200, "No such zone was found: " + form["zone"]))
            zone = api.zones[form["zone"]]
            shape = {"domain": FQDN, "zone": ZONE, "type": KIND, "text": VALUE}
            api.take(dict(shape, ttl=TTLS) if self.where == "add" else shape, form, zone, found)
            have = [r for r in api.texts(zone, found["name"]) if r.value == form["text"]]
            if self.where == "add" and have:
                return Answer(200, api.error(200, "Cannot add record: record already exists."))
            if self.where == "add":
                api.put(zone, found["name"], form["text"], ttl=found["ttl"])
            zone.records = [r for r in zone.records if self.where == "add" or r not in have]
            return Answer(200, {"status": "ok", "response": {}})

    class Get(Act):
        def run(self, api, request, where, q):
            form = request.form()
            api.check(set(form) == {"domain", "zone", "token"}, "parameters")
            if form["zone"] not in api.zones:
                return Answer(200, api.error(200, "No such zone was found: " + form["zone"]))
            rows = [{"name": r.name, "type": r.kind, "ttl": r.ttl, "rData": {"text": r.value}} for r in api.zones[form["zone"]].records if r.name == form["domain"]]
            return Answer(200, {"status": "ok", "response": {"zone": {"name": form["zone"]}, "records": rows}})

    class List(Act):
        def run(self, api, request, where, q):
            return Answer(200, {"status": "ok", "response": {"zones": [{"name": z.name, "type": "Primary"} for z in api.zones.values()]}})

    routes = {"POST /zones/list": List(), "POST /zones/records/get": Get(), "POST /zones/records/add": Change("add"), "POST /zones/records/delete": Change("delete")}


class IbmCloud(Api):
    id = "ibmcloud"
    base_path = "/rest/v3.1"
    credentials, wrong, read_only = ({"SOFTLAYER_USERNAME": "sl", "SOFTLAYER_API_KEY": "ibm-key-" + w} for w in ("right", "wrong", "reader"))
    basic, basic_reader = "sl:ibm-key-right", "sl:ibm-key-reader"
    errors = "error"
    zone_shape = {"id": ZID, "name": ZONE}
    shape = {"id": ID, "host": SUB_AT, "data": VALUE, "ttl": TTL, "type": KIND, "domainId": ZID}
    record_kinds = {"TXT": "txt"}
    routes = {"GET /SoftLayer_Dns_Domain/getByDomainName/{name}.json": Zones(), "GET /SoftLayer_Dns_Domain/{zid}/getResourceRecords.json": Records(),
              "POST /SoftLayer_Dns_Domain/{zid}/createTxtRecord.json": Create(accepts={"parameters": [FQDN, VALUE, TTL]}),
              "DELETE /SoftLayer_Dns_Domain_ResourceRecord/{id}.json": Remove()}

    class ByName(Act):
        def run(self, api, request, where, q):
            return Answer(200, [api.look(api.zone_shape, z) for z in api.zones.values() if z.name == where["name"]])

    routes["GET /SoftLayer_Dns_Domain/getByDomainName/{name}.json"] = ByName()


class Inwx(Rpc):
    id = "inwx"
    base_path = "/jsonrpc"
    credentials, wrong = {"INWX_USERNAME": "me", "INWX_PASSWORD": "inwx-secret-right"}, {"username": "me", "password": "inwx-secret-wrong"}
    read_only = {"username": "reader", "password": "inwx-secret-right"}
    shape = {"id": ID, "name": FQDN, "type": KIND, "content": VALUE, "ttl": TTL, "prio": 0}
    ttl_min = 300
    absent = 200

    def __init__(self):
        super().__init__()
        self.cookies = {}

    def expire(self):
        self.cookies = {}

    def error(self, status, text):
        return {"code": 2303, "msg": text}

    def is_session(self, request):
        return request.json().get("method") == "account.login"

    def allowed(self, request):
        who = self.cookies.get(request.headers.get("Cookie"))
        if who is None:
            return Answer(200, {"code": 2200, "msg": "Authentication error"})
        return Answer(200, {"code": 2201, "msg": "Authorization error"}) if who == "reader" and self.is_write(request) else None

    class Login(Act):
        def run(self, api, request, where, q):
            if q["pass"] != "inwx-secret-right":
                return Answer(200, {"code": 2200, "msg": "Authentication error"})
            cookie = "domrobot=" + api.new_id()
            api.cookies[cookie] = q["user"]
            return Answer(200, {"code": 1000, "msg": "Command completed successfully", "resData": {"customerId": 1, "tfa": "0"}}, {"Set-Cookie": cookie + "; path=/; secure"})

    class Domains(Act):
        def run(self, api, request, where, q):
            return Answer(200, {"code": 1000, "resData": {"domains": [{"domain": z.name, "roId": int(z.id)} for z in api.zones.values() if z.name == q["domain"]]}})

    class Info(Act):
        def run(self, api, request, where, q):
            zone = api.zone_of({"zone": q["domain"]})
            rows = [api.look(api.shape, zone, r) for r in zone.records if r.name == q["name"] and r.kind == q["type"]]
            return Answer(200, {"code": 1000, "resData": {"record": rows} if rows else {}})

    actions = {"account.login": Login(query=dict.fromkeys(["user", "pass", "lang"], ANY)), "nameserver.list": Domains(query={"domain": ANY}),
               "nameserver.info": Info(query=dict.fromkeys(["domain", "name", "type"], ANY)),
               "nameserver.createRecord": Create(zone_by="domain", accepts={"domain": ZONE, "name": FQDN, "type": KIND, "content": VALUE, "ttl": TTL}, body={"code": 1000, "resData": {"id": 1}},
                                                 exists=(200, {"code": 2302, "msg": "Object exists"})),
               "nameserver.deleteRecord": Remove(accepts={"id": ID}, body={"code": 1000}, gone=200)}


def tokens(**names):
    """right, wrong and read-only credentials: names of members -> the text before -right, -wrong, -reader; with "=" it is fixed."""
    return ({k: v[1:] if v.startswith("=") else v + "-" + w for k, v in names.items()} for w in ("right", "wrong", "reader"))


class Civo(Api):
    id = "civo"
    base_path = "/v2"
    credentials, wrong, read_only = tokens(CIVO_TOKEN="civo-token")
    token = bearer("civo")
    errors = "reason"
    ttl_min = 600
    zone_shape = {"id": ZIDS, "account_id": "a", "name": ZONE}
    shape = {"id": IDS, "domain_id": ZIDS, "name": SUB, "value": VALUE, "type": KIND, "ttl": TTL}
    routes = {"GET /dns": Zones(), "GET /dns/{zid}/records": Records(), "DELETE /dns/{zid}/records/{id}": Remove(body={"result": "success"}),
              "POST /dns/{zid}/records": Create(accepts={"type": KIND, "name": SUB, "value": VALUE, "ttl": TTL})}


class LuaDns(Api):
    id = "luadns"
    base_path = "/v1"
    credentials, wrong, read_only = tokens(LUADNS_API_USERNAME="=me@example.com", LUADNS_API_TOKEN="lua-token")
    basic, basic_reader = "me@example.com:lua-token-right", "me@example.com:lua-token-reader"
    ttl_min = 300
    zone_shape = {"id": ZID, "name": ZONE, "synced": True}
    shape = {"id": ID, "name": FQDN_DOT, "type": KIND, "content": VALUE, "ttl": TTL, "zone_id": ZID}
    routes = {"GET /zones": Zones(), "GET /zones/{zid}/records": Records(), "DELETE /zones/{zid}/records/{id}": Remove(body={}),
              "POST /zones/{zid}/records": Create(accepts={"type": KIND, "name": FQDN_DOT, "content": VALUE, "ttl": TTL})}


class Domeneshop(Api):
    id = "domeneshop"
    base_path = "/v0"
    credentials, wrong, _ = tokens(DOMENESHOP_API_TOKEN="=tok", DOMENESHOP_API_SECRET="ds-secret")
    basic = "tok:ds-secret-right"
    errors = "help"
    zone_shape = {"id": ZID, "domain": ZONE, "services": {"dns": True}}
    shape = {"id": ID, "host": SUB_AT, "ttl": TTL, "type": KIND, "data": VALUE}
    routes = {"GET /domains": Zones(), "GET /domains/{zid}/dns": Records(query={"type": OPT(ANY), "host": OPT(ANY)}, by={"type": KIND, "host": SUB_AT}),
              "DELETE /domains/{zid}/dns/{id}": Remove(status=204),
              "POST /domains/{zid}/dns": Create(status=201, id="id", accepts={"host": SUB_AT, "ttl": TTL, "type": KIND, "data": VALUE}, exists=(409,))}


class Glesys(Api):
    id = "glesys"
    credentials, wrong, read_only = tokens(GLESYS_API_USER="=CL12345", GLESYS_API_KEY="gle-key")
    basic, basic_reader = "CL12345:gle-key-right", "CL12345:gle-key-reader"
    zone_shape = {"domainname": ZONE, "usingglesysnameserver": "yes"}
    shape = {"recordid": ID, "domainname": ZONE, "host": SUB_AT, "type": KIND, "data": VALUE, "ttl": TTL}

    def error(self, status, text):
        return {"response": {"status": {"code": status, "text": text}}}

    class List(Records):
        def run(self, api, request, where, q):
            body = request.json()
            api.check(set(body) == {"domainname"}, "members")
            return super().run(api, request, {"zone": body["domainname"]}, q)

    routes = {"POST /domain/list": Zones("response/domains"), "POST /domain/listrecords": List("response/records"),
              "POST /domain/addrecord": Create("response/record", zone_by="domainname", accepts={"domainname": ZONE, "host": SUB_AT, "type": KIND, "data": VALUE, "ttl": TTL}),
              "POST /domain/deleterecord": Remove(accepts={"recordid": ID})}


class Hosttech(Api):
    id = "hosttech"
    base_path = "/api/user/v1"
    credentials, wrong, read_only = tokens(HOSTTECH_API_KEY="ht-token")
    token = bearer("ht")
    zone_shape = {"id": ZID, "name": ZONE, "ttl": 10800}
    shape = {"id": ID, "type": KIND, "name": SUB, "text": VALUE, "ttl": TTL, "comment": ""}
    routes = {"GET /zones": Zones("data", by="query", part=True, query={"query": OPT(ANY), "limit": OPT(ANY), "offset": OPT(ANY)}, page=("offset", "offset", "limit")),
              "GET /zones/{zid}/records": Records("data", query={"type": OPT(ANY)}, by={"type": KIND}),
              "POST /zones/{zid}/records": Create("data", status=201, accepts={"type": KIND, "name": SUB, "text": VALUE, "ttl": TTL}), "DELETE /zones/{zid}/records/{id}": Remove(status=204)}


class LimaCity(Api):
    id = "limacity"
    base_path = "/usercp"
    credentials, wrong, read_only = tokens(LIMACITY_API_KEY="lima-key")
    basic, basic_reader = "api:lima-key-right", "api:lima-key-reader"
    errors = "status"
    zone_shape = {"id": ZID, "unicode_fqdn": ZONE, "domain": "x", "tld": "y", "status": "ok"}
    shape = {"id": ID, "name": SUB, "content": VALUE, "ttl": TTL, "type": KIND}
    routes = {"GET /domains.json": Zones("domains"), "GET /domains/{zid}/records.json": Records("records"), "DELETE /domains/{zid}/records/{id}": Remove(body={"status": "ok"}),
              "POST /domains/{zid}/records.json": Create(accepts={"nameserver_record": {"name": SUB, "type": KIND, "content": VALUE, "ttl": TTL}}, body={"status": "ok"})}


class Simply(Api):
    id = "simply"
    base_path = "/2"
    credentials, wrong, read_only = tokens(SIMPLY_ACCOUNT_NAME="=S1", SIMPLY_API_KEY="simply-key")
    basic, basic_reader = "S1:simply-key-right", "S1:simply-key-reader"
    shape = {"record_id": ID, "name": SUB_AT, "ttl": TTL, "data": VALUE, "type": KIND, "priority": 0}
    routes = {"GET /my/products/{zone}/dns/records/": Records("records"), "DELETE /my/products/{zone}/dns/records/{id}/": Remove(body={"status": 200}),
              "POST /my/products/{zone}/dns/records/": Create(id="record/id", accepts={"name": SUB_AT, "ttl": TTL, "data": VALUE, "type": KIND, "priority": 0})}


class Variomedia(Api):
    id = "variomedia"
    credentials, wrong, read_only = tokens(VARIOMEDIA_API_TOKEN="vm-token")
    token = bearer("vm", word="token ")
    zone_shape = {"type": "domain", "id": ZONE}
    shape = {"type": "dns-record", "id": IDS, "attributes": {"record_type": KIND, "name": SUB_AT, "domain": ZONE, "data": VALUE, "ttl": TTL}}

    def error(self, status, text):
        return {"errors": [{"status": str(status), "title": text}]}

    class Add(Create):
        def run(self, api, request, where, q):
            api.check(request.headers["Content-Type"] == "application/vnd.api+json", "content type")
            return super().run(api, request, {"zone": request.json()["data"]["attributes"]["domain"]}, q)

    routes = {"GET /domains": Zones("data"), "GET /dns-records": Records("data", zone_by="filter[domain]", query={"filter[domain]": ANY}), "DELETE /dns-records/{id}": Remove(status=202, body={}),
              "POST /dns-records": Add("data", status=202, accepts={"data": {"type": "dns-record", "attributes": {"record_type": KIND, "name": SUB, "domain": ZONE, "data": VALUE, "ttl": TTL}}})}


class ZoneEe(Api):
    id = "zoneee"
    base_path = "/v2"
    credentials, wrong, read_only = tokens(ZONEEE_API_USER="=me", ZONEEE_API_KEY="zee-key")
    basic, basic_reader = "me:zee-key-right", "me:zee-key-reader"
    shape = {"id": IDS, "name": FQDN, "destination": VALUE, "delete": True, "modify": True, "resource_url": "https://x"}
    routes = {"GET /dns/{zone}": Zone1(), "DELETE /dns/{zone}/txt/{id}": Remove(status=204), "POST /dns/{zone}/txt": Create(status=201, accepts={"name": FQDN, "destination": VALUE}),
              "GET /dns/{zone}/txt": Records()}


class Versio(Api):
    id = "versio"
    base_path = "/api/v1"
    credentials, wrong, _ = tokens(VERSIO_USERNAME="=me@example.com", VERSIO_PASSWORD="ver-secret")
    basic = "me@example.com:ver-secret-right"
    errors = "error/message"
    replaces = whole = True

    def zone(self, name):
        zone = super().zone(name)
        for kind, label, value in (("A", "", "192.0.2.1"), ("CNAME", "www.", name + "."), ("MX", "", "mail." + name + ".")):
            self.put(zone, label + name, value, kind, 3600)
        return zone

    class Read(Act):
        def run(self, api, request, where, q):
            zone = api.zone_of(where)
            rows = [{"type": r.kind, "name": r.name + ".", "value": '"%s"' % r.value if r.kind == "TXT" else r.value, "prio": 0, "ttl": r.ttl} for r in zone.records]
            return Answer(200, {"domainInfo": dict({"domain": zone.name, "status": "OK"}, **({"dns_records": rows} if "show_dns_records" in q else {}))})

    class Write(Act):
        writes = True

        def run(self, api, request, where, q):
            zone, body = api.zone_of(where), request.json()
            api.check(set(body) == {"dns_records"} and body["dns_records"] and all(set(r) == {"type", "name", "value", "prio", "ttl"} and r["name"].endswith(".") for r in body["dns_records"]),
                      "records")
            zone.records = []
            for r in body["dns_records"]:
                api.check(r["type"] != "TXT" or r["value"][0] == r["value"][-1] == '"', "quotes")
                api.put(zone, r["name"], r["value"].strip('"'), r["type"], r["ttl"])
            return Answer(200, {"domainInfo": {"domain": zone.name}})

    routes = {"GET /domains/{zone}": Read(query={"show_dns_records": OPT("true")}), "POST /domains/{zone}/update": Write()}


class Curanet(Api):
    id = "curanet"
    base_path = "/dns/v2"
    credentials, wrong, read_only = tokens(CURANET_API_KEY="cur-token")
    token = bearer("cur")
    errors = "detail"
    shape = {"id": ID, "name": SUB, "type": KIND, "ttl": TTL, "priority": 0, "data": VALUE}
    routes = {"GET /Domains/{zone}/Records": Records(query={"name": OPT(ANY), "type": OPT(ANY)}, by={"name": SUB, "type": KIND}),
              "POST /Domains/{zone}/Records": Create(accepts={"name": SUB, "type": KIND, "ttl": TTL, "data": VALUE}), "DELETE /Domains/{zone}/Records/{id}": Remove()}


class DanDomain(Curanet):
    id = "dandomain"
    credentials, wrong, read_only = tokens(DANDOMAIN_API_KEY="cur-token")


class ScanNet(Curanet):
    id = "scannet"
    credentials, wrong, read_only = tokens(SCANNET_API_KEY="cur-token")


class Wannafind(Curanet):
    id = "wannafind"
    credentials, wrong, read_only = tokens(WANNAFIND_API_KEY="cur-token")


class Neodigit(Api):
    id = "neodigit"
    base_path = "/v1"
    credentials, wrong, read_only = tokens(NEODIGIT_TOKEN="neo-token")
    token = bearer("neo", header="X-TCpanel-Token", word="")
    zone_shape = {"id": ZID, "name": ZONE, "human_name": ZONE}
    shape = {"id": ID, "name": SUB, "type": KIND, "content": VALUE, "ttl": TTL, "prio": 0}
    routes = {"GET /dns/zones": Zones(), "GET /dns/zones/{zid}/records": Records(query={"type": OPT(ANY)}, by={"type": KIND}), "DELETE /dns/zones/{zid}/records/{id}": Remove(status=204),
              "POST /dns/zones/{zid}/records": Create(status=201, accepts={"record": {"name": SUB, "type": KIND, "content": VALUE, "ttl": TTL}})}


class Virtualname(Neodigit):
    id = "virtualname"
    credentials, wrong, read_only = tokens(VIRTUALNAME_TOKEN="neo-token")


class Selectel(Api):
    id = "selectel"
    base_path = "/domains/v1"
    credentials, wrong, read_only = tokens(SELECTEL_API_TOKEN="sel-token")
    token = bearer("sel", header="X-Token", word="")
    errors = "error"
    ttl_min = 60
    zone_shape = {"id": ZID, "name": ZONE}
    shape = {"id": ID, "name": FQDN, "type": KIND, "ttl": TTL, "content": VALUE}
    routes = {"GET /{zone}": Zone1(), "GET /{zid}/records/": Records(), "DELETE /{zid}/records/{id}": Remove(status=204),
              "POST /{zid}/records/": Create(accepts={"name": FQDN, "type": KIND, "ttl": TTL, "content": VALUE})}


class Vscale(Selectel):
    id = "vscale"
    base_path = "/v1/domains"
    credentials, wrong, read_only = tokens(VSCALE_API_TOKEN="sel-token")


class Hostinger(Api):
    id = "hostinger"
    base_path = "/api/dns/v1"
    credentials, wrong, read_only = tokens(HOSTINGER_API_TOKEN="hgr-token")
    token = bearer("hgr")
    replaces = True
    accepts = {"overwrite": True, "zone": FIX({"name": SUB_AT, "type": KIND, "ttl": TTL, "records": [{"content": VALUE, "is_disabled": OPT(ANY)}]})}
    shape = {"name": SUB_AT, "type": KIND, "ttl": TTL, "records": [{"content": VALUE, "is_disabled": IS(ANY, False)}]}

    class Sets(Act):
        def run(self, api, request, where, q):
            zone = api.zone_of(where)
            names = sorted({r.name for r in zone.records})
            return Answer(200, [api.look(api.shape, zone, None, [r for r in zone.records if r.name == n]) for n in names])

    routes = {"GET /zones/{zone}": Sets(), "PUT /zones/{zone}": SetPut(body={"message": "Request accepted"}),
              "DELETE /zones/{zone}": SetDrop(accepts={"filters": FIX({"name": SUB_AT, "type": KIND})}, body={"message": "Request accepted"})}


class Spaceship(Api):
    id = "spaceship"
    base_path = "/api/v1"
    credentials, wrong, read_only = tokens(SPACESHIP_API_KEY="=K1", SPACESHIP_API_SECRET="ship-token")
    token = bearer("ship", header="X-Api-Secret", word="")
    headers = {"X-Api-Key": "K1"}
    errors = "detail"
    ttl_min = 60
    shape = {"type": KIND, "name": SUB_AT, "value": VALUE, "ttl": TTL, "group": {"type": "custom"}}
    routes = {"GET /dns/records/{zone}": Records("items", query={"take": ANY, "skip": ANY}, page=("offset", "skip", "take", lambda n, last, count: {"total": count}), most=500),
              "PUT /dns/records/{zone}": Create(status=204, body=None, accepts={"force": True, "items": FIX({"type": KIND, "name": SUB_AT, "value": VALUE, "ttl": TTL})}),
              "DELETE /dns/records/{zone}": Remove(status=204, accepts=FIX({"type": KIND, "name": SUB_AT, "value": VALUE}))}


class MijnHost(Api):
    id = "mijnhost"
    base_path = "/api/v2"
    credentials, wrong, read_only = tokens(MIJNHOST_API_KEY="mh-token")
    token = bearer("mh", header="API-Key", word="")
    errors = "status_description"
    always = {"status": 200, "status_description": "Request successful"}
    zone_shape = {"id": ZID, "domain": ZONE, "status": "active"}
    shape = {"type": KIND, "name": FQDN_DOT, "value": VALUE, "ttl": TTL}
    routes = {"GET /domains": Zones("data/domains"), "GET /domains/{zone}/dns": Records("data/records"), "PATCH /domains/{zone}/dns": Create(accepts={"record": shape}),
              "DELETE /domains/{zone}/dns": Remove(accepts={"record": shape})}


class Servercow(Api):
    id = "servercow"
    base_path = "/dns/v1"
    credentials, wrong, read_only = tokens(SERVERCOW_USERNAME="=me", SERVERCOW_PASSWORD="cow-token")
    token = bearer("cow", header="X-Auth-Password", word="")
    headers = {"X-Auth-Username": "me"}
    errors = "error"
    replaces = True

    class Sets(Act):
        def run(self, api, request, where, q):
            zone = api.zone_of(where)
            rows = []
            for name in sorted({r.name for r in zone.records}):
                values = [r.value for r in zone.records if r.name == name]
                rows.append({"name": api.relative(name, zone), "type": "TXT", "ttl": 120, "content": values if len(values) > 1 else values[0]})
            return Answer(200, rows)

    routes = {"GET /domains/{zone}": Sets(), "POST /domains/{zone}": SetPut(accepts={"type": KIND, "name": SUB, "ttl": TTL, "content": [VALUE]}, body={"message": "ok"}),
              "DELETE /domains/{zone}": SetDrop(accepts={"type": KIND, "name": SUB}, body={"message": "ok"})}


class BinaryLane(Api):
    id = "binarylane"
    base_path = "/v2"
    credentials, wrong, read_only = tokens(BINARYLANE_API_TOKEN="bl-token")
    token = bearer("bl")
    errors = "detail"
    zone_shape = {"id": ZID, "name": ZONE}
    shape = {"id": ID, "type": KIND, "name": SUB_AT, "data": VALUE, "ttl": TTL}
    routes = {"GET /domains/{zone}": Zone1("domain"), "DELETE /domains/{zone}/records/{id}": Remove(status=204),
              "GET /domains/{zone}/records": Records("domain_records", query={"type": OPT(ANY), "name": OPT(ANY), "per_page": OPT(ANY), "page": OPT(ANY)}, by={"type": KIND, "name": SUB_AT}, most=200,
                                                     page=("page", "page", "per_page")),
              "POST /domains/{zone}/records": Create("domain_record", accepts={"type": KIND, "name": SUB_AT, "data": VALUE, "ttl": TTL})}


class Session(Api):
    """A login gives a token for the other calls."""
    login_path = None

    def __init__(self):
        super().__init__()
        self.tokens = {}

    def expire(self):
        self.tokens = {}

    def is_session(self, request):
        return request.path == self.login_path

    def allowed(self, request):
        who = self.tokens.get(request.headers.get("Authorization"))
        if who is None:
            return self.refusal("bad", 401, "unauthorized")
        return self.refusal("denied", 403, "forbidden") if who == "reader" and self.is_write(request) else None

    def let_in(self, who):
        token = "t" + self.new_id()
        self.tokens["Bearer " + token] = who
        return token

    def handle(self, request):
        return self.login(request) if self.is_session(request) else super().handle(request)


class CoreNetworks(Session):
    id = "corenetworks"
    login_path = "/auth/token"
    credentials, wrong = {"CORENETWORKS_LOGIN": "me", "CORENETWORKS_PASSWORD": "cn-secret-right"}, {"login": "me", "password": "cn-secret-wrong"}
    read_only = {"login": "reader", "password": "cn-secret-right"}
    shape = {"name": SUB_AT, "ttl": TTL, "type": KIND, "data": VALUE}

    def login(self, request):
        body = request.json()
        self.check(set(body) == {"login", "password"}, "members")
        return Answer(200, {"token": self.let_in(body["login"]), "expires": 3600}) if body["password"] == "cn-secret-right" else Answer(401, self.error(401, "wrong"))

    routes = {"GET /dnszones/": Zones(), "GET /dnszones/{zone}/records/": Records(query={"name": OPT(ANY), "type": OPT(ANY)}, by={"name": SUB_AT, "type": KIND}),
              "POST /dnszones/{zone}/records/": Create(status=204, body=None, accepts={"name": SUB_AT, "ttl": TTL, "type": KIND, "data": VALUE}),
              "POST /dnszones/{zone}/records/delete": Remove(status=204, gone=204, accepts={"name": SUB_AT, "type": KIND, "data": VALUE}), "POST /dnszones/{zone}/records/commit": Says(status=204)}


class DnsLa(Api):
    id = "dnsla"
    base_path = "/api"
    credentials, wrong, read_only = tokens(DNSLA_API_ID="=me", DNSLA_API_SECRET="la-secret")
    basic, basic_reader = "me:la-secret-right", "me:la-secret-reader"
    errors = "msg"
    always = {"code": 200, "msg": ""}
    record_kinds = {"TXT": 16}
    zone_shape = {"id": ZIDS, "domain": ZONE_DOT}
    shape = {"id": IDS, "host": SUB_AT, "type": KIND, "data": VALUE, "ttl": TTL}
    pages = ("page", "pageIndex", "pageSize")
    routes = {"GET /domainList": Zones("data/results", query={"pageIndex": ANY, "pageSize": ANY}, page=pages), "DELETE /record": Remove(query={"id": ANY}, id_by="id", body={"code": 200}),
              "GET /recordList": Records("data/results", query={"pageIndex": ANY, "pageSize": ANY, "domainId": ANY}, zone_by="domainId", page=pages),
              "POST /record": Create("data", zone_by="domainId", accepts={"domainId": ZIDS, "type": 16, "host": SUB_AT, "data": VALUE, "ttl": TTL})}


class IonosCloud(Api):
    id = "ionoscloud"
    credentials, wrong, read_only = tokens(IONOSCLOUD_API_TOKEN="ic-token")
    token = bearer("ic")
    ttl_min = 60
    zone_shape = {"id": ZIDS, "type": "zone", "properties": {"zoneName": ZONE, "enabled": True}}
    shape = {"id": IDS, "type": "record", "properties": {"name": SUB, "type": KIND, "content": VALUE, "ttl": TTL, "enabled": True}}

    def error(self, status, text):
        return {"httpStatus": status, "messages": [{"errorCode": "dns", "message": text}]}

    routes = {"GET /zones": Zones("items", by="filter.zoneName", part=True, query={"filter.zoneName": OPT(ANY), "limit": OPT(ANY)}),
              "GET /zones/{zid}/records": Records("items", query={"limit": OPT(ANY), "offset": OPT(ANY)}, page=("offset", "offset", "limit")),
              "POST /zones/{zid}/records": Create(status=202, accepts={"properties": {"name": SUB, "type": KIND, "content": VALUE, "ttl": TTL, "enabled": True}}),
              "DELETE /zones/{zid}/records/{id}": Remove(status=202, body={})}


class Leaseweb(Api):
    id = "leaseweb"
    base_path = "/hosting/v2"
    credentials, wrong, read_only = tokens(LEASEWEB_API_KEY="lsw-token")
    token = bearer("lsw", header="X-LSW-Auth", word="")
    errors = "errorMessage"
    replaces = True
    zone_shape = {"domainName": ZONE}
    shape = {"name": FQDN_DOT, "type": KIND, "ttl": TTL, "content": [VALUE], "editable": True}
    routes = {"GET /domains/{zone}": Zone1(), "GET /domains/{zone}/resourceRecordSets/{fqdn_dot}/TXT": SetGet(), "DELETE /domains/{zone}/resourceRecordSets/{fqdn_dot}/TXT": SetDrop(status=204),
              "POST /domains/{zone}/resourceRecordSets": SetPut(status=201, new=True, accepts={"name": FQDN_DOT, "type": KIND, "ttl": TTL, "content": [VALUE]},
                                                                exists=(400, {"errorMessage": "Resource record set already exists"})),
              "PUT /domains/{zone}/resourceRecordSets/{fqdn_dot}/TXT": SetPut(old=True, accepts={"ttl": TTL, "content": [VALUE]})}


class MythicBeasts(Session):
    id = "mythicbeasts"
    base_path = "/dns/v2"
    login_path = "/login"
    credentials = {"MYTHICBEASTS_USERNAME": "me", "MYTHICBEASTS_PASSWORD": "mb-secret-right", "auth_url": "{origin}/login"}
    wrong, read_only = dict(credentials, MYTHICBEASTS_PASSWORD="mb-secret-wrong"), dict(credentials, MYTHICBEASTS_USERNAME="reader")
    errors = "error"
    zone_shape = ZONE
    shape = {"host": SUB_AT, "ttl": TTL, "type": KIND, "data": VALUE}

    def login(self, request):
        self.check(request.form() == {"grant_type": "client_credentials"}, "form")
        user, password = base64.b64decode(request.headers["Authorization"].split()[1]).decode().split(":")
        return Answer(200, {"access_token": self.let_in(user), "expires_in": 300}) if password == "mb-secret-right" else Answer(401, {"error": "invalid_client"})

    class ByData(Act):
        writes = True

        def run(self, api, request, where, q):
            zone = api.zone_of(where)
            name = api.name_of(where, zone)
            have = [r for r in api.texts(zone, name) if r.value == q["data"]]
            zone.records = [r for r in zone.records if r not in have]
            return Answer(200, {"records_removed": len(have), "message": "ok"})

    routes = {"GET /zones": Zones("zones"), "GET /zones/{zone}/records/{sub_at}/TXT": Records("records"), "DELETE /zones/{zone}/records/{sub_at}/TXT": ByData(query={"data": ANY}),
              "POST /zones/{zone}/records/{sub_at}/TXT": Create(accepts={"records": FIX({"host": SUB_AT, "ttl": TTL, "type": KIND, "data": VALUE})}, body={"records_added": 1})}


class ClouDns(Api):
    id = "cloudns"
    base_path = "/dns"
    credentials, wrong, _ = tokens(CLOUDNS_AUTH_ID="=1234", CLOUDNS_AUTH_PASSWORD="cld-secret")
    params, secret_param = {"auth-id": "1234", "auth-password": "cld-secret-right"}, "auth-password"
    bad = (200, {"status": "Failed", "statusDescription": "Invalid authentication, incorrect auth-id or auth-password."})
    absent = 200
    zone_shape = {"name": ZONE, "type": "master", "zone": "domain", "status": "1"}
    shape = {"id": IDS, "type": KIND, "host": SUB, "record": VALUE, "ttl": TTLS, "status": 1}

    def error(self, status, text):
        return {"status": "Failed", "statusDescription": "Missing domain-name" if status == 200 else text}

    content = "form"

    class Add(Act):
        writes = True

        def run(self, api, request, where, q):
            form, found = {k: v for k, v in request.form().items() if k not in api.params}, {}
            zone = api.zone_of({}, form["domain-name"])
            api.take({"domain-name": ZONE, "record-type": KIND, "host": SUB, "record": VALUE, "ttl": TTLS}, form, zone, found)
            record = api.put(zone, found["name"], form["record"], ttl=found["ttl"])
            return Answer(200, {"status": "Success", "statusDescription": "The record was added successfully.", "data": {"id": int(record.id)}})

    class List(Records):
        def run(self, api, request, where, q):
            body = super().run(api, request, where, q)
            return body if body.body else Answer(200, [])

    routes = {"GET /list-zones.json": Zones(query={"page": ANY, "rows-per-page": ANY}, page=("page", "page", "rows-per-page"), most=100),
              "GET /records.json": List(keyed=True, zone_by="domain-name", query={"domain-name": ANY, "host": OPT(ANY), "type": OPT(ANY)}, by={"host": SUB, "type": KIND}),
              "POST /add-record.json": Add(),
              "POST /delete-record.json": Remove(accepts={"domain-name": ZONE, "record-id": IDS}, zone_by="domain-name", gone=200, body={"status": "Success"})}


class DreamHost(Api):
    id = "dreamhost"
    credentials, wrong, _ = tokens(DREAMHOST_API_KEY="dh-secret")
    params, secret_param = {"key": "dh-secret-right", "format": "json"}, "key"
    bad = (200, {"result": "error", "data": "invalid_api_key"})
    absent = 200
    fields = {"domain-list_domains": [], "dns-list_records": [], "dns-add_record": ["record", "type", "value"], "dns-remove_record": ["record", "type", "value"]}

    def error(self, status, text):
        return {"result": "error", "data": text}

    def is_write(self, request):
        return "_record&" in request.target or "add_record" in request.target or "remove_record" in request.target

    class Command(Act):
        def __call__(self, api, request, where):
            q = {k: v for k, v in request.query.items() if k not in api.params}
            cmd = q.pop("cmd")
            api.check(set(q) == set(api.fields[cmd]), "parameters %s" % sorted(q))
            if cmd == "domain-list_domains":
                return Answer(200, {"result": "success", "data": [{"domain": z.name, "type": "http"} for z in api.zones.values()]})
            if cmd == "dns-list_records":
                return Answer(200, {"result": "success", "data": [{"zone": z.name, "record": r.name, "type": r.kind, "value": r.value, "editable": "1"} for z in api.zones.values() for r in z.records]})
            api.check(q["type"] == "TXT", "type")
            zone = max((z for z in api.zones.values() if q["record"] == z.name or q["record"].endswith("." + z.name)), key=lambda z: len(z.name))
            have = [r for r in api.texts(zone, q["record"]) if r.value == q["value"]]
            if cmd == "dns-add_record":
                if have:
                    return Answer(200, api.error(200, "record_already_exists_remove_first"))
                api.put(zone, q["record"], q["value"])
                return Answer(200, {"result": "success", "data": "record_added"})
            if not have:
                return Answer(200, api.error(200, "no_such_value"))
            zone.records.remove(have[0])
            return Answer(200, {"result": "success", "data": "record_removed"})

    routes = {"GET /": Command()}


class SafeDns(Api):
    id = "safedns"
    base_path = "/safedns/v1"
    credentials, wrong, read_only = tokens(SAFEDNS_AUTH_TOKEN="safe-token")
    token = bearer("safe", word="")
    shape = {"id": ID, "name": FQDN, "type": KIND, "content": QUOTED, "ttl": TTL}
    pages = ("page", "page", "per_page", lambda n, last, count: {"meta": {"pagination": {"total": count, "total_pages": last}}})
    routes = {"GET /zones": Zones("data", query={"page": OPT(ANY), "per_page": OPT(ANY)}, page=pages, most=100), "DELETE /zones/{zone}/records/{id}": Remove(status=204),
              "GET /zones/{zone}/records": Records("data", query={"page": OPT(ANY), "per_page": OPT(ANY)}, page=pages, most=100),
              "POST /zones/{zone}/records": Create(status=201, id="data/id", accepts={"name": FQDN, "type": KIND, "content": QUOTED, "ttl": TTL})}


class Yandex360(Api):
    id = "yandex360"
    base_path = "/directory/v1/org/123"
    credentials, wrong, read_only = tokens(YANDEX360_OAUTH_TOKEN="y360-token", YANDEX360_ORG_ID="=123")
    token = bearer("y360", word="OAuth ")
    shape = {"recordId": ID, "name": SUB_AT, "type": KIND, "text": VALUE, "ttl": TTL}
    routes = {"GET /domains/{zone}/dns": Records("records", query={"page": OPT(ANY), "perPage": OPT(ANY)}, page=("page", "page", "perPage", lambda n, last, count: {"page": n, "pages": last, "total": count})),
              "POST /domains/{zone}/dns": Create(accepts={"name": SUB_AT, "type": KIND, "text": VALUE, "ttl": TTL}), "DELETE /domains/{zone}/dns/{id}": Remove(body={})}


class MailInABox(Api):
    id = "mailinabox"
    base_path = "/admin"
    credentials, wrong, _ = tokens(MAILINABOX_BASE_URL="=https://box.example.com", MAILINABOX_EMAIL="=me@example.com", MAILINABOX_PASSWORD="box-secret")
    basic = "me@example.com:box-secret-right"
    bad = (403, {"status": "error", "reason": "Incorrect username or password"})
    zone_shape = ZONE

    class Custom(Act):
        def run(self, api, request, where, q):
            name = where["fqdn"]
            zone = max((z for z in api.zones.values() if name == z.name or name.endswith("." + z.name)), key=lambda z: len(z.name))
            if request.method == "GET":
                return Answer(200, [{"qname": name, "rtype": "TXT", "value": r.value, "zone": zone.name} for r in api.texts(zone, name)])
            value = request.body.decode()
            api.check(value and '"' not in value, "value")
            zone.records = [r for r in zone.records if not (r.name == name and r.value == value)]
            if request.method == "POST":
                api.put(zone, name, value)
            return Answer(200, "updated DNS: " + zone.name)

    class Change(Custom):
        writes = True

    routes = {"GET /dns/zones": Zones(), "GET /dns/custom/{fqdn}/TXT": Custom(), "POST /dns/custom/{fqdn}/TXT": Change(), "DELETE /dns/custom/{fqdn}/TXT": Change()}


class AlwaysData(Api):
    id = "alwaysdata"
    base_path = "/v1"
    credentials, wrong, _ = tokens(ALWAYSDATA_API_KEY="ad-secret", ALWAYSDATA_ACCOUNT="=acct")
    basic = "ad-secret-right account=acct:"
    zone_shape = {"id": ZID, "name": ZONE, "href": "/v1/domain/1/"}
    shape = {"id": ID, "domain": {"href": "/v1/domain/1/"}, "type": KIND, "name": SUB, "value": VALUE, "ttl": TTL}
    routes = {"GET /domain/": Zones(), "GET /record/": Records(query={"domain": ANY, "name": OPT(ANY)}, zone_by="domain", by={"name": SUB}),
              "POST /record/": Create(status=201, body=None, zone_by="domain", accepts={"domain": ZID, "type": KIND, "name": SUB, "value": VALUE, "ttl": TTL}), "DELETE /record/{id}/": Remove(status=204)}


class Infoblox(Api):
    id = "infoblox"
    base_path = "/wapi/v2.11"
    credentials, wrong, read_only = tokens(INFOBLOX_HOST="=grid.example.com", INFOBLOX_USERNAME="=me", INFOBLOX_PASSWORD="ib-secret")
    basic, basic_reader = "me:ib-secret-right", "me:ib-secret-reader"
    errors = "text"
    zone_shape = {"_ref": ZIDS, "fqdn": ZONE, "view": "default"}

    def zone_of_name(self, name):
        return max((z for z in self.zones.values() if name == z.name or name.endswith("." + z.name)), key=lambda z: len(z.name))

    class Get(Act):
        def run(self, api, request, where, q):
            return Answer(200, [{"_ref": "record:txt/%s:%s/default" % (r.id, r.name), "name": r.name, "text": r.value, "view": "default"} for r in api.texts(api.zone_of_name(q["name"]), q["name"])])

    class Add(Act):
        writes = True

        def run(self, api, request, where, q):
            zone, found = api.zone_of_name(request.json()["name"]), {}
            api.take({"name": FQDN, "text": VALUE, "view": "default", "ttl": TTL, "use_ttl": True}, request.json(), zone, found)
            return Answer(201, "record:txt/%s" % api.put(zone, found["name"], found["values"][0]).id)

    class Gone(Act):
        writes = True

        def run(self, api, request, where, q):
            return Remove(body="ok").run(api, request, {"id": where["ref"].split(":")[0]}, q)

    routes = {"GET /zone_auth": Zones(by="fqdn", query={"fqdn": ANY, "view": "default"}), "GET /record:txt": Get(query={"name": ANY, "view": "default"}), "POST /record:txt": Add(),
              "DELETE /record%3Atxt/{ref}/default": Gone()}


class Gigahost(Api):
    id = "gigahostno"
    base_path = "/api/v0"
    credentials, wrong, read_only = tokens(GIGAHOSTNO_API_KEY="giga-token")
    token = bearer("giga")
    errors = "meta/message"
    always = {"meta": {"status": 200, "status_message": "200 OK"}}
    zone_shape = {"zone_id": ZIDS, "zone_name": ZONE, "zone_active": "1"}
    shape = {"record_id": IDS, "record_name": SUB_AT, "record_type": KIND, "record_value": VALUE, "record_ttl": TTL}
    routes = {"GET /dns/zones": Zones("data"), "GET /dns/zones/{zid}/records": Records("data"), "DELETE /dns/zones/{zid}/records/{id}": Remove(query={"name": ANY, "type": "TXT"}, body={}),
              "POST /dns/zones/{zid}/records": Create(status=201, body={"meta": {"status": 201}},
                                                      accepts={"record_name": SUB_AT, "record_type": KIND, "record_value": VALUE, "record_ttl": TTL})}


class Veesp(Api):
    id = "veesp"
    base_path = "/api"
    credentials, wrong, _ = tokens(VEESP_USERNAME="=me", VEESP_PASSWORD="vee-secret")
    basic = "me:vee-secret-right"
    bad = (401, {"error": ["wronglogin", "unauthorized"]})
    zone_shape = {"domain_id": ZIDS, "name": ZONE, "service_id": "10"}
    shape = {"id": IDS, "name": SUB, "ttl": TTL, "priority": 0, "type": KIND, "content": VALUE}

    def error(self, status, text):
        return {"error": [text]}

    routes = {"GET /dns": Zones("zones"), "GET /service/10/dns/{zid}": Records(inside="records"), "DELETE /service/10/dns/{zid}/records/{id}": Remove(body={"success": True}),
              "POST /service/10/dns/{zid}/records": Create(accepts={"name": SUB, "ttl": TTL, "type": KIND, "content": VALUE}, body={"success": True})}


class DnsServices(Veesp):
    id = "dnsservices"
    credentials, wrong, _ = tokens(DNSSERVICES_USERNAME="=me", DNSSERVICES_PASSWORD="vee-secret")


class ConoHa(Session):
    id = "conoha"
    base_path = "/v1"
    login_path = "/v2.0/tokens"
    credentials = {"CONOHA_TENANT_ID": "t1", "CONOHA_API_USERNAME": "me", "CONOHA_API_PASSWORD": "cono-secret-right", "identity_url": "{origin}"}
    wrong, read_only = dict(credentials, CONOHA_API_PASSWORD="cono-secret-wrong"), dict(credentials, CONOHA_API_USERNAME="reader")
    zone_shape = {"id": ZIDS, "name": ZONE_DOT}
    shape = {"id": IDS, "name": FQDN_DOT, "type": KIND, "data": VALUE, "ttl": TTL, "domain_id": ZIDS}
    routes = {"GET /domains": Zones("domains"), "GET /domains/{zid}/records": Records("records"), "DELETE /domains/{zid}/records/{id}": Remove(),
              "POST /domains/{zid}/records": Create(accepts={"name": FQDN_DOT, "type": KIND, "data": VALUE, "ttl": TTL})}

    def let_in(self, who):
        token = "t" + self.new_id()
        self.tokens[token] = who
        return token

    def allowed(self, request):
        who = self.tokens.get(request.headers.get("X-Auth-Token"))
        if who is None:
            return Answer(401, self.error(401, "Unauthorized"))
        return Answer(403, self.error(403, "Forbidden")) if who == "reader" and self.is_write(request) else None

    def login(self, request):
        auth = request.json()["auth"]
        given = auth["passwordCredentials"]
        self.check(auth["tenantId"] == "t1" and set(given) == {"username", "password"}, "auth %s" % auth)
        if given["password"] != "cono-secret-right":
            return Answer(401, {"unauthorized": {"message": "Invalid user: me", "code": 401}})
        return Answer(200, {"access": {"token": {"id": self.let_in(given["username"])}}})


class ConoHa3(ConoHa):
    id = "conohav3"
    login_path = "/v3/auth/tokens"
    credentials = {"CONOHAV3_TENANT_ID": "t1", "CONOHAV3_API_USER_ID": "me", "CONOHAV3_API_PASSWORD": "cono-secret-right", "identity_url": "{origin}"}
    wrong, read_only = dict(credentials, CONOHAV3_API_PASSWORD="cono-secret-wrong"), dict(credentials, CONOHAV3_API_USER_ID="reader")
    zone_shape = {"uuid": ZIDS, "name": ZONE_DOT}
    shape = {"uuid": IDS, "name": FQDN_DOT, "type": KIND, "data": VALUE, "ttl": TTL, "domain_id": ZIDS}
    project = {"id": "t1"}

    def who(self, user):
        self.check(set(user) == {"id", "password"}, "user %s" % user)
        return user["id"]

    def login(self, request):
        auth = request.json()["auth"]
        user = auth["identity"]["password"]["user"]
        self.check(auth["identity"]["methods"] == ["password"] and auth["scope"] == {"project": self.project}, "auth %s" % auth)
        if user["password"] != "cono-secret-right":
            return Answer(401, {"error": {"code": 401, "message": "The request you have made requires authentication."}})
        return Answer(201, {"token": {}}, {"X-Subject-Token": self.let_in(self.who(user))})


class VkCloud(ConoHa3):
    id = "vkcloud"
    base_path = "/public-dns/v2/dns"
    login_path = "/identity/v3/auth/tokens"
    credentials = {"VK_CLOUD_PROJECT_ID": "p1", "VK_CLOUD_USERNAME": "me", "VK_CLOUD_PASSWORD": "cono-secret-right", "identity_url": "{origin}/identity/v3"}
    wrong, read_only = dict(credentials, VK_CLOUD_PASSWORD="cono-secret-wrong"), dict(credentials, VK_CLOUD_USERNAME="reader")
    project = {"id": "p1"}
    zone_shape = {"uuid": ZIDS, "tenant": "p1", "zone": ZONE, "status": "active"}
    shape = {"uuid": IDS, "name": SUB, "dns": ZIDS, "content": VALUE, "ttl": TTL}
    routes = {"GET /": Zones(), "GET /{zid}/txt/": Records(), "DELETE /{zid}/txt/{id}": Remove(status=204), "POST /{zid}/txt/": Create(status=201, accepts={"name": SUB, "content": VALUE, "ttl": TTL})}

    def who(self, user):
        self.check(user["domain"] == {"name": "users"}, "user %s" % user)
        return user["name"]


class NameSilo(Api):
    id = "namesilo"
    base_path = "/api"
    credentials, wrong, _ = tokens(NAMESILO_API_KEY="silo-secret")
    params, secret_param = {"version": "1", "type": "xml", "key": "silo-secret-right"}, "key"
    bad = (200, "<namesilo><request/><reply><code>110</code><detail>Invalid API Key</detail></reply></namesilo>")
    fields = {"dnsListRecords": {"domain"}, "dnsAddRecord": {"domain", "rrtype", "rrhost", "rrvalue", "rrttl"}, "dnsDeleteRecord": {"domain", "rrid"}}

    def error(self, status, text):
        return self.reply(280, text)

    @staticmethod
    def reply(code, detail, more=""):
        return "<namesilo><request/><reply><code>%d</code><detail>%s</detail>%s</reply></namesilo>" % (code, detail, more)

    def is_write(self, request):
        return "dnsAdd" in request.path or "dnsDelete" in request.path

    class Operation(Act):
        def __call__(self, api, request, where):
            q = {k: v for k, v in request.query.items() if k not in api.params}
            api.check(where["op"] in api.fields and set(q) - {"rrhost"} == api.fields[where["op"]] - {"rrhost"}, "parameters %s" % sorted(q))
            zone = api.zones.get(q["domain"])
            if zone is None:
                return Answer(200, api.reply(200, "Domain is not active, or does not belong to this user"))
            if where["op"] == "dnsAddRecord":
                api.check(q["rrtype"] == "TXT" and int(q["rrttl"]) >= 3600, "the record")
                return Answer(200, api.reply(300, "success", "<record_id>%s</record_id>" % api.put(zone, api.absolute(q.get("rrhost", ""), zone), q["rrvalue"], ttl=3600).id))
            if where["op"] == "dnsDeleteRecord":
                if not any(r.id == q["rrid"] for r in zone.records):
                    return Answer(200, api.reply(280, "DNS modification error"))
                api.drop(zone, q["rrid"])
                return Answer(200, api.reply(300, "success"))
            return Answer(200, api.reply(300, "success", "".join(
                "<resource_record><record_id>%s</record_id><type>%s</type><host>%s</host><value>%s</value><ttl>%d</ttl><distance>0</distance></resource_record>" % (
                    r.id, r.kind, r.name, r.value, r.ttl) for r in zone.records)))

    routes = {"GET /{op}": Operation()}


class OpenProvider(Session):
    id = "openprovider"
    base_path = "/v1beta"
    login_path = "/v1beta/auth/login"
    credentials, wrong = {"OPENPROVIDER_USERNAME": "me", "OPENPROVIDER_PASSWORD": "op-secret-right"}, {"username": "me", "password": "op-secret-wrong"}
    read_only = {"username": "reader", "password": "op-secret-right"}
    errors = "desc"
    bad = (500, {"code": 196, "desc": "Authentication/Authorization Failed"})
    zone_shape = {"id": ZID, "name": ZONE, "type": "master"}
    shape = {"name": FQDN, "type": KIND, "ttl": TTL, "value": QUOTED, "prio": 0}

    def login(self, request):
        body = request.json()
        self.check(set(body) == {"username", "password", "ip"}, "members")
        return Answer(200, {"code": 0, "data": {"token": self.let_in(body["username"])}}) if body["password"] == "op-secret-right" else self.refusal("bad", 500, "")

    class Change(Act):
        writes = True

        def run(self, api, request, where, q):
            zone, body, found = api.zone_of(where), request.json(), {}
            kind = next(iter(body["records"]))
            api.take({"id": ZID, "name": ZONE, "records": {kind: FIX({"name": SUB, "type": KIND, "ttl": TTL, "value": QUOTED})}}, body, zone, found)
            if kind == "add":
                api.put(zone, found["name"], found["values"][0], ttl=found["ttl"])
            else:
                hit = next(r for r in api.texts(zone, found["name"]) if r.value == found["values"][0] and r.ttl == found["ttl"])
                zone.records.remove(hit)
            return Answer(200, {"code": 0, "data": {"success": True}})

    routes = {"GET /dns/zones": Zones("data/results", by="name_pattern", part=True, query={"name_pattern": ANY, "limit": "500"}), "PUT /dns/zones/{zone}": Change(),
              "GET /dns/zones/{zone}/records": Records("data/results", query={"limit": ANY, "offset": OPT(ANY)}, page=("offset", "offset", "limit"), most=500)}
