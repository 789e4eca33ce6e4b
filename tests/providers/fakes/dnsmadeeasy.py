"""DNS Made Easy API V2.0: a signed date in three headers."""
import email.utils
import hashlib
import hmac
import time

from fake import Answer, Fake


class Provider(Fake):
    id = "dnsmadeeasy"
    base_path = "/V2.0"
    credentials = {"api_key": "dme-key-right", "secret_key": "dme-secret-right"}
    wrong = {"api_key": "dme-key-right", "secret_key": "dme-secret-wrong"}
    read_only = {}  # a key cannot be limited

    def error(self, status, text):
        return {"error": [text]}

    def may(self, request):
        date = request.headers.get("x-dnsme-requestDate", "")
        want = hmac.new(b"dme-secret-right", date.encode(), hashlib.sha1).hexdigest()
        if request.headers.get("x-dnsme-apiKey") != "dme-key-right":
            return Answer(403, self.error(403, "API key not found"))
        if abs(email.utils.parsedate_to_datetime(date).timestamp() - time.time()) > 30:
            return Answer(403, self.error(403, "Request sent with invalid date"))
        return None if request.headers.get("x-dnsme-hmac") == want else Answer(403, self.error(403, "HMAC validation failed"))

    def shown(self, record, zone):
        return {"id": int(record.id), "name": self.relative(record.name, zone), "type": record.kind, "value": '"%s"' % record.value,
                "ttl": record.ttl, "sourceId": int(zone.id)}

    def handle(self, request):
        parts = request.parts()[1:]
        if parts == ["dns", "managed", "name"] and request.method == "GET":
            zone = self.zones.get(request.query["domainname"])
            return Answer(200, {"id": int(zone.id), "name": zone.name}) if zone else Answer(404, self.error(404, "Cannot find domain"))
        if len(parts) < 4 or parts[:2] != ["dns", "managed"] or parts[3] != "records":
            return None
        zone = self.by_id(parts[2])
        if zone is None:
            return Answer(404, self.error(404, "Cannot find domain"))
        if len(parts) == 4 and request.method == "GET":
            q = request.query
            fits = [self.shown(r, zone) for r in zone.records]
            fits = [r for r in fits if q.get("recordName", r["name"]) == r["name"] and q.get("type", r["type"]) == r["type"]]
            return Answer(200, {"data": fits, "page": 0, "totalPages": 1, "totalRecords": len(fits)})
        if len(parts) == 4 and request.method == "POST":
            body = request.json()
            self.check(body["type"] == "TXT" and isinstance(body["ttl"], int) and body["gtdLocation"] == "DEFAULT", "fields of a record")
            name = self.absolute(body["name"], zone)
            if body["value"].strip('"') in self.values(name):
                return Answer(400, self.error(400, "Record with this type (TXT), name, and value already exists."))
            return Answer(201, self.shown(self.put(zone, name, body["value"].strip('"'), ttl=body["ttl"]), zone))
        if len(parts) == 5 and request.method == "DELETE":
            found = [r for r in zone.records if r.id == parts[4]]
            if not found:
                return Answer(404, self.error(404, "Cannot find record"))
            zone.records.remove(found[0])
            return Answer(200)
        return None
