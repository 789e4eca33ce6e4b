"""NS1 API v1: PUT creates a set, POST changes it."""
from fake import Answer, Fake


class Provider(Fake):
    id = "ns1"
    base_path = "/v1"
    credentials = {"NS1_API_KEY": "ns1-key-right"}
    wrong = {"api_key": "ns1-key-wrong"}
    read_only = {"api_key": "ns1-key-reader"}
    replaces = True

    def error(self, status, text):
        return {"message": text}

    def may(self, request):
        return self.bearer(request, "ns1-key-right", "ns1-key-reader", header="X-NSONE-Key")

    def handle(self, request):
        parts = request.parts()[1:]
        if parts[0] != "zones" or len(parts) not in (2, 4):
            return None
        zone = self.named(parts[1])
        if len(parts) == 2:
            return Answer(200, {"zone": zone.name, "id": zone.id}) if request.method == "GET" else None
        name, old = parts[2], self.texts(zone, parts[2])
        self.check(parts[3] == "TXT" and (name == zone.name or name.endswith("." + zone.name)), "a name outside of the zone")
        if request.method == "PUT":
            body = request.json()
            self.check(body["zone"] == zone.name and body["domain"] == name and body["type"] == "TXT", "fields of a set")
            if old:
                return Answer(400, self.error(400, "record already exists"))
            self.replace(zone, name, [a["answer"][0] for a in body["answers"]], body["ttl"])
        elif not old:
            return Answer(404, self.error(404, "record not found"))
        elif request.method == "POST":
            body = request.json()
            self.check(all("id" in a for a in body["answers"][:-1]), "members of an existing answer are lost")
            self.replace(zone, name, [a["answer"][0] for a in body["answers"]], old[0].ttl)
        elif request.method == "DELETE":
            self.replace(zone, name, [], 0)
            return Answer(200, {})
        elif request.method != "GET":
            return None
        now = self.texts(zone, name)
        return Answer(200, {"zone": zone.name, "domain": name, "type": "TXT", "ttl": now[0].ttl,
                            "answers": [{"id": r.id, "answer": [r.value], "meta": {"note": "kept"}} for r in now]})
