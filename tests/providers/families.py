"""families: fakes that differ only in paths, names of fields, authentication and words of errors.

`Api` answers by a table of routes: "METHOD /path/{zone}" -> what is done there (Zones, Zone1, Records, Create, ...). A shape
is what a zone or a record looks like: member -> marker, literal or list of them. What comes in must be of exactly the
documented shape: a missing, a wrong or an unknown member, parameter or path is a violation. Markers:

ID, ZID         number of the record, of its zone (IDS, ZIDS as text)   ZONE, ZONE_DOT   name of the zone
SUB, SUB_AT     name within the zone, "" or "@" at its apex             FQDN, FQDN_DOT   the whole name
VALUE, QUOTED   the TXT value, as it is or in quotes                    KIND, TTL, INT, TEXT, ANY
OPT(x)          may be absent                                          """
import base64
import json
import re
import urllib.parse

from fake import Answer, Fake


class Marker:
    def __init__(self, name):
        self.name = name

    def __repr__(self):
        return self.name


class OPT:
    def __init__(self, inner):
        self.inner = inner


class FIX:
    """A list of one, whatever is in it."""

    def __init__(self, inner):
        self.inner = inner


class IS:
    """Shown as `shown`, accepted as anything `inner` is."""

    def __init__(self, inner, shown):
        self.inner, self.shown = inner, shown


NAMES = "ID IDS ZID ZIDS ZONE ZONE_DOT SUB SUB_AT FQDN FQDN_DOT VALUE QUOTED KIND TTL TTLS INT TEXT ANY"
ID, IDS, ZID, ZIDS, ZONE, ZONE_DOT, SUB, SUB_AT, FQDN, FQDN_DOT, VALUE, QUOTED, KIND, TTL, TTLS, INT, TEXT, ANY = \
    (Marker(n) for n in NAMES.split())


def quoted(text):
    return '"%s"' % text


def at(path, value):
    """The value wrapped: "a/b" -> {"a": {"b": value}}."""
    for key in reversed(path.split("/")) if path else []:
        value = {key: value}
    return value


