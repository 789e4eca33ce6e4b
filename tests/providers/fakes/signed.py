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

from fake import Answer
from families import (ANY, Act, Api, FIX, FQDN, FQDN_DOT, KIND, QUOTED, SetDrop, SetGet, SetPut, TTL, ZIDS, ZONE, ZONE_DOT, Zone1, Zones)


def mac(key, text, kind=hashlib.sha256):
    return hmac.new(key, text.encode() if isinstance(text, str) else text, kind).digest()


def unb64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def rsa_key():
    return subprocess.run(["openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"], check=True, capture_output=True,
                          text=True).stdout


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
    key = rsa_key()
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
