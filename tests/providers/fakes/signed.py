"""Interfaces with a signature of their own; each is checked with the published rules, apart from the client's code."""
import base64
import hashlib
import hmac
import json
import os
import re
import subprocess
import tempfile
import time
import urllib.parse

import aws4
from fake import Answer, Fake
from families import (ANY, Act, Api, Create, FIX, FQDN, FQDN_DOT, ID, IDS, KIND, OPT, QUOTED, Records, Remove, Rpc, SUB, SUB_AT, SetDrop, SetGet, SetPut, TTL, TTLS,
                      VALUE, ZIDS, ZONE, ZONE_DOT, Zone1, Zones)


def mac(key, text, kind=hashlib.sha256):
    return hmac.new(key, text.encode() if isinstance(text, str) else text, kind).digest()


def unb64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def rsa_key():
    return subprocess.run(["openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"], check=True, capture_output=True,
                          text=True).stdout


KEY = rsa_key()


def rsa_verify(key, text, signature, digest="sha256", *options):
    """By the command line tool, with the public half."""
    with tempfile.TemporaryDirectory() as folder:
        paths = [os.path.join(folder, n) for n in ("key.pem", "public.pem", "signature")]
        with open(paths[0], "w") as f:
            f.write(key)
        subprocess.run(["openssl", "pkey", "-in", paths[0], "-pubout", "-out", paths[1]], check=True, capture_output=True)
        with open(paths[2], "wb") as f:
            f.write(signature)
        return subprocess.run(["openssl", "dgst", "-" + digest, "-verify", paths[1], *options, "-signature", paths[2]], input=text,
                              capture_output=True).returncode == 0


class EdgeDns(Api):
    """Akamai EdgeGrid: EG1-HMAC-SHA256; the body counts for POST only."""
    id = "edgedns"
    base_path = "/config-dns/v2"
    credentials = {"AKAMAI_HOST": "akab-example.luna.akamaiapis.net", "AKAMAI_CLIENT_TOKEN": "akab-client-right", "AKAMAI_CLIENT_SECRET": "eg-secret-right",
                   "AKAMAI_ACCESS_TOKEN": "akab-access-token-right"}
    wrong = dict(credentials, AKAMAI_CLIENT_SECRET="eg-secret-wrong")
    read_only = dict(credentials, AKAMAI_ACCESS_TOKEN="akab-access-token-reader")
    replaces = True
    errors = "detail"
    zone_shape = {"zone": ZONE, "type": "PRIMARY"}
    shape = accepts = {"name": FQDN, "type": KIND, "ttl": TTL, "rdata": [QUOTED]}
    ttl_min = 30
    routes = {"GET /zones/{zone}": Zone1(), "GET /zones/{zone}/names/{fqdn}/types/TXT": SetGet(), "POST /zones/{zone}/names/{fqdn}/types/TXT": SetPut(status=201, new=True),
              "PUT /zones/{zone}/names/{fqdn}/types/TXT": SetPut(old=True), "DELETE /zones/{zone}/names/{fqdn}/types/TXT": SetDrop(status=204)}

    @staticmethod
    def signature(method, host, target, body, head, stamp, secret):
        key = base64.b64encode(mac(secret.encode(), stamp))
        content = base64.b64encode(hashlib.sha256(body[:131072]).digest()).decode() if method == "POST" and body else ""
        return base64.b64encode(mac(key, "\t".join([method, "https", host, target, "", content, head]))).decode()

    def allowed(self, request):
        given = re.fullmatch(r"(EG1-HMAC-SHA256 client_token=([^;]+);access_token=([^;]+);timestamp=(\d{8}T[\d:]{8}\+0000);nonce=([^;]{8,});)signature=(.+)",
                             request.headers.get("Authorization", ""))
        self.check(given, "Authorization: %s" % request.headers.get("Authorization"))
        head, client, access, stamp, _, signature = given.groups()
        self.check(abs(time.mktime(time.strptime(stamp, "%Y%m%dT%H:%M:%S+0000")) - time.timezone - time.time()) < 30, "the clock")
        want = self.signature(request.method, self.origin[8:], request.target, request.body, head, stamp, "eg-secret-right")
        if signature != want or client != "akab-client-right":
            return Answer(401, {"title": "Not authorized", "detail": "The signature does not match"})
        if access == "akab-access-token-reader" and self.is_write(request):
            return Answer(403, {"title": "Not authorized", "detail": "Not authorized to perform this operation"})
        return None