class Api(Fake):
    """A record per value or a set per name, spoken as the class members say."""
    token = None             # (header, right, reader or None), or:
    basic = None             # "user:password"
    basic_reader = None
    params = None            # query or form parameters that must be there with every request: {name: value}
    secret_param = None      # the one of them that is a secret
    bad = denied = None      # (status, body) for a wrong credential, a missing permission; None: 401 and 403
    zone_shape = {"name": ZONE}
    shape = {}               # of a record that is shown
    accepts = {}             # of a record that comes in
    routes = {}
    errors = "message"       # path of the text in an error
    absent = 404
    ttl_min = 1
    xml = None
    content = "json"         # what comes in: json or form
    headers = {}             # that must be there with every request
    always = {}              # members of every answer
    record_kinds = {}        # "TXT" -> how this provider calls it

    # ---- who may ----

    def error(self, status, text):
        return at(self.errors, text) if isinstance(self.errors, str) else self.errors(status, text)

    def refusal(self, which, status, text):
        said = getattr(self, which)
        return Answer(*(said or (status, self.error(status, text))))

    def may(self, request):
        for name, value in self.headers.items():
            self.check(request.headers.get(name, "") == value, "header %s is %r" % (name, request.headers.get(name)))
        if self.token:
            header, right, reader = self.token
            have = request.headers.get(header, "")
            if reader and have == reader:
                return self.refusal("denied", 403, "forbidden") if self.is_write(request) else None
            return None if have == right else self.refusal("bad", 401, "unauthorized")
        if self.basic:
            have = request.headers.get("Authorization", "")
            right, reader = ("Basic " + base64.b64encode(t.encode()).decode() if t else None for t in (self.basic, self.basic_reader))
            if reader and have == reader:
                return self.refusal("denied", 403, "forbidden") if self.is_write(request) else None
            return None if have == right else self.refusal("bad", 401, "unauthorized")
        if self.params:
            have = dict(request.query)
            if request.body and self.content == "form":
                have.update(request.form())
            elif request.body:
                have.update({k: v for k, v in request.json().items() if isinstance(v, str)})
            for name, value in self.params.items():
                if have.get(name) != value:
                    if name != self.secret_param:
                        self.violation("parameter %s is %r" % (name, have.get(name)))
                    return self.refusal("bad", 401, "unauthorized")
            return None
        return self.allowed(request)

    def allowed(self, request):
        raise NotImplementedError

    def answer(self, request):
        try:
            return super().answer(request)
        except Answer as answer:  # from may()
            return answer

    # ---- shapes ----

    def kind(self, kind):
        return self.record_kinds.get(kind, kind)

    def look(self, marker, zone, record=None, values=None):
        if isinstance(marker, dict):
            return {k: self.look(v, zone, record, values) for k, v in marker.items() if not isinstance(v, OPT)}
        if isinstance(marker, list):
            if values is not None and any(m in (VALUE, QUOTED) or isinstance(m, (dict, list)) for m in marker):
                return [self.look(marker[0], zone, r) for r in values]
            return [self.look(m, zone, record, values) for m in marker]
        if isinstance(marker, FIX):
            return [self.look(marker.inner, zone, record, values)]
        if isinstance(marker, IS):
            return self.look(marker.shown, zone, record, values)
        if not isinstance(marker, Marker):
            return marker
        if marker in (ZONE, ZONE_DOT):
            return zone.name + "." * (marker is ZONE_DOT)
        if marker in (ZID, ZIDS):
            return int(zone.id) if marker is ZID else self.zone_ref(zone)
        record = record or values[0]
        name = self.relative(record.name, zone)
        return {ID: int(record.id), IDS: record.id, SUB: name, SUB_AT: name or "@", FQDN: record.name, FQDN_DOT: record.name + ".",
                VALUE: record.value, QUOTED: quoted(record.value), KIND: self.kind(record.kind), TTL: record.ttl, TTLS: str(record.ttl),
                INT: 0, TEXT: "", ANY: None}[marker]

    def zone_ref(self, zone):
        return zone.id

    def take(self, marker, given, zone, found, path="body"):
        """Check what came in; what it says goes into `found`."""
        if isinstance(marker, OPT):
            return self.take(marker.inner, given, zone, found, path)
        if isinstance(marker, IS):
            return self.take(marker.inner, given, zone, found, path)
        if isinstance(marker, FIX):
            self.check(isinstance(given, list) and len(given) == 1, "%s is no list of one: %r" % (path, given))
            return self.take(marker.inner, given[0], zone, found, path + "/0")
        if isinstance(marker, dict):
            self.check(isinstance(given, dict), "%s is no object: %r" % (path, given))
            needed = {k for k, v in marker.items() if not isinstance(v, OPT)}
            self.check(needed <= set(given) <= set(marker), "%s has the members %s" % (path, sorted(given)))
            for k in given:
                self.take(marker[k], given[k], zone, found, path + "/" + k)
            return None
        if isinstance(marker, list):
            self.check(isinstance(given, list) and given, "%s is no list: %r" % (path, given))
            if len(marker) > 1:
                self.check(len(marker) == len(given), "%s has %d items" % (path, len(given)))
            for i, g in enumerate(given):
                self.take(marker[i % len(marker)], g, zone, found, "%s/%d" % (path, i))
            return None
        if not isinstance(marker, Marker):
            self.check(given == marker and type(given) is type(marker), "%s is %r" % (path, given))
            return None
        if marker in (INT, TTL, ID, ZID):
            self.check(type(given) is int, "%s is no number: %r" % (path, given))
        elif marker is not ANY:
            self.check(isinstance(given, str), "%s is no text: %r" % (path, given))
        if marker in (TTL, TTLS):
            self.check(int(given) >= self.ttl_min, "%s is %s" % (path, given))
            found["ttl"] = int(given)
        elif marker in (VALUE, QUOTED):
            if marker is QUOTED:
                self.check(len(given) > 2 and given[0] == given[-1] == '"', "%s is not in quotes: %r" % (path, given))
                given = given[1:-1]
            self.check('"' not in given, "%s has quotes: %r" % (path, given))
            found.setdefault("values", []).append(given)
        elif marker in (SUB, SUB_AT, FQDN, FQDN_DOT):
            if marker is SUB_AT:
                self.check(given != "", "%s is empty" % path)
            if marker in (SUB, SUB_AT):
                self.check(given != zone.name and not given.endswith("." + zone.name), "%s is not relative: %r" % (path, given))
                self.check(marker is SUB_AT or given != "@", "%s is @" % path)
                found["name"] = self.absolute(given, zone)
            else:
                self.check(given.endswith(".") == (marker is FQDN_DOT), "%s: %r" % (path, given))
                found["name"] = given.rstrip(".")
                self.check(found["name"] == zone.name or found["name"].endswith("." + zone.name), "%s is not in the zone: %r" % (path, given))
        elif marker in (ZONE, ZONE_DOT):
            self.check(given == zone.name + "." * (marker is ZONE_DOT), "%s is %r" % (path, given))
        elif marker in (ZIDS, ZID):
            self.check(str(given) == str(self.zone_ref(zone)), "%s is %r" % (path, given))
        elif marker is KIND:
            self.check(given == self.kind("TXT"), "%s is %r" % (path, given))
        elif marker in (IDS, ID):
            found["id"] = str(given)
        return None

    # ---- routes ----

    def handle(self, request):
        path = request.raw_path[len(self.base_path):] if request.raw_path.startswith(self.base_path) else None
        self.check(path is not None, "not below the base: " + request.raw_path)
        if getattr(self, "in_body", None):
            return self.by_body(request)
        for route, action in self.routes.items():
            method, pattern = route.split(" ", 1)
            if method != request.method:
                continue
            names = re.findall(r"\{(\w+)\}", pattern)
            match = re.fullmatch(re.sub(r"\\\{\w+\\\}", "([^/]*)", re.escape(pattern)), path)
            if match:
                return action(self, request, {n: urllib.parse.unquote(g) for n, g in zip(names, match.groups())})
        return None

    def is_write(self, request):
        for route, action in self.routes.items():
            method, pattern = route.split(" ", 1)
            path = request.raw_path[len(self.base_path):]
            if method == request.method and re.fullmatch(re.sub(r"\\\{\w+\\\}", "([^/]*)", re.escape(pattern)), path):
                return action.writes
        return request.method != "GET"

    def is_session(self, request):
        return False

    def zone_of(self, where, given=None):
        """The zone that a path names, or a 404."""
        zone = None
        if "zone" in where:
            zone = self.zones.get(where["zone"])
        elif "zone_dot" in where:
            self.check(where["zone_dot"].endswith("."), "a zone without its final dot")
            zone = self.zones.get(where["zone_dot"].rstrip("."))
        elif "zid" in where:
            zone = next((z for z in self.zones.values() if str(self.zone_ref(z)) == where["zid"]), None)
        elif given is not None:
            zone = self.zones.get(str(given).rstrip(".")) or next((z for z in self.zones.values() if str(self.zone_ref(z)) == str(given)), None)
        if zone is None:
            raise Answer(self.absent, self.error(self.absent, "no such zone"))
        return zone

    def name_of(self, where, zone):
        for key, value in where.items():
            if key == "sub":
                return self.absolute(value, zone)
            if key == "sub_at":
                self.check(value != "", "an empty name")
                return self.absolute(value, zone)
            if key == "fqdn":
                self.check(not value.endswith("."), "a final dot")
                return value
            if key == "fqdn_dot":
                self.check(value.endswith("."), "no final dot")
                return value.rstrip(".")
        return None

    def body(self, request):
        if self.content == "form":
            return request.form()
        return json.loads(request.body) if request.body else {}

    def params_in(self, request, known):
        """Query parameters beside those of the authentication: known name -> marker or literal; unknown ones are violations."""
        have = {k: v for k, v in request.query.items() if not (self.params and k in self.params)}
        for name in have:
            self.check(name in known, "unknown parameter %s" % name)
        for name, marker in known.items():
            if isinstance(marker, OPT):
                continue
            self.check(name in have, "no parameter %s" % name)
            if not isinstance(marker, Marker):
                self.check(have[name] == str(marker), "parameter %s is %r" % (name, have[name]))
        return have

    def say(self, status, body, where=""):
        body = at(where, body)
        if self.always and isinstance(body, dict):
            body = dict(self.always, **body)
        return Answer(status, body)


