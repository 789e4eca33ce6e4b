"""A CA with renewal information and a bad temper: Pebble behind a TLS proxy that follows a script.

Pebble makes its URLs from the Host it is asked for, so passing the header on is enough: the client sees one CA. What the
script does not touch goes through. RFC 9773 is answered here (Pebble 2.4 has none): the directory names renewalInfo,
newOrder echoes `replaces`.
"""

import base64
import collections
import contextlib
import datetime
import email.utils
import http.client
import http.server
import json
import random
import re
import ssl
import threading
import time

import lab as lab_module

Request = collections.namedtuple("Request", "at method path payload status")
ARI = "/renewal-info/"


def rfc3339(at):
    return datetime.datetime.fromtimestamp(at, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


class ScriptedCA:
    """`windows(certificate id, how often it was asked)` gives (start, end) in Unix seconds, a status, or bytes to answer.

    `rules` are functions (request line, decoded JWS payload) -> None to let it through, or (status, ACME error type,
    detail, headers); the first one that answers wins. They can be changed at any time.

    `twist(request line, status, headers, body)` may give another (status, headers, body) for what would be answered;
    headers are a dictionary, or a list of pairs where one comes twice. `wire(request line, socket)` may talk by itself: when
    it gives true the connection is closed after it.
    """

    def __init__(self, directory, address, port, pebble):
        self.pebble, self.address, self.port = pebble, address, port
        directory.mkdir(parents=True, exist_ok=True)
        self.ca_file, cert, key = lab_module.make_tls(directory, address)
        self.url = f"https://{address}:{port}/dir"
        self.offers_ari, self.echo, self.retry_after, self.explanation = True, True, "3600", None
        self.clock_ahead_s = 0
        # draft-ietf-acme-profiles: what the directory offers, and what an order says it took.
        self.profiles, self.profile_echo = {}, lambda wanted: wanted
        self.caa_identities = []
        self.lose_once = None  # a path whose next answer is lost behind Pebble: 500 instead
        self.windows = lambda certificate, count: (time.time() + 86400 * 365, time.time() + 86400 * 366)
        self.rules, self.log, self.lock = [], [], threading.Lock()
        self.twist = self.wire = lambda *_: None
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.tls.load_cert_chain(cert, key)
        self.upstream = ssl.create_default_context(cafile=str(pebble.ca_file))
        self.server = http.server.ThreadingHTTPServer((address, port), self._handler(), bind_and_activate=False)
        self.server.daemon_threads = True
        self.server.allow_reuse_address = True
        self.server.server_bind()
        self.server.server_activate()
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self.thread.start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()

    # -- what tests ask

    def requests(self, since=0.0, method=None, prefix=""):
        with self.lock:
            return [r for r in self.log if r.at >= since and (method is None or r.method == method) and r.path.startswith(prefix)]

    def asked(self, certificate=""):
        return self.requests(0.0, "GET", ARI + certificate)

    # -- the proxy

    def _record(self, method, path, payload, status):
        with self.lock:
            self.log.append(Request(time.time(), method, path, payload, status))

    def _renewal_info(self, path):
        """(status, headers, body)"""
        certificate = path[len(ARI):]
        answer = self.windows(certificate, len(self.asked(certificate)))
        headers = {"Content-Type": "application/json"}
        if self.retry_after is not None:
            headers["Retry-After"] = self.retry_after
        if isinstance(answer, int):
            return answer, headers, b""
        if isinstance(answer, bytes):
            return 200, headers, answer
        info = {"suggestedWindow": {"start": rfc3339(answer[0]), "end": rfc3339(answer[1])}}
        if self.explanation:
            info["explanationURL"] = self.explanation
        return 200, headers, json.dumps(info).encode()

    def _nonce(self):
        connection = http.client.HTTPSConnection(self.pebble.address, self.pebble.port, timeout=10, context=self.upstream)
        try:
            connection.request("HEAD", "/nonce-plz")
            return connection.getresponse().headers["Replay-Nonce"]
        finally:
            connection.close()

    def _forward(self, handler, body):
        connection = http.client.HTTPSConnection(self.pebble.address, self.pebble.port, timeout=30, context=self.upstream)
        try:
            headers = {k: v for k, v in handler.headers.items() if k.lower() not in ("connection", "content-length")}
            connection.request(handler.command, handler.path, body=body, headers=headers)
            answer = connection.getresponse()
            data = answer.read()
            kept = {k: v for k, v in answer.headers.items()
                    if k.lower() in ("content-type", "location", "replay-nonce", "link", "retry-after")}
            return answer.status, kept, data
        finally:
            connection.close()

    def answer(self, handler, body):
        payload = None
        if body:
            encoded = json.loads(body).get("payload", "")
            text = base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))
            payload = json.loads(text) if text else None
        path = handler.path
        if path.startswith(ARI):
            answer = self._renewal_info(path)
        else:
            answer = None
            for rule in list(self.rules):
                refusal = rule(f"{handler.command} {path}", payload)
                if refusal:
                    status, kind, detail, headers = refusal
                    problem = {"type": f"urn:ietf:params:acme:error:{kind}", "detail": detail, "status": status}
                    answer = status, {"Content-Type": "application/problem+json", "Replay-Nonce": self._nonce(), **headers}, \
                        json.dumps(problem).encode()
                    break
            if answer is None:
                answer = self._forward(handler, body)
            if path == self.lose_once and answer[0] < 400:
                self.lose_once = None
                answer = 500, {"Replay-Nonce": self._nonce(), "Retry-After": "1"}, b""
            if path == "/dir" and answer[0] == 200 and (self.profiles or self.caa_identities):
                directory = json.loads(answer[2])
                directory["meta"].update({"profiles": self.profiles, "caaIdentities": self.caa_identities})
                answer = answer[0], answer[1], json.dumps(directory).encode()
            if path == "/order-plz" and answer[0] == 201 and payload and "profile" in payload:
                order = json.loads(answer[2])
                order.pop("profile", None)
                if self.profile_echo(payload["profile"]) is not None:
                    order["profile"] = self.profile_echo(payload["profile"])
                answer = answer[0], answer[1], json.dumps(order).encode()
            if path == "/dir" and answer[0] == 200 and self.offers_ari:
                directory = json.loads(answer[2])
                directory["renewalInfo"] = f"https://{self.address}:{self.port}{ARI.rstrip('/')}"
                answer = answer[0], answer[1], json.dumps(directory).encode()
            if path == "/order-plz" and answer[0] == 201 and self.echo and payload and "replaces" in payload:
                order = json.loads(answer[2])
                order["replaces"] = payload["replaces"]
                answer = answer[0], answer[1], json.dumps(order).encode()
        answer = self.twist(f"{handler.command} {path}", *answer) or answer
        self._record(handler.command, path, payload, answer[0])
        return answer

    def _handler(self):
        ca = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = 60

            def __init__(self, request, *args):
                with contextlib.suppress(OSError):  # a client that was killed
                    request.settimeout(self.timeout)
                    super().__init__(ca.tls.wrap_socket(request, server_side=True), *args)

            def any_method(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                status, headers, data = ca.answer(self, body)
                if ca.wire(f"{self.command} {self.path}", self.connection):
                    self.close_connection = True
                    return
                self.send_response_only(status)
                self.send_header("Date", email.utils.formatdate(time.time() + ca.clock_ahead_s, usegmt=True))
                pairs = headers.items() if isinstance(headers, dict) else headers
                for name, value in pairs:
                    self.send_header(name, value)
                if not any(name == "Content-Length" for name, _ in pairs):
                    self.send_header("Content-Length", str(len(data)))
                with contextlib.suppress(OSError):  # a client that has seen enough
                    self.end_headers()
                    if self.command != "HEAD":
                        self.wfile.write(data)

            do_GET = do_HEAD = do_POST = any_method

            def log_message(self, *_):
                pass

        return Handler


class SlowCA(ScriptedCA):
    """Says of the names in `slow` that they are not validated yet, and of their orders that they are pending."""

    slow = frozenset()

    def _forward(self, handler, body):
        status, headers, data = super()._forward(handler, body)
        if status == 200 and self.slow and handler.path.startswith(("/my-order/", "/authZ/")):
            answer = json.loads(data)
            if "identifiers" in answer:
                names = {i["value"] for i in answer["identifiers"]}
            else:
                names = {("*." if answer.get("wildcard") else "") + answer["identifier"]["value"]}
            if names & self.slow:
                answer["status"] = "pending"
                for challenge in answer.get("challenges", []):
                    challenge["status"] = "pending"
                data = json.dumps(answer).encode()
        return status, headers, data


def boulder(line, status, headers, body):
    """A twist: as Boulder answers. A random member in the directory; finalize is asynchronous and says so."""
    if line.endswith(" /dir"):
        answer = json.loads(body)
        answer[base64.urlsafe_b64encode(random.randbytes(8)).decode().rstrip("=")] = \
            "https://community.letsencrypt.org/t/adding-random-entries-to-the-directory/33417"
    elif line.startswith("POST /finalize-order/") and status == 200:
        answer = {k: v for k, v in json.loads(body).items() if k != "certificate"} | {"status": "processing"}
        headers = {**headers, "Retry-After": "3"}
    else:
        return None
    return status, headers, json.dumps(answer).encode()


def only(pattern, answer):
    """A rule that answers requests whose line matches, for as long as `answer(payload)` gives something."""
    compiled = re.compile(pattern)
    return lambda line, payload: answer(payload) if compiled.search(line) else None
