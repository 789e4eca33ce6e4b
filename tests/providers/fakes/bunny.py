"""bunny.net: types are numbers, a record is made by PUT."""
from fake import Answer, Fake


class Provider(Fake):
    id = "bunny"
    credentials = {"BUNNY_API_KEY": "bunny-key-right"}
    wrong = {"api_key": "bunny-key-wrong"}
    read_only = {}  # a key may all

    def error(self, status, text):
        return {"ErrorKey": "error", "Field": "", "Message": text}

    def may(self, request):
        return self.bearer(request, "bunny-key-right", None, header="AccessKey")

    def handle(self, request):
        parts = request.parts()
        if parts == ["dnszone"] and request.method == "GET":
            size, number = int(request.query.get("perPage", 1000)), int(request.query.get("page", 1))
            zones = [{"Id": int(z.id), "Domain": z.name, "Records": []} for z in self.zones.values()]
            return Answer(200, {"CurrentPage": number, "TotalItems": len(zones), "HasMoreItems": number * size < len(zones),
                                "Items": self.page(zones, number, size)})
        if parts[0] != "dnszone" or len(parts) < 2:
            return None
        zone = self.numbered(parts[1])
        if len(parts) == 2 and request.method == "GET":
            return Answer(200, {"Id": int(zone.id), "Domain": zone.name, "Records": [
                {"Id": int(r.id), "Type": 3, "Name": self.relative(r.name, zone), "Value": r.value, "Ttl": r.ttl} for r in zone.records]})
        if parts[2:] == ["records"] and request.method == "PUT":
            body = request.json()
            self.check(body["Type"] == 3 and isinstance(body["Ttl"], int), "fields of a record")
            return Answer(201, {"Id": int(self.put(zone, self.absolute(body["Name"], zone), body["Value"]).id)})
        if len(parts) == 4 and parts[2] == "records" and request.method == "DELETE":
            self.drop(zone, parts[3])
            return Answer(204)
        return None
