"""fake: what all fakes of DNS providers share: an HTTPS server on loopback, zones with records, and faults on demand.

A fake holds its caller to the documentation: what it does not know is a violation, and a run with a violation has
failed. Its store is the same for all: zones by name, each with records (name as FQDN without final dot, lower case).
"""
import http.server
import itertools
import json
import os
import ssl
import subprocess
import threading
import time
import urllib.parse


class Record:
    def __init__(self, number, name, kind, value, ttl):
        self.id, self.name, self.kind, self.value, self.ttl = number, name, kind, value, ttl


class Zone:
    def __init__(self, number, name):
        self.id, self.name, self.records = number, name, []


class Request:
    def __init__(self, method, target, headers, body):
        self.method, self.target, self.headers, self.body = method, target, headers, body
        split = urllib.parse.urlsplit(target)
        self.raw_path, self.raw_query = split.path, split.query
        self.path = urllib.parse.unquote(split.path)
        self.query = dict(urllib.parse.parse_qsl(split.query, keep_blank_values=True))

    def json(self):
        return json.loads(self.body)

    def form(self):
        return dict(urllib.parse.parse_qsl(self.body.decode(), keep_blank_values=True))

    def parts(self):
        return [urllib.parse.unquote(p) for p in self.raw_path.split("/")[1:]]


class Answer(Exception):
    """What a handler returns or raises: (status, body, headers)."""

    def __init__(self, status, body=None, headers=None):
        super().__init__(status)
        self.status, self.body, self.headers = status, body, headers or {}


