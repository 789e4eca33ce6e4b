"""Amazon Route 53, API 2013-04-01: XML, Signature Version 4, atomic change batches."""
import datetime
import xml.etree.ElementTree as ET
from xml.sax.saxutils import escape

import aws4
from fake import Answer, Fake

NS = "https://route53.amazonaws.com/doc/2013-04-01/"
KEYS = {"AKIARIGHT": "right/secret+key", "AKIAREADER": "reader/secret+key"}


class Provider(Fake):
    id = "route53"
    base_path = "/2013-04-01"
    credentials = {"AWS_ACCESS_KEY_ID": "AKIARIGHT", "AWS_SECRET_ACCESS_KEY": "right/secret+key"}
    wrong = {"access_key_id": "AKIARIGHT", "secret_access_key": "wrong/secret+key"}
    read_only = {"access_key_id": "AKIAREADER", "secret_access_key": "reader/secret+key"}
    compares = True

    def new_id(self):
        return "Z%013d" % next(self.numbers)

    def error(self, status, text, code="InvalidInput"):
        return ('<?xml version="1.0"?>\n<ErrorResponse xmlns="%s"><Error><Type>Sender</Type><Code>%s</Code><Message>%s</Message>'
                '</Error><RequestId>b25f48e8</RequestId></ErrorResponse>' % (NS, code, escape(text)))

    def limited(self, seconds):
        return Answer(400, self.error(400, "Rate exceeded", "Throttling"), {"Retry-After": str(seconds)})

    def may(self, request):
        auth = request.headers.get("Authorization", "")
        if not auth.startswith("AWS4-HMAC-SHA256 "):
            return Answer(403, self.error(403, "Missing Authentication Token", "MissingAuthenticationToken"))
        fields = dict(part.strip().split("=", 1) for part in auth[len("AWS4-HMAC-SHA256 "):].split(","))
        key, day, region, service, end = fields["Credential"].split("/")
        date = request.headers.get("X-Amz-Date", "")
        if key not in KEYS:
            return Answer(403, self.error(403, "The security token included in the request is invalid.", "InvalidClientTokenId"))
        now = datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None)
        if abs((datetime.datetime.strptime(date, "%Y%m%dT%H%M%SZ") - now).total_seconds()) > 300 or date[:8] != day:
            return Answer(403, self.error(403, "Signature expired", "SignatureDoesNotMatch"))
        want = aws4.signature(request.method, request.raw_path, request.raw_query, request.headers, request.body, KEYS[key],
                              "us-east-1", "route53", fields["SignedHeaders"], date)
        signed = fields["SignedHeaders"].split(";")
        if want != fields["Signature"] or "host" not in signed or (region, service, end) != ("us-east-1", "route53", "aws4_request"):
            return Answer(403, self.error(403, "The request signature we calculated does not match", "SignatureDoesNotMatch"))
        if key == "AKIAREADER" and request.method != "GET":
            return Answer(403, self.error(403, "User is not authorized to perform: route53:ChangeResourceRecordSets", "AccessDenied"))
        return None

    # A set is all TXT records of a name; its TTL is that of the first.

    def set_xml(self, name, records):
        values = "".join("<ResourceRecord><Value>%s</Value></ResourceRecord>" % escape('"%s"' % r.value) for r in records)
        return ("<ResourceRecordSet><Name>%s.</Name><Type>TXT</Type><TTL>%d</TTL><ResourceRecords>%s</ResourceRecords>"
                "</ResourceRecordSet>" % (name, records[0].ttl, values))

    def handle(self, request):
        parts = request.parts()[1:]
        if parts == ["hostedzonesbyname"] and request.method == "GET":
            start = request.query["dnsname"].rstrip(".").split(".")[::-1]
            zones = sorted((z for z in self.zones.values() if z.name.split(".")[::-1] >= start),
                           key=lambda z: z.name.split(".")[::-1])[:int(request.query["maxitems"])]
            listed = "".join('<HostedZone><Id>/hostedzone/%s</Id><Name>%s.</Name><CallerReference>x</CallerReference><Config>'
                             '<PrivateZone>false</PrivateZone></Config></HostedZone>' % (z.id, z.name) for z in zones)
            return Answer(200, '<?xml version="1.0"?>\n<ListHostedZonesByNameResponse xmlns="%s"><HostedZones>%s</HostedZones>'
                               '<IsTruncated>false</IsTruncated><MaxItems>100</MaxItems></ListHostedZonesByNameResponse>' % (NS, listed))
        if len(parts) < 3 or parts[0] != "hostedzone" or parts[2] != "rrset":
            return None
        zone = self.by_id(parts[1])
        if zone is None:
            return Answer(404, self.error(404, "No hosted zone found with ID: " + parts[1], "NoSuchHostedZone"))
        if request.method == "GET":
            return self.get(zone, request)
        return self.change(zone, ET.fromstring(request.body)) if request.method == "POST" else None

    def get(self, zone, request):
        start = request.query["name"].rstrip(".").split(".")[::-1]
        names = sorted({r.name for r in zone.records if r.kind == "TXT" and r.name.split(".")[::-1] >= start},
                       key=lambda n: n.split(".")[::-1])[:int(request.query["maxitems"])]
        sets = "".join(self.set_xml(n, [r for r in zone.records if r.name == n and r.kind == "TXT"]) for n in names)
        return Answer(200, '<?xml version="1.0"?>\n<ListResourceRecordSetsResponse xmlns="%s"><ResourceRecordSets>%s'
                           '</ResourceRecordSets><IsTruncated>false</IsTruncated><MaxItems>1</MaxItems>'
                           '</ListResourceRecordSetsResponse>' % (NS, sets))

    def change(self, zone, root):
        find = lambda e, path: e.find("/".join("{%s}%s" % (NS, p) for p in path.split("/")))
        self.check(root.tag == "{%s}ChangeResourceRecordSetsRequest" % NS, "the root element")
        records = list(zone.records)
        for change in find(root, "ChangeBatch/Changes"):
            action, rrset = find(change, "Action").text, find(change, "ResourceRecordSet")
            name, ttl = find(rrset, "Name").text.rstrip("."), int(find(rrset, "TTL").text)
            values = [find(r, "Value").text for r in find(rrset, "ResourceRecords")]
            self.check(find(rrset, "Type").text == "TXT" and values and all(v[0] == v[-1] == '"' for v in values), "a set of TXT")
            self.check(name == zone.name or name.endswith("." + zone.name), "a name outside of the zone")
            old = [r for r in records if r.name == name and r.kind == "TXT"]
            said = "[Tried to %s resource record set [name='%s.', type='TXT'] but " % (action.lower(), name)
            if action == "DELETE":
                if not old:
                    return Answer(400, self.error(400, said + "it was not found]", "InvalidChangeBatch"))
                if sorted('"%s"' % r.value for r in old) != sorted(values) or old[0].ttl != ttl:
                    return Answer(400, self.error(400, said + "the values provided do not match the current values]", "InvalidChangeBatch"))
                records = [r for r in records if r not in old]
            elif action == "CREATE":
                if old:
                    return Answer(400, self.error(400, said + "it already exists]", "InvalidChangeBatch"))
                for value in values:
                    records.append(self.put(zone, name, value.strip('"'), ttl=ttl))
            else:
                return None
        zone.records = records
        return Answer(200, '<?xml version="1.0"?>\n<ChangeResourceRecordSetsResponse xmlns="%s"><ChangeInfo><Id>/change/C1</Id>'
                           '<Status>PENDING</Status></ChangeInfo></ChangeResourceRecordSetsResponse>' % NS)