class Google(Api):
    """Google Cloud DNS: a service account's RS256 JWT buys a token; changes name the old set exactly."""
    id = "gcloud"
    base_path = "/dns/v1/projects/my-project"
    key = KEY
    account = json.dumps({"type": "service_account", "project_id": "my-project", "private_key_id": "kid1", "private_key": key,
                          "client_email": "reeve@my-project.iam.gserviceaccount.com", "token_uri": "https://oauth2.googleapis.com/token"})
    credentials = {"GCE_PROJECT": "my-project", "GCE_SERVICE_ACCOUNT": account, "token_url": "{origin}/token"}
    wrong = dict(credentials, GCE_SERVICE_ACCOUNT=account.replace("reeve@", "nobody@"))
    read_only = dict(credentials, GCE_SERVICE_ACCOUNT=account.replace("reeve@", "reader@"))
    compares = True
    zone_shape = {"kind": "dns#managedZone", "name": ZIDS, "dnsName": ZONE_DOT, "visibility": "public"}
    shape = {"name": FQDN_DOT, "type": KIND, "ttl": TTL, "rrdatas": [QUOTED]}

    def __init__(self):
        super().__init__()
        self.tokens = {}

    def expire(self):
        self.tokens = {}

    def zone_ref(self, zone):
        return "z" + zone.id

    def error(self, status, text, reason="invalid"):
        return {"error": {"code": status, "message": text, "errors": [{"reason": reason, "message": text}]}}

    def is_session(self, request):
        return request.path == "/token"

    def allowed(self, request):
        who = self.tokens.get(request.headers.get("Authorization"))
        if who is None:
            return Answer(401, self.error(401, "Invalid Credentials", "authError"))
        return Answer(403, self.error(403, "Forbidden", "forbidden")) if who.startswith("reader@") and self.is_write(request) else None

    def handle(self, request):
        if self.is_session(request):
            return self.login(request)
        return super().handle(request)

    def login(self, request):
        form = request.form()
        self.check(form["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer" and len(form) == 2, "form %s" % form)
        head, claims, signature = form["assertion"].split(".")
        self.check(rsa_verify(self.key, (head + "." + claims).encode(), unb64(signature)), "the signature")
        head, claims = json.loads(unb64(head)), json.loads(unb64(claims))
        self.check(head == {"alg": "RS256", "typ": "JWT", "kid": "kid1"}, "the header %s" % head)
        self.check(claims["aud"] == self.origin + "/token" and claims["exp"] == claims["iat"] + 3600 and abs(claims["iat"] - time.time()) < 30 and
                   claims["scope"].endswith("/auth/ndev.clouddns.readwrite"), "claims %s" % claims)
        if not claims["iss"].startswith(("reeve@", "reader@")):
            return Answer(400, {"error": "invalid_grant", "error_description": "Invalid JWT Signature."})
        token = "ya29." + self.new_id()
        self.tokens["Bearer " + token] = claims["iss"]
        return Answer(200, {"access_token": token, "expires_in": 3599, "token_type": "Bearer"})

    class Change(Act):
        writes = True

        def run(self, api, request, where, q):
            zone, body = api.zone_of(where), request.json()
            api.check(body and set(body) <= {"additions", "deletions"}, "members %s" % sorted(body))
            old, new = {}, {}
            for key, found in (("deletions", old), ("additions", new)):
                if key in body:
                    api.take(FIX({"name": FQDN_DOT, "type": KIND, "ttl": TTL, "rrdatas": [QUOTED]}), body[key], zone, found)
            name = (old or new)["name"]
            have = api.texts(zone, name)
            if old and (sorted(r.value for r in have) != sorted(old["values"]) or have[0].ttl != old["ttl"]):
                return Answer(412, api.error(412, "Precondition not met", "conditionNotMet"))
            if have and not old:
                return Answer(409, api.error(409, "The resource already exists", "alreadyExists"))
            api.replace(zone, name, new.get("values", []), new.get("ttl", 60))
            return Answer(200, {"kind": "dns#change", "id": "1", "status": "pending"})

    class Sets(Act):
        def run(self, api, request, where, q):
            zone = api.zone_of(where)
            api.check(q["name"].endswith(".") and q["type"] == "TXT", "name and type")
            have = api.texts(zone, q["name"][:-1])
            return Answer(200, {"rrsets": [api.look(api.shape, zone, None, have)] if have else []})

    routes = {"GET /managedZones": Zones("managedZones", by="dnsName", query={"dnsName": ANY}),
              "GET /managedZones/{zid}/rrsets": Sets(query={"name": ANY, "type": ANY}), "POST /managedZones/{zid}/changes": Change()}


class TransIp(Api):
    """The body of the login is signed with RSA and SHA-512."""
    id = "transip"
    base_path = "/v6"
    key = KEY
    credentials = {"TRANSIP_ACCOUNT_NAME": "acct", "TRANSIP_PRIVATE_KEY": key}
    wrong, read_only = {"account_name": "nobody", "private_key": key}, {"account_name": "reader", "private_key": key}
    errors = "error"
    shape = {"name": SUB_AT, "expire": TTL, "type": KIND, "content": VALUE}
    entry = {"dnsEntry": {"name": SUB_AT, "expire": TTL, "type": KIND, "content": VALUE}}

    def __init__(self):
        super().__init__()
        self.tokens, self.nonces = {}, set()

    def expire(self):
        self.tokens = {}

    def is_session(self, request):
        return request.path == "/v6/auth"

    def allowed(self, request):
        who = self.tokens.get(request.headers.get("Authorization"))
        if who is None:
            return Answer(401, self.error(401, "Your access token has been revoked."))
        return Answer(403, self.error(403, "no permission")) if who == "reader" and self.is_write(request) else None

    class Login(Act):
        def run(self, api, request, where, q):
            body = request.json()
            api.check(set(body) == {"login", "nonce", "read_only", "expiration_time", "label", "global_key"} and len(body["nonce"]) <= 32 and
                      body["nonce"] not in api.nonces, "members of the login")
            api.nonces.add(body["nonce"])
            api.check(rsa_verify(api.key, request.body, base64.b64decode(request.headers["Signature"]), "sha512"), "the signature")
            if body["login"] not in ("acct", "reader"):
                return Answer(401, api.error(401, "Invalid API credentials"))
            token = "jwt" + api.new_id()
            api.tokens["Bearer " + token] = body["login"]
            return Answer(201, {"token": token})

    routes = {"POST /auth": Login(), "GET /domains": Zones("domains"), "GET /domains/{zone}/dns": Records("dnsEntries"),
              "POST /domains/{zone}/dns": Create(status=201, accepts=entry, body=[]), "DELETE /domains/{zone}/dns": Remove(status=204, accepts=entry)}


class Oracle(Api):
    """HTTP signatures with RSA: date, host and target; the body as well for PATCH."""
    id = "oraclecloud"
    base_path = "/20180115"
    key = KEY
    credentials = {"OCI_COMPARTMENT_OCID": "ocid1.compartment.oc1..c", "OCI_REGION": "eu-zurich-1", "OCI_TENANCY_OCID": "ocid1.tenancy.oc1..t",
                   "OCI_USER_OCID": "ocid1.user.oc1..u", "OCI_PUBKEY_FINGERPRINT": ":".join(["0a"] * 16), "OCI_PRIVKEY": key}
    wrong = dict(credentials, OCI_USER_OCID="ocid1.user.oc1..nobody")
    read_only = dict(credentials, OCI_USER_OCID="ocid1.user.oc1..reader")
    zone_shape = {"name": ZONE, "id": ZIDS, "zoneType": "PRIMARY"}
    shape = {"domain": FQDN, "rtype": KIND, "rdata": QUOTED, "ttl": TTL, "recordHash": IDS}
    compartment = {"compartmentId": "ocid1.compartment.oc1..c"}

    def error(self, status, text):
        return {"code": "NotAuthorizedOrNotFound" if status == 404 else "NotAuthenticated", "message": text}

    def allowed(self, request):
        given = dict(re.findall(r'(\w+)="([^"]*)"', request.headers.get("Authorization", "")))
        names = ["(request-target)", "date", "host"] + (["x-content-sha256", "content-type", "content-length"] if request.method == "PATCH" else [])
        self.check(given["headers"].split() == names and given["version"] == "1" and given["algorithm"] == "rsa-sha256", "%s" % given)
        values = {"(request-target)": request.method.lower() + " " + request.target}
        text = "\n".join("%s: %s" % (n, values.get(n) or request.headers[n]) for n in names)
        self.check(rsa_verify(self.key, text.encode(), base64.b64decode(given["signature"])), "the signature over %r" % text)
        if request.method == "PATCH":
            self.check(request.headers["x-content-sha256"] == base64.b64encode(hashlib.sha256(request.body).digest()).decode(), "the hash")
        tenancy, user, fingerprint = given["keyId"].split("/")
        self.check(tenancy == "ocid1.tenancy.oc1..t" and fingerprint == ":".join(["0a"] * 16), "keyId")
        if user.endswith("nobody"):
            return Answer(401, self.error(401, "The required information to complete authentication was not provided or was incorrect."))
        return Answer(403, self.error(403, "not permitted")) if user.endswith("reader") and self.is_write(request) else None

    class Patch(Act):
        writes = True

        def run(self, api, request, where, q):
            zone, found = api.zone_of(where), {}
            items = request.json()["items"]
            shape = {"domain": FQDN, "rtype": KIND, "rdata": QUOTED, "operation": items[0]["operation"]}
            api.take({"items": FIX(dict(shape, ttl=TTL) if items[0]["operation"] == "ADD" else shape)}, request.json(), zone, found)
            api.check(found["name"] == where["fqdn"] and items[0]["operation"] in ("ADD", "REMOVE"), "items")
            have = [r for r in api.texts(zone, found["name"]) if r.value == found["values"][0]]
            if items[0]["operation"] == "ADD" and not have:
                api.put(zone, found["name"], found["values"][0], ttl=found["ttl"])
            for r in have if items[0]["operation"] == "REMOVE" else []:
                zone.records.remove(r)
            return Answer(200, {"items": [api.look(api.shape, zone, r) for r in api.texts(zone, found["name"])]})

    routes = {"GET /zones/{zone}": Zone1(query=compartment), "GET /zones/{zone}/records/{fqdn}": Records("items", query=dict(compartment, rtype="TXT")),
              "PATCH /zones/{zone}/records/{fqdn}": Patch(query=compartment)}


class AliDns(Api):
    """RPC in the query; HMAC-SHA1 over all parameters in order."""
    id = "alidns"
    credentials = {"ALICLOUD_ACCESS_KEY": "ali-id", "ALICLOUD_SECRET_KEY": "ali-secret-right"}
    wrong = dict(credentials, ALICLOUD_SECRET_KEY="ali-secret-wrong")
    read_only = dict(credentials, ALICLOUD_ACCESS_KEY="ali-reader")
    shape = {"RecordId": IDS, "DomainName": ZONE, "RR": SUB_AT, "Type": KIND, "Value": VALUE, "TTL": TTL}
    fields = {"DescribeDomains": {"KeyWord", "SearchMode", "PageSize"}, "DescribeDomainRecords": {"DomainName", "RRKeyWord", "TypeKeyWord", "PageSize"},
              "AddDomainRecord": {"DomainName", "RR", "Type", "Value", "TTL"}, "DeleteDomainRecord": {"RecordId"}}

    def error(self, status, text, code="InvalidParameter"):
        return {"RequestId": "1", "Code": code, "Message": text}

    def is_write(self, request):
        return request.query.get("Action", "").startswith(("Add", "Delete"))

    @staticmethod
    def signature(method, params, secret):
        def enc(text):
            return urllib.parse.quote(text, safe="-._~")
        line = "&".join("%s=%s" % (enc(k), enc(v)) for k, v in sorted(params.items()))
        return base64.b64encode(mac((secret + "&").encode(), "%s&%%2F&%s" % (method, enc(line)), hashlib.sha1)).decode()

    def allowed(self, request):
        q = dict(request.query)
        signature = q.pop("Signature")
        self.check(q["Format"] == "JSON" and q["Version"] == "2015-01-09" and q["SignatureMethod"] == "HMAC-SHA1" and len(q["SignatureNonce"]) > 8 and
                   abs(time.mktime(time.strptime(q["Timestamp"], "%Y-%m-%dT%H:%M:%SZ")) - time.timezone - time.time()) < 60, "parameters %s" % q)
        if signature != self.signature(request.method, q, "ali-secret-right"):
            return Answer(400, self.error(400, "The specified signature does not match our calculation.", "SignatureDoesNotMatch"))
        if q["AccessKeyId"] == "ali-reader" and self.is_write(request):
            return Answer(403, self.error(403, "User not authorized to operate on the specified resource.", "Forbidden.RAM"))
        return None

    def handle(self, request):
        q = {k: v for k, v in request.query.items() if k not in ("Format", "Version", "AccessKeyId", "SignatureMethod", "SignatureVersion", "SignatureNonce",
                                                                 "Timestamp", "Signature")}
        action = q.pop("Action")
        self.check(request.path == "/" and set(q) == self.fields[action], "parameters %s" % q)
        if action == "DescribeDomains":
            self.check(q["SearchMode"] == "EXACT", "SearchMode")
            fits = [{"DomainName": z.name, "DomainId": z.id} for z in self.zones.values() if z.name == q["KeyWord"]]
            return Answer(200, {"TotalCount": len(fits), "PageNumber": 1, "PageSize": 100, "Domains": {"Domain": fits}})
        if action == "DeleteDomainRecord":
            for zone in self.zones.values():
                if any(r.id == q["RecordId"] for r in zone.records):
                    self.drop(zone, q["RecordId"])
                    return Answer(200, {"RequestId": "1", "RecordId": q["RecordId"]})
            return Answer(400, self.error(400, "does not exist", "InvalidRecordId.NoExist"))
        zone = self.zones.get(q["DomainName"])
        if zone is None:
            return Answer(400, self.error(400, "The specified domain name does not exist.", "InvalidDomainName.NoExist"))
        if action == "DescribeDomainRecords":
            rows = [self.look(self.shape, zone, r) for r in zone.records if q["RRKeyWord"] in self.relative(r.name, zone, "@") and r.kind == q["TypeKeyWord"]]
            return Answer(200, {"TotalCount": len(rows), "DomainRecords": {"Record": rows[: int(q["PageSize"])]}})
        found = {}
        self.take({"DomainName": ZONE, "RR": SUB_AT, "Type": KIND, "Value": VALUE, "TTL": TTLS}, q, zone, found)
        self.check(found["ttl"] >= 600, "TTL")
        if any(r.value == q["Value"] for r in self.texts(zone, found["name"])):
            return Answer(400, self.error(400, "The DNS record already exists.", "DomainRecordDuplicate"))
        return Answer(200, {"RequestId": "1", "RecordId": self.put(zone, found["name"], q["Value"], ttl=600).id})


class Tencent(Rpc):
    """TC3-HMAC-SHA256; errors come with 200."""
    id = "tencentcloud"
    credentials = {"TENCENTCLOUD_SECRET_ID": "AKIDright", "TENCENTCLOUD_SECRET_KEY": "tc-secret-right"}
    wrong = dict(credentials, TENCENTCLOUD_SECRET_KEY="tc-secret-wrong")
    read_only = dict(credentials, TENCENTCLOUD_SECRET_ID="AKIDreader")
    absent = 200
    zone_shape = {"DomainId": 1, "Name": ZONE, "Punycode": ZONE}
    shape = {"RecordId": ID, "Name": SUB_AT, "Type": KIND, "Value": VALUE, "TTL": TTL, "Line": "默认"}

    def error(self, status, text, code="ResourceNotFound.NoDataOfDomain"):
        return {"Response": {"Error": {"Code": code if status == 200 else "InternalError", "Message": text}, "RequestId": "1"}}

    def call(self, request):
        return request.headers.get("X-TC-Action"), request.json()

    @staticmethod
    def signature(headers, body, stamp, service, secret):
        """headers: of the request, in the order of their names."""
        day = time.strftime("%Y-%m-%d", time.gmtime(int(stamp)))
        names = ";".join(n for n, _ in headers)
        canonical = "POST\n/\n\n" + "".join("%s:%s\n" % h for h in headers) + "\n" + names + "\n" + hashlib.sha256(body).hexdigest()
        to_sign = "TC3-HMAC-SHA256\n%s\n%s/%s/tc3_request\n%s" % (stamp, day, service, hashlib.sha256(canonical.encode()).hexdigest())
        return mac(mac(mac(mac(("TC3" + secret).encode(), day), service), "tc3_request"), to_sign).hex()

    def allowed(self, request):
        h = request.headers
        given = re.fullmatch(r"TC3-HMAC-SHA256 Credential=(\w+)/([\d-]+)/dnspod/tc3_request, SignedHeaders=content-type;host, Signature=(\w{64})", h["Authorization"])
        self.check(given and h["X-TC-Version"] == "2021-03-23" and abs(int(h["X-TC-Timestamp"]) - time.time()) < 60, "headers")
        want = self.signature([("content-type", h["Content-Type"]), ("host", h["Host"])], request.body, h["X-TC-Timestamp"], "dnspod", "tc-secret-right")
        if given.group(3) != want:
            return Answer(200, self.error(200, "The provided credentials could not be validated.", "AuthFailure.SignatureFailure"))
        if given.group(1) == "AKIDreader" and self.is_write(request):
            return Answer(200, self.error(200, "you are not authorized", "UnauthorizedOperation"))
        return None

    class Domains(Act):
        def run(self, api, request, where, q):
            fits = [api.look(api.zone_shape, z) for z in api.zones.values() if q["Keyword"] in z.name]
            return Answer(200, {"Response": {"DomainList": fits[: q["Limit"]], "RequestId": "1"}}) if fits else Answer(200, api.error(200, "no data"))

    class List(Act):
        def run(self, api, request, where, q):
            zone = api.zone_of({"zone": q["Domain"]})
            rows = [api.look(api.shape, zone, r) for r in zone.records if api.relative(r.name, zone, "@") == q["Subdomain"] and r.kind == q["RecordType"]]
            return Answer(200, {"Response": {"RecordList": rows}}) if rows else Answer(200, api.error(200, "no data", "ResourceNotFound.NoDataOfRecord"))

    class Drop(Act):
        writes = True

        def run(self, api, request, where, q):
            api.check(set(q) == {"Domain", "RecordId"} and type(q["RecordId"]) is int, "members")
            zone = api.zone_of({"zone": q["Domain"]})
            api.drop(zone, q["RecordId"])
            return Answer(200, {"Response": {"RequestId": "1"}})

    actions = {"DescribeDomainList": Domains(query={"Keyword": ANY, "Limit": ANY}), "DescribeRecordList": List(query=dict.fromkeys(["Domain", "Subdomain", "RecordType", "Limit"], ANY)),
               "CreateRecord": Create(zone_by="Domain", id="Response/RecordId", accepts={"Domain": ZONE, "SubDomain": SUB_AT, "RecordType": KIND, "RecordLine": "默认", "Value": VALUE,
                                                                                         "TTL": TTL}),
               "DeleteRecord": Drop()}


class Huawei(Api):
    """SDK-HMAC-SHA256: as AWS, but with a final slash and without a derived key."""
    id = "huaweicloud"
    credentials = {"HUAWEICLOUD_ACCESS_KEY_ID": "hw-id", "HUAWEICLOUD_SECRET_ACCESS_KEY": "hw-secret-right", "HUAWEICLOUD_REGION": "eu-west-101"}
    wrong = dict(credentials, HUAWEICLOUD_SECRET_ACCESS_KEY="hw-secret-wrong")
    read_only = dict(credentials, HUAWEICLOUD_ACCESS_KEY_ID="hw-reader")
    replaces = True
    zone_shape = {"id": ZIDS, "name": ZONE_DOT, "zone_type": "public"}
    shape = {"id": IDS, "name": FQDN_DOT, "type": KIND, "ttl": TTL, "records": [QUOTED], "status": "ACTIVE"}
    accepts = {"name": FQDN_DOT, "type": KIND, "ttl": TTL, "records": [QUOTED]}

    def error(self, status, text):
        return {"code": "DNS.0302", "message": text}

    def allowed(self, request):
        h = request.headers
        given = re.fullmatch(r"SDK-HMAC-SHA256 Access=([\w-]+), SignedHeaders=host;x-sdk-date, Signature=(\w{64})", h["Authorization"])
        query = "&".join(sorted(request.raw_query.split("&"))) if request.raw_query else ""
        canonical = "%s\n%s/\n%s\nhost:%s\nx-sdk-date:%s\n\nhost;x-sdk-date\n%s" % (request.method, request.raw_path, query, h["Host"], h["X-Sdk-Date"],
                                                                                hashlib.sha256(request.body).hexdigest())
        want = mac(b"hw-secret-right", "SDK-HMAC-SHA256\n%s\n%s" % (h["X-Sdk-Date"], hashlib.sha256(canonical.encode()).hexdigest())).hex()
        if given.group(2) != want:
            return Answer(401, {"error_code": "APIGW.0301", "error_msg": "Incorrect IAM authentication information: verify aksk signature fail"})
        return Answer(403, self.error(403, "not permitted")) if given.group(1) == "hw-reader" and self.is_write(request) else None

    def by_set(self, zone, number):
        """The set that a record with this number begins."""
        for r in zone.records:
            if r.id == number:
                return r.name
        raise Answer(404, self.error(404, "This recordset does not exist."))

    class Sets(Act):
        def run(self, api, request, where, q):
            zone = api.zone_of(where)
            have = [r for r in zone.records if r.kind == q["type"] and q["name"] in r.name]
            names = sorted({r.name for r in have})
            return Answer(200, {"recordsets": [api.look(api.shape, zone, None, [r for r in have if r.name == n]) for n in names]})

    class Change(Act):
        writes = True

        def run(self, api, request, where, q):
            zone, found = api.zone_of(where), {}
            name = api.by_set(zone, where["id"])
            if request.method == "DELETE":
                api.replace(zone, name, [], 0)
                return Answer(202, {"status": "PENDING_DELETE"})
            api.take(api.accepts, request.json(), zone, found)
            api.check(found["name"] == name, "another name")
            api.replace(zone, name, found["values"], found["ttl"])
            return Answer(202, {"status": "PENDING_UPDATE"})

    routes = {"GET /v2/zones": Zones("zones", by="name", part=True, query={"type": "public", "name": ANY}), "GET /v2/zones/{zid}/recordsets": Sets(query={"name": ANY, "type": "TXT"}),
              "POST /v2/zones/{zid}/recordsets": SetPut(status=202, new=True, exists=(400, {"code": "DNS.0312", "message": "Attribute 'name' conflicts with Record Set."})),
              "PUT /v2/zones/{zid}/recordsets/{id}": Change(), "DELETE /v2/zones/{zid}/recordsets/{id}": Change()}


class Exoscale(Api):
    """EXO2-HMAC-SHA256 over method, path, body and the time of expiry."""
    id = "exoscale"
    base_path = "/v2"
    credentials = {"EXOSCALE_API_KEY": "EXOright", "EXOSCALE_API_SECRET": "exo-secret-right"}
    wrong = dict(credentials, EXOSCALE_API_SECRET="exo-secret-wrong")
    read_only = dict(credentials, EXOSCALE_API_KEY="EXOreader")
    zone_shape = {"id": ZIDS, "unicode-name": ZONE}
    shape = {"id": IDS, "name": SUB, "type": KIND, "content": VALUE, "ttl": TTL}

    def allowed(self, request):
        given = re.fullmatch(r"EXO2-HMAC-SHA256 credential=(\w+),expires=(\d+),signature=(.+)", request.headers["Authorization"])
        self.check(given and time.time() < int(given.group(2)) < time.time() + 3600 and not request.raw_query, "the authorization")
        text = "%s %s\n%s\n\n\n%s" % (request.method, request.raw_path, request.body.decode(), given.group(2))
        if base64.b64encode(mac(b"exo-secret-right", text)).decode() != given.group(3):
            return Answer(403, self.error(403, "Invalid request signature"))
        return Answer(403, self.error(403, "Forbidden by role policy for dns")) if given.group(1) == "EXOreader" and self.is_write(request) else None

    says_denied = True
    routes = {"GET /dns-domain": Zones("dns-domains"), "GET /dns-domain/{zid}/record": Records("dns-domain-records"),
              "POST /dns-domain/{zid}/record": Create(accepts={"name": SUB, "type": KIND, "content": VALUE, "ttl": TTL}, body={"id": "op", "state": "success"}),
              "DELETE /dns-domain/{zid}/record/{id}": Remove(body={"id": "op", "state": "success"})}


class YandexCloud(Api):
    """A PS256 JWT of an authorized key buys a token."""
    id = "yandexcloud"
    base_path = "/dns/v1"
    key = KEY
    account = json.dumps({"id": "ajekey", "service_account_id": "ajeaccount", "private_key": "PLEASE DO NOT REMOVE THIS LINE! Yandex.Cloud SA Key ID <ajekey>\n" + key})
    credentials = {"YANDEX_CLOUD_FOLDER_ID": "b1g", "service_account_key": account, "token_url": "{origin}/iam/v1/tokens"}
    wrong = dict(credentials, service_account_key=account.replace("ajeaccount", "ajenobody"))
    read_only = dict(credentials, service_account_key=account.replace("ajeaccount", "ajereader"))
    replaces = True
    zone_shape = {"id": ZIDS, "zone": ZONE_DOT, "publicVisibility": {}}
    shape = {"name": FQDN_DOT, "type": KIND, "ttl": TTLS, "data": [QUOTED]}

    def __init__(self):
        super().__init__()
        self.tokens = {}

    def expire(self):
        self.tokens = {}

    def error(self, status, text):
        return {"code": 5 if status == 404 else 16, "message": text}

    def is_session(self, request):
        return request.path == "/iam/v1/tokens"

    def allowed(self, request):
        who = self.tokens.get(request.headers.get("Authorization"))
        if who is None:
            return Answer(401, self.error(401, "The token is invalid"))
        return Answer(403, self.error(403, "Permission denied")) if who == "ajereader" and self.is_write(request) else None

    def handle(self, request):
        if not self.is_session(request):
            return super().handle(request)
        head, claims, signature = request.json()["jwt"].split(".")
        self.check(rsa_verify(self.key, (head + "." + claims).encode(), unb64(signature), "sha256", "-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:32"), "the signature")
        head, claims = json.loads(unb64(head)), json.loads(unb64(claims))
        self.check(head == {"alg": "PS256", "typ": "JWT", "kid": "ajekey"} and claims["exp"] == claims["iat"] + 3600 and
                   claims["aud"] == "https://iam.api.cloud.yandex.net/iam/v1/tokens", "%s %s" % (head, claims))
        if claims["iss"] not in ("ajeaccount", "ajereader"):
            return Answer(401, self.error(401, "Unknown service account"))
        token = "t1." + self.new_id()
        self.tokens["Bearer " + token] = claims["iss"]
        return Answer(200, {"iamToken": token, "expiresAt": "2030-01-01T00:00:00Z"})

    class Change(Act):
        writes = True

        def run(self, api, request, where, q):
            zone, body, found = api.zone_of(where), request.json(), {}
            key = "replacements" if "replacements" in body else "deletions"
            api.take({key: FIX({"name": FQDN_DOT, "type": KIND, "ttl": TTLS, "data": [QUOTED]})}, body, zone, found)
            if key == "deletions" and not api.texts(zone, found["name"]):
                return Answer(404, api.error(404, "not found"))
            have = found["values"] if key == "replacements" else [r.value for r in api.texts(zone, found["name"]) if r.value not in found["values"]]
            api.replace(zone, found["name"], have, found["ttl"])
            return Answer(200, {"id": "op", "done": True})

    routes = {"GET /zones": Zones("dnsZones", query={"folderId": "b1g", "pageSize": "1000"}), "GET /zones/{zid}:getRecordSet": SetGet(query={"name": ANY, "type": "TXT"}, by="name"),
              "POST /zones/{zid}:upsertRecordSets": Change()}


class Lightsail(Fake):
    """Signature V4 over JSON 1.1 calls, named in a header."""
    id = "lightsail"
    credentials = {"AWS_ACCESS_KEY_ID": "AKIDLIGHT", "AWS_SECRET_ACCESS_KEY": "aws-secret-right"}
    wrong = dict(credentials, AWS_SECRET_ACCESS_KEY="aws-secret-wrong")
    read_only = dict(credentials, AWS_ACCESS_KEY_ID="AKIDREADER")

    def error(self, status, text, kind="InvalidInputException"):
        return {"__type": kind, "message": text}

    def is_write(self, request):
        return "DomainEntry" in request.headers.get("X-Amz-Target", "")

    def may(self, request):
        given = re.fullmatch(r"AWS4-HMAC-SHA256 Credential=(\w+)/\d{8}/us-east-1/lightsail/aws4_request, SignedHeaders=([\w;-]+), Signature=(\w{64})", request.headers["Authorization"])
        want = aws4.signature(request.method, request.raw_path, request.raw_query, request.headers, request.body, "aws-secret-right", "us-east-1", "lightsail", given.group(2),
                              request.headers["X-Amz-Date"])
        if given.group(3) != want:
            return Answer(400, self.error(400, "The security token included in the request is invalid.", "UnrecognizedClientException"))
        if given.group(1) == "AKIDREADER" and self.is_write(request):
            return Answer(400, self.error(400, "User is not authorized to perform this", "AccessDeniedException"))
        return None

    def handle(self, request):
        self.check(request.method == "POST" and request.target == "/" and request.headers["Content-Type"] == "application/x-amz-json-1.1", "the request")
        action, body = request.headers["X-Amz-Target"].split(".")[1], request.json()
        zone = self.zones.get(body["domainName"])
        if zone is None:
            return Answer(400, self.error(400, "The Domain does not exist: " + body["domainName"], "NotFoundException"))
        entries = [{"id": r.id, "name": r.name, "type": r.kind, "target": '"%s"' % r.value, "isAlias": False} for r in zone.records]
        if action == "GetDomain":
            self.check(set(body) == {"domainName"}, "members")
            return Answer(200, {"domain": {"name": zone.name, "domainEntries": entries}})
        entry = body["domainEntry"]
        self.check(set(entry) - {"id"} == {"name", "type", "target"} and entry["type"] == "TXT" and entry["target"][0] == entry["target"][-1] == '"', "the entry")
        if action == "CreateDomainEntry":
            self.put(zone, entry["name"], entry["target"].strip('"'))
        elif action == "DeleteDomainEntry":
            self.check(any((e["id"], e["name"], e["target"]) == (entry["id"], entry["name"], entry["target"]) for e in entries), "another entry")
            self.drop(zone, entry["id"])
        else:
            return None
        return Answer(200, {"operation": {"status": "Succeeded"}})


class Designate(Huawei):
    """The same sets; a token from the identity service."""
    id = "designate"
    base_path = "/v2"
    credentials = {"OS_AUTH_URL": "{origin}/identity/v3", "DESIGNATE_URL": "https://dns.example.net/v2", "OS_USERNAME": "me", "OS_PASSWORD": "os-secret-right", "OS_PROJECT_NAME": "proj"}
    wrong, read_only = dict(credentials, OS_PASSWORD="os-secret-wrong"), dict(credentials, OS_USERNAME="reader")
    login_path = "/identity/v3/auth/tokens"
    domain, project = "Default", {"name": "proj", "domain": {"name": "Default"}}
    changes = {"ttl": TTL, "records": [QUOTED]}

    def __init__(self):
        super().__init__()
        self.tokens = {}

    def expire(self):
        self.tokens = {}

    def is_session(self, request):
        return request.path == self.login_path

    def allowed(self, request):
        who = self.tokens.get(request.headers.get("X-Auth-Token"))
        if who is None:
            return Answer(401, self.error(401, "Authentication required"))
        return Answer(403, self.error(403, "Policy does not allow this request to be performed")) if who == "reader" and self.is_write(request) else None

    def handle(self, request):
        if not self.is_session(request):
            return super().handle(request)
        auth = request.json()["auth"]
        user = auth["identity"]["password"]["user"]
        self.check(auth["identity"]["methods"] == ["password"] and user["domain"] == {"name": self.domain} and auth["scope"] == {"project": self.project}, "auth %s" % auth)
        if user["password"] != "os-secret-right":
            return Answer(401, {"error": {"code": 401, "message": "The request you have made requires authentication."}})
        token = "gAAA" + self.new_id()
        self.tokens[token] = user["name"]
        return Answer(201, {"token": {}}, {"X-Subject-Token": token})

    class Change(Act):
        writes = True

        def run(self, api, request, where, q):
            zone, found = api.zone_of(where), {}
            name = api.by_set(zone, where["id"])
            if request.method == "DELETE":
                api.replace(zone, name, [], 0)
                return Answer(202, {"status": "PENDING"})
            api.take(api.changes, request.json(), zone, found)
            api.replace(zone, name, found["values"], found["ttl"])
            return Answer(202, {"status": "PENDING"})

    class Sets(Act):
        def run(self, api, request, where, q):
            zone = api.zone_of(where)
            api.check(q["name"].endswith("."), "name")
            have = api.texts(zone, q["name"][:-1])
            return Answer(200, {"recordsets": [api.look(api.shape, zone, None, have)] if have else []})

    routes = {"GET /zones": Zones("zones", by="name", query={"name": ANY}), "GET /zones/{zid}/recordsets": Sets(query={"name": ANY, "type": "TXT"}),
              "POST /zones/{zid}/recordsets": SetPut(status=202, new=True), "PUT /zones/{zid}/recordsets/{id}": Change(), "DELETE /zones/{zid}/recordsets/{id}": Change()}


class Otc(Designate):
    id = "otc"
    credentials = {"OTC_IDENTITY_ENDPOINT": "{origin}/v3/auth/tokens", "OTC_USER_NAME": "me", "OTC_PASSWORD": "os-secret-right", "OTC_DOMAIN_NAME": "OTC-EU-DE-1", "OTC_PROJECT_NAME": "eu-de"}
    wrong, read_only = dict(credentials, OTC_PASSWORD="os-secret-wrong"), dict(credentials, OTC_USER_NAME="reader")
    login_path = "/v3/auth/tokens"
    domain, project = "OTC-EU-DE-1", {"name": "eu-de"}
    changes = {"name": FQDN_DOT, "type": KIND, "ttl": TTL, "records": [QUOTED]}