class Fake:
    id = None                # of the recipe
    credentials = {}         # right
    wrong = {}               # wrong
    read_only = {}           # right, but may not write; {}: the provider cannot say so
    base_path = ""
    page_max = 50
    name = None              # shown, when it is not the id
    programs = None          # makes the directory for the hook role, where programs are run
    shared = None            # names of the contract's cases that apply; None: all
    own = []                 # cases of its own
    lists = True             # False: an interface that only takes orders; with:
    holds = 0                # values per name, 0: any number
    owner = elsewhere = None  # a name it serves, one it does not

    def __init__(self):
        self.zones, self.numbers = {}, itertools.count(1000)
        self.requests, self.violations, self.faults = [], [], []
        self.before_write = self.after_write = None
        self.lock = threading.RLock()

    @classmethod
    def missing(cls):
        """Why it cannot be run on this machine, or None."""
        return None

    def serve(self, pem, key):
        return start(self, pem, key)

    def ready(self):
        """Before each request."""

    # ---- the store ----

    def zone(self, name):
        self.zones[name] = Zone(self.new_id(), name)
        return self.zones[name]

    def new_id(self):
        return str(next(self.numbers))

    def put(self, zone, name, value, kind="TXT", ttl=60):
        record = Record(self.new_id(), name.lower().rstrip("."), kind, value, ttl)
        zone.records.append(record)
        return record

    def foreign(self, name, value):
        """Somebody else's value, in the longest zone."""
        fits = [z for z in self.zones.values() if name == z.name or name.endswith("." + z.name)]
        self.put(max(fits, key=lambda z: len(z.name)), name, value)

    def values(self, name):
        return sorted(r.value for z in self.zones.values() for r in z.records if r.name == name and r.kind == "TXT")

    def by_id(self, number):
        return next((z for z in self.zones.values() if str(z.id) == str(number)), None)

    @staticmethod
    def relative(name, zone, apex=""):
        return apex if name == zone.name else name[: -len(zone.name) - 1]

    @staticmethod
    def absolute(sub, zone):
        return zone.name if sub in ("", "@") else sub + "." + zone.name

    def page(self, items, number, size):
        """Pages count from 1."""
        return items[(number - 1) * size: number * size]

    # ---- what a provider says ----

    def check(self, ok, text):
        if not ok:
            raise Answer(*self.violation(text))

    def violation(self, text):
        self.violations.append(text)
        return 400, self.error(400, "violation: " + text)

    def error(self, status, text):
        return {"error": text}

    def may(self, request):
        """None, or the refusal (an Answer) for the credential of this request."""
        raise NotImplementedError

    def is_write(self, request):
        return request.method != "GET"

    def is_session(self, request):
        return False

    def handle(self, request):
        raise NotImplementedError

    def limited(self, seconds):
        return Answer(429, self.error(429, "too many requests"), {"Retry-After": str(seconds)})

    def bearer(self, request, right, reader, header="Authorization", bad=401, denied=403):
        """The usual check: one token that may all, one that may read."""
        token = request.headers.get(header, "")
        if reader is not None and token == reader:
            return None if not self.is_write(request) else Answer(denied, self.error(denied, "forbidden"))
        return None if token == right else Answer(bad, self.error(bad, "unauthorized"))

    def named(self, name):
        """A zone by name, or 404."""
        if name not in self.zones:
            raise Answer(404, self.error(404, "no such zone: " + name))
        return self.zones[name]

    def numbered(self, number):
        """A zone by id, or 404."""
        zone = self.by_id(number)
        if zone is None:
            raise Answer(404, self.error(404, "no such zone"))
        return zone

    def drop(self, zone, number):
        """Remove a record by id, or 404."""
        found = [r for r in zone.records if str(r.id) == str(number)]
        if not found:
            raise Answer(404, self.error(404, "no such record"))
        zone.records.remove(found[0])

    def texts(self, zone, name):
        return [r for r in zone.records if r.name == name and r.kind == "TXT"]

    def replace(self, zone, name, values, ttl):
        """A set as it is to be."""
        zone.records = [r for r in zone.records if not (r.name == name and r.kind == "TXT")]
        return [self.put(zone, name, v, ttl=ttl) for v in values]

    # ---- serving ----

    def answer(self, request):
        refusal = None if self.is_session(request) else self.may(request)
        if refusal is not None:
            return refusal
        try:
            return self.handle(request) or Answer(*self.violation("%s %s" % (request.method, request.target)))
        except Answer as answer:
            return answer
        except (KeyError, ValueError, TypeError, StopIteration) as e:
            return Answer(*self.violation("%s %s: %r" % (request.method, request.target, e)))

    def serve_one(self, request):
        with self.lock:
            self.requests.append("%s %s" % (request.method, request.target))
            write = self.is_write(request) and not self.is_session(request)
            fault = None
            for f in self.faults:
                if not self.is_session(request) and (write or f["any"]):
                    fault = f
                    self.faults.remove(f)
                    break
            if fault and fault["kind"] == "before":
                return fault["answer"]
            if write and self.before_write:
                hook, self.before_write = self.before_write, None
                hook()
            answer = self.answer(request)
            if write and self.after_write:
                hook, self.after_write = self.after_write, None
                hook()
        if fault and fault["kind"] == "after":
            return fault["answer"]
        if fault and fault["kind"] == "hang":
            time.sleep(fault["seconds"])
            return None
        return answer

    def fail(self, kind, answer=None, any=False, seconds=0):
        self.faults.append({"kind": kind, "answer": answer, "any": any, "seconds": seconds})


def certificate(folder):
    """One self-signed certificate for 127.0.0.1, its own root."""
    pem = os.path.join(folder, "server.pem")
    key = os.path.join(folder, "server.key")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                    "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", pem],
                   check=True, capture_output=True)
    return pem, key


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def serve(self):
        length = int(self.headers.get("Content-Length") or 0)
        request = Request(self.command, self.path, self.headers, self.rfile.read(length))
        answer = self.server.fake.serve_one(request)
        if answer is None:
            self.close_connection = True
            return
        body = answer.body
        kind = "application/json"
        if isinstance(body, str):
            kind = "text/xml" if body.startswith("<") else "text/plain"
            body = body.encode()
        elif body is not None:
            body = json.dumps(body).encode()
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if body is not None:
            self.send_header("Content-Type", kind)
        if answer.status != 204:
            self.send_header("Content-Length", str(len(body or b"")))
        self.end_headers()
        if body and answer.status != 204:
            self.wfile.write(body)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = serve

    def log_message(self, *args):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        pass  # a client that gave up waiting


def start(fake, pem, key):
    server = Server(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.fake = fake
    fake.origin = "https://127.0.0.1:%d" % server.server_address[1]
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    return server
