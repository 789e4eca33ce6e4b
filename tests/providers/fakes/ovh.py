"""OVHcloud: requests signed with SHA-1, records by number, a zone is refreshed after changes."""
import hashlib
import time

from fake import Answer, Fake


class Provider(Fake):
    id = "ovh"
    base_path = "/1.0"
    credentials = {"OVH_APPLICATION_KEY": "ovh-app-right", "OVH_APPLICATION_SECRET": "ovh-secret-right", "OVH_CONSUMER_KEY": "ovh-consumer-key-right"}
    wrong = dict(credentials, OVH_APPLICATION_SECRET="ovh-secret-wrong")
    read_only = dict(credentials, OVH_CONSUMER_KEY="ovh-consumer-key-reader")

    def error(self, status, text, code="ERROR"):
        return {"class": "Client::Error", "message": text, "errorCode": code}

    def is_write(self, request):
        return request.method == "DELETE" or (request.method == "POST" and not request.path.endswith("/refresh"))

    def may(self, request):
        h = request.headers
        consumer, stamp = h.get("X-Ovh-Consumer", ""), h.get("X-Ovh-Timestamp", "0")
        text = "+".join(["ovh-secret-right", consumer, request.method, self.origin + request.target, request.body.decode(), stamp])
        if h.get("X-Ovh-Application") != "ovh-app-right" or abs(int(stamp) - time.time()) > 30:
            return Answer(403, self.error(403, "Invalid application key or time", "INVALID_KEY"))
        if h.get("X-Ovh-Signature") != "$1$" + hashlib.sha1(text.encode()).hexdigest():
            return Answer(400, self.error(400, "Invalid signature", "INVALID_SIGNATURE"))
        if consumer == "ovh-consumer-key-reader" and request.method != "GET":
            return Answer(403, self.error(403, "This call has not been granted", "NOT_GRANTED_CALL"))
        return None

    def handle(self, request):
        parts = request.parts()[1:]
        if parts[:2] != ["domain", "zone"]:
            return None
        if len(parts) == 2 and request.method == "GET":
            return Answer(200, [z.name for z in self.zones.values()])
        zone = self.named(parts[2])
        if parts[3:] == ["refresh"] and request.method == "POST":
            return Answer(200)
        if parts[3] != "record":
            return None
        if len(parts) == 4 and request.method == "GET":
            name = self.absolute(request.query["subDomain"] if "subDomain" in request.query else "", zone)
            fits = [r for r in zone.records if r.kind == request.query["fieldType"] and ("subDomain" not in request.query or r.name == name)]
            return Answer(200, [int(r.id) for r in fits])
        if len(parts) == 4 and request.method == "POST":
            body = request.json()
            self.check(body["fieldType"] == "TXT" and isinstance(body["ttl"], int), "fields of a record")
            return Answer(200, {"id": int(self.put(zone, self.absolute(body["subDomain"], zone), body["target"]).id)})
        if len(parts) == 5 and request.method == "GET":
            r = next((r for r in zone.records if r.id == parts[4]), None)
            return Answer(404, self.error(404, "does not exist")) if r is None else Answer(200, {
                "id": int(r.id), "fieldType": r.kind, "subDomain": self.relative(r.name, zone), "target": '"%s"' % r.value, "ttl": r.ttl})
        if len(parts) == 5 and request.method == "DELETE":
            self.drop(zone, parts[4])
            return Answer(200)
        return None
