"""Namecheap: XML, POST forms, and every change replaces all records of the domain."""
from xml.sax.saxutils import quoteattr

from fake import Answer, Fake


class Provider(Fake):
    id = "namecheap"
    credentials = {"NAMECHEAP_API_USER": "ncuser", "NAMECHEAP_API_KEY": "nc-key-right", "ip_url": "{origin}/getip"}
    wrong = dict(credentials, NAMECHEAP_API_KEY="nc-key-wrong")
    replaces = whole = True

    def zone(self, name):
        zone = super().zone(name)
        zone.email = "MX"
        self.put(zone, name, "192.0.2.1", "A", 1800)
        self.put(zone, "www." + name, name + ".", "CNAME", 1800)
        self.put(zone, name, "mail.%s." % name, "MX", 1800).pref = "20"
        return zone

    def error(self, status, text, number="2011170"):
        return '<ApiResponse Status="ERROR" xmlns="http://api.namecheap.com/xml.response"><Errors><Error Number="%s">%s</Error></Errors></ApiResponse>' % (number, text)

    def ok(self, inner):
        return Answer(200, '<?xml version="1.0"?><ApiResponse Status="OK" xmlns="http://api.namecheap.com/xml.response"><Errors />'
                           '<CommandResponse>%s</CommandResponse></ApiResponse>' % inner)

    def is_write(self, request):
        return b"setHosts" in request.body

    def is_session(self, request):
        return request.path == "/getip"

    def may(self, request):
        form = request.form()
        self.check(form.pop("ApiUser") == form.pop("UserName") == "ncuser" and form.pop("ClientIp") == "192.0.2.7", "who")
        return None if form["ApiKey"] == "nc-key-right" else Answer(200, self.error(200, "API Key is invalid or API access has not been enabled", "1011102"))

    def handle(self, request):
        if self.is_session(request):
            return Answer(200, "192.0.2.7\n")
        form = {k: v for k, v in request.form().items() if k not in ("ApiUser", "UserName", "ClientIp", "ApiKey")}
        if request.method != "POST" or request.target != "/xml.response":
            return None
        command = form.pop("Command")
        if command == "namecheap.domains.getList":
            self.check(set(form) == {"SearchTerm", "PageSize"} and 10 <= int(form["PageSize"]) <= 100, "parameters %s" % form)
            fits = [z.name for z in self.zones.values() if form["SearchTerm"] in z.name][: int(form["PageSize"])]
            return self.ok("<DomainGetListResult>%s</DomainGetListResult>" % "".join("<Domain ID='1' Name=%s />" % quoteattr(n) for n in fits))
        self.check("." not in form["SLD"], "SLD")
        zone = self.zones.get(form.pop("SLD") + "." + form.pop("TLD"))
        if zone is None:
            return Answer(200, self.error(200, "Domain name not found", "2019166"))
        if command == "namecheap.domains.dns.getHosts":
            self.check(not form, "parameters %s" % form)
            hosts = "".join('<host HostId="%s" Name=%s Type="%s" Address=%s MXPref="%s" TTL="%d" AssociatedAppTitle="" IsActive="true" />' % (
                r.id, quoteattr(self.relative(r.name, zone, "@")), r.kind, quoteattr(r.value), getattr(r, "pref", "10"), r.ttl) for r in zone.records)
            return self.ok('<DomainDNSGetHostsResult Domain="%s" EmailType="%s" IsUsingOurDNS="true">%s</DomainDNSGetHostsResult>' % (zone.name, zone.email, hosts))
        if command == "namecheap.domains.dns.setHosts":
            self.check(form.pop("EmailType") == zone.email, "the kind of mail")
            count = len(form) // 5
            self.check(count > 0 and set(form) == {"%s%d" % (n, i) for i in range(1, count + 1) for n in ("HostName", "RecordType", "Address", "MXPref", "TTL")},
                       "parameters %s" % sorted(form))
            zone.records = []
            for i in range(1, count + 1):
                name, kind, value, pref, ttl = (form["%s%d" % (n, i)] for n in ("HostName", "RecordType", "Address", "MXPref", "TTL"))
                self.check(name != "" and 60 <= int(ttl) <= 60000, "record %d" % i)
                self.put(zone, self.absolute(name, zone), value, kind, int(ttl)).pref = pref
            return self.ok('<DomainDNSSetHostsResult Domain="%s" IsSuccess="true" />' % zone.name)
        return None