class Rpc(Api):
    """One path; what is to be done and with what stands in the body: call() tells both. actions: name -> what is done."""
    path = "/"
    actions = {}
    in_body = True

    def call(self, request):
        body = request.json()
        return body["method"], body["params"]

    def action(self, request):
        name, params = self.call(request)
        self.check(name in self.actions, "unknown call %s" % name)
        return self.actions[name], params

    def body(self, request):
        return self.call(request)[1]

    def is_write(self, request):
        try:
            name, _ = self.call(request)
        except (KeyError, ValueError):
            return False
        return name in self.actions and self.actions[name].writes

    def by_body(self, request):
        self.check(request.method == "POST" and request.raw_path == self.base_path + self.path, "%s %s" % (request.method, request.raw_path))
        action, params = self.action(request)
        if action.query:
            self.check(set(params) == set(action.query), "parameters %s" % sorted(params))
        return action.run(self, request, {}, params)


class Act:
    writes = False

    def __init__(self, where="", status=200, query=None, **more):
        self.where, self.status, self.query, self.more = where, status, query or {}, more

    def __call__(self, api, request, where):
        return self.run(api, request, where, api.params_in(request, self.query))

    def paged(self, api, items, q):
        """(items of this page, members that tell of others) by `page`: (style, parameters)."""
        page = self.more.get("page")
        if not page:
            return items, {}
        style, number, size = page[0], page[1], page[2]
        per = int(q.get(size, self.more.get("per", 20))) if size else self.more.get("per", 20)
        api.check(1 <= per <= self.more.get("most", 1000), "page size %d" % per)
        if style == "offset":
            start = int(q.get(number, 0))
        elif style == "page0":
            start = int(q.get(number, 0)) * per
        else:
            start = (int(q.get(number, 1)) - 1) * per
        api.check(start >= 0, "page %s" % q.get(number))
        pages = (len(items) + per - 1) // per or 1
        tell = page[3](start // per + 1, pages, len(items)) if len(page) > 3 else {}
        return items[start:start + per], tell


class Zones(Act):
    """All zones; `by`: the query parameter that filters by name (exactly, or as `part` of it)."""

    def run(self, api, request, where, q):
        zones = list(api.zones.values())
        by = self.more.get("by")
        if by and by in q:
            wanted = q[by].rstrip(".")
            zones = [z for z in zones if z.name == wanted or (self.more.get("part") and wanted in z.name)]
            if not zones and self.more.get("none"):
                return Answer(self.more["none"], api.error(self.more["none"], "no such zone"))
        items, tell = self.paged(api, zones, q)
        body = api.say(self.status, [api.look(api.zone_shape, z) for z in items], self.where)
        if tell:
            merge(body.body, tell)
        return body


class Zone1(Act):
    """One zone, named by the path (or by the parameter `by`)."""

    def run(self, api, request, where, q):
        zone = api.zone_of(where, q.get(self.more.get("by", "")))
        return api.say(self.status, api.look(self.more.get("shape", api.zone_shape), zone), self.where)


class Records(Act):
    """The records of a zone; by: {parameter: marker} filters them."""

    def run(self, api, request, where, q):
        zone = api.zone_of(where, q.get(self.more.get("zone_by", "")))
        records = list(zone.records)
        name = api.name_of(where, zone)
        if name:
            records = [r for r in records if r.name == name]
        for key, marker in self.more.get("by", {}).items():
            if key in q:
                records = [r for r in records if str(api.look(marker, zone, r)).lower() == q[key].lower() or
                           (key in self.more.get("part", ()) and q[key] in str(api.look(marker, zone, r)))]
        items, tell = self.paged(api, records, q)
        if not records and self.more.get("none"):
            return Answer(self.more["none"], api.error(self.more["none"], "no records"))
        shown = [api.look(api.shape, zone, r) for r in items]
        if self.more.get("inside"):  # part of what is said about the zone
            body = dict(api.look(api.zone_shape, zone), **{self.more["inside"]: shown})
            return api.say(self.status, body, self.where)
        if self.more.get("keyed"):
            shown = {r.id: s for r, s in zip(items, shown)}
        body = api.say(self.status, shown, self.where)
        if tell:
            merge(body.body, tell)
        return body


class Create(Act):
    """A record comes in; answers with it, with its number at `id`, or with `body`. many: the shape may hold several values."""
    writes = True

    def run(self, api, request, where, q):
        given, found = api.body(request), {}
        zone = api.zone_of(where, given.get(self.more["zone_by"]) if "zone_by" in self.more else None)
        if api.params and isinstance(given, dict):
            given = {k: v for k, v in given.items() if k not in api.params}
        api.take(self.more.get("accepts", api.accepts), given, zone, found)
        name = found.get("name") or api.name_of(where, zone)
        api.check(name is not None and len(found.get("values", [])) == 1, "a record of what? %r" % given)
        value = found["values"][0]
        if self.more.get("exists") and any(r.value == value for r in api.texts(zone, name)):
            said = self.more["exists"]
            return Answer(said[0], said[1] if len(said) > 1 else api.error(said[0], "exists"))
        record = api.put(zone, name, value, ttl=found.get("ttl", 3600))
        if "body" in self.more:
            return Answer(self.status, self.more["body"])
        if "id" in self.more:
            return api.say(self.status, at(self.more["id"], int(record.id)))
        return api.say(self.status, api.look(api.shape, zone, record), self.where)


class Remove(Act):
    """A record goes, by number in the path ({id}), in a parameter (`id_by`), or by content (`accepts`)."""
    writes = True

    def run(self, api, request, where, q):
        given, found = api.body(request), {}
        if api.params and isinstance(given, dict):
            given = {k: v for k, v in given.items() if k not in api.params}
        body = self.more.get("body")
        if "accepts" in self.more:
            named = {"zone", "zone_dot", "zid"} & set(where) or "zone_by" in self.more or "zone_in" in self.more
            zone = api.zone_of(where, given.get(self.more["zone_by"]) if "zone_by" in self.more else q.get(self.more.get("zone_in", ""))) if named else None
            api.take(self.more["accepts"], given, zone, found)
        else:
            api.check(not given, "a body where none belongs: %r" % given)
            zone = None
            if {"zone", "zone_dot", "zid"} & set(where) or "zone_in" in self.more:
                zone = api.zone_of(where, q.get(self.more.get("zone_in", "")))
        number = where.get("id") or q.get(self.more.get("id_by", "")) or found.get("id")
        if number is not None:
            zones = [zone] if zone else api.zones.values()
            hits = [(z, r) for z in zones for r in z.records if r.id == number]
        else:
            name = found.get("name") or api.name_of(where, zone)
            hits = [(zone, r) for r in api.texts(zone, name) if r.value in found["values"]]
        if not hits:
            gone = self.more.get("gone", 404)
            return Answer(gone, api.error(gone, "no such record")) if gone >= 300 else Answer(self.status, body)
        for z, r in hits:
            z.records.remove(r)
        return Answer(self.status, body)


class SetGet(Act):
    """The TXT set of a name, of the class's shape; 404 (or `none`) when there is none."""

    def run(self, api, request, where, q):
        zone = api.zone_of(where)
        name = api.name_of(where, zone)
        by = self.more.get("by")
        if by:
            name = q[by].rstrip(".") if self.more.get("full", True) else api.absolute(q[by], zone)
        records = api.texts(zone, name)
        if not records:
            if "none" in self.more:
                return api.say(self.status, self.more["none"])
            return Answer(404, api.error(404, "no such set"))
        shown = api.look(api.shape, zone, None, records)
        return api.say(self.status, [shown] if self.more.get("listed") else shown, self.where)


class SetPut(Act):
    """All values of a name come in. new: only when there are none yet, else `exists`; old: only when there are some."""
    writes = True

    def run(self, api, request, where, q):
        zone, found = api.zone_of(where), {}
        api.take(self.more.get("accepts", api.accepts), api.body(request), zone, found)
        name = found.get("name") or api.name_of(where, zone)
        api.check(name and found.get("values"), "a set of what?")
        old = api.texts(zone, name)
        if self.more.get("new") and old:
            return Answer(*self.more.get("exists", (409, api.error(409, "exists"))))
        if self.more.get("old") and not old:
            return Answer(404, api.error(404, "no such set"))
        api.check(len(set(found["values"])) == len(found["values"]), "a value twice")
        records = api.replace(zone, name, found["values"], found.get("ttl", 3600))
        if "body" in self.more:
            return Answer(self.status, self.more["body"])
        return api.say(self.status, api.look(api.shape, zone, None, records), self.where)


class SetDrop(Act):
    """The whole set of a name goes."""
    writes = True

    def run(self, api, request, where, q):
        zone, found = api.zone_of(where), {}
        if "accepts" in self.more:
            api.take(self.more["accepts"], api.body(request), zone, found)
        name = found.get("name") or api.name_of(where, zone)
        if not api.texts(zone, name):
            return Answer(404, api.error(404, "no such set"))
        api.replace(zone, name, [], 0)
        return Answer(self.status, self.more.get("body"))


class Says(Act):
    """Something fixed; writes=True: it counts as a change."""

    def __call__(self, api, request, where):
        self.writes = self.more.get("writes", False)
        if "accepts" in self.more:
            api.take(self.more["accepts"], api.body(request), None, {})
        if "zone" in where or "zid" in where:
            api.zone_of(where)
        return Answer(self.status, self.more.get("body"))


def merge(into, more):
    for k, v in more.items():
        if isinstance(v, dict) and isinstance(into.get(k), dict):
            merge(into[k], v)
        else:
            into[k] = v


def bearer(right, reader=True, header="Authorization", word="Bearer "):
    return header, word + right + "-token-right", word + right + "-token-reader" if reader else None
