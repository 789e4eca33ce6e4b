#!/usr/bin/env python3
"""A CA that lies, floods, stalls and breaks: each row is one behaviour.

After each of them the worker is the one that was there before, has not grown, has asked a bounded number of times, says what
is wrong in clean words, has issued nothing that was not ordered, and still issues from the other authority.
"""

import contextlib
import json
import pathlib
import re
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tools"))

import lab  # noqa: E402
import scripted_ca  # noqa: E402
import tap  # noqa: E402

ALIAS = {"domain_alias": "validation.example.org"}
GROWTH_MAX_KIB = 64 << 10
REQUESTS_MAX = 40
EVIL = "<script>alert(1)</script>\x1b[31m\r\nlevel=error forged=1 \x00 \u202e %s%n"
JSON = {"Content-Type": "application/json"}


# --- what is done to an answer: (status, headers, body) -> the same --------------------------------

def body(data, **headers):
    return lambda status, h, _: (status, {**h, **{k.replace("_", "-"): v for k, v in headers.items()}}, data)


def members(**changes):
    """Changes members of the JSON object; None removes one."""
    def change(status, headers, data):
        answer = json.loads(data)
        for name, value in changes.items():
            if value is None:
                answer.pop(name, None)
            else:
                answer[name] = value
        return status, headers, json.dumps(answer).encode()
    return change


def challenges(**changes):
    def change(status, headers, data):
        answer = json.loads(data)
        answer["challenges"] = [{k: v for k, v in {**c, **changes}.items() if v is not None} for c in answer["challenges"] if c["type"] == "dns-01"]
        return status, headers, json.dumps(answer).encode()
    return change


def header(name, value):
    return lambda status, h, data: (status, {**{k: v for k, v in h.items() if k.lower() != name.lower()}, **({name: value} if value is not None else {})}, data)


def flood(*pairs):
    return lambda status, h, data: (status, [*h.items(), *pairs], data)


def refusal(status, kind, detail=EVIL, **headers):
    problem = json.dumps({"type": f"urn:ietf:params:acme:error:{kind}", "detail": detail, "status": status}).encode()
    return lambda _, h, __: (status, {**h, "Content-Type": "application/problem+json",
                                      **{k.replace("_", "-"): v for k, v in headers.items()}}, problem)


def bare(status, data=b"<html><h1>gateway</h1></html>", **headers):
    return lambda *_: (status, {"Content-Type": "text/html", **{k.replace("_", "-"): v for k, v in headers.items()}}, data)


def identifiers(*names):
    return members(identifiers=[{"type": "dns", "value": n} for n in names])


DEEP = b"[" * 20000 + b"]" * 20000
ANYWHERE = [
    ("html", body(b"<html>hello</html>", Content_Type="text/html")),
    ("nothing", body(b"")),
    ("half an object", lambda s, h, d: (s, h, d[:len(d) // 2])),
    ("an array", body(b"[]")),
    ("deep nesting", body(DEEP)),
    ("oversized", body(b'{"a":"' + b"x" * (4 << 20) + b'"}')),
    ("many members", body(b"{" + b",".join(b'"m%d":0' % i for i in range(20000)) + b"}")),
    ("NUL bytes", body(b'{"status":"pending\\u0000","a":"\x00"}')),
    ("invalid UTF-8", body(b'{"status":"\xff\xfe"}')),
    ("header flood", flood(*((f"X-{i}", "y") for i in range(300)))),
    ("header of 100 KiB", flood(("X-Long", "y" * 100000))),
    ("redirect to itself", bare(302, Location="/dir")),
    ("redirect to a private address", bare(307, Location="https://10.0.0.1/dir")),
    ("body shorter than said", lambda s, h, d: (s, [*h.items(), ("Content-Length", str(len(d) + 100)), ("Connection", "close")], d)),
]
# (behaviour, what is done to the answer): the directory, when the authority is added.
DIRECTORY = [(f"directory: {what}", act) for what, act in ANYWHERE] + [
    ("directory: no newNonce", members(newNonce=None)),
    ("directory: no newAccount", members(newAccount=None)),
    ("directory: no newOrder", members(newOrder=None)),
    ("directory: newOrder by http", members(newOrder="http://ca.example/order")),
    ("directory: newOrder is a file", members(newOrder="file:///etc/passwd")),
    ("directory: newOrder with a password", members(newOrder="https://user:secret@ca.example/")),
    ("directory: newOrder is a number", members(newOrder=7)),
    ("directory: words of a stranger", refusal(500, "serverInternal")),
]
# (behaviour, requests it happens to, what is done to the answer): during an order.
ORDER = [(f"newOrder: {what}", "^POST /order-plz", act) for what, act in ANYWHERE] + [
    ("newNonce: none", "^HEAD /nonce-plz", header("Replay-Nonce", None)),
    ("newNonce: not base64url", "^HEAD /nonce-plz", header("Replay-Nonce", "a b\x7f<>")),
    ("newNonce: of 10 KiB", "^HEAD /nonce-plz", header("Replay-Nonce", "a" * 10240)),
    ("newAccount: without a Location", "^POST /sign-me-up", header("Location", None)),
    ("newAccount: deactivated", "^POST /sign-me-up", members(status="deactivated")),
    ("newAccount: refused in strange words", "^POST /sign-me-up", refusal(403, "unauthorized")),
    ("newOrder: every nonce refused", "^POST /order-plz", refusal(400, "badNonce")),
    ("newOrder: other names", "^POST /order-plz", identifiers("bank.example.com")),
    ("newOrder: one name more", "^POST /order-plz", lambda s, h, d: members(identifiers=[*json.loads(d)["identifiers"], {"type": "dns", "value": "x.example.com"}])(s, h, d)),
    ("newOrder: a name with a NUL", "^POST /order-plz", identifiers("n\x00.example.com")),
    ("newOrder: an address as a name", "^POST /order-plz", members(identifiers=[{"type": "ip", "value": "192.0.2.1"}])),
    ("newOrder: no identifiers", "^POST /order-plz", members(identifiers=None)),
    ("newOrder: no status", "^POST /order-plz", members(status=None)),
    ("newOrder: a status of its own", "^POST /order-plz", members(status="<b>maybe</b>")),
    ("newOrder: no finalize", "^POST /order-plz", members(finalize=None)),
    ("newOrder: no authorizations", "^POST /order-plz", members(authorizations=[])),
    ("newOrder: a thousand authorizations", "^POST /order-plz", members(authorizations=[f"https://ca.example/{i}" for i in range(1000)])),
    ("newOrder: authorizations that are no URLs", "^POST /order-plz", members(authorizations=["javascript:alert(1)", 7, None])),
    ("newOrder: authorizations at a private address", "^POST /order-plz", members(authorizations=["https://10.0.0.1:1/a"])),
    ("newOrder: no Location", "^POST /order-plz", header("Location", None)),
    ("newOrder: Location by http", "^POST /order-plz", header("Location", "http://ca.example/1")),
    ("newOrder: Location with a line end", "^POST /order-plz", header("Location", "https://ca.example/\x0b1")),
    ("newOrder: Retry-After is negative", "^POST /order-plz", refusal(503, "serverInternal", Retry_After="-5")),
    ("newOrder: Retry-After in the year 9999", "^POST /order-plz", refusal(429, "rateLimited", Retry_After="Fri, 31 Dec 9999 23:59:59 GMT")),
    ("newOrder: Retry-After of 10^30 s", "^POST /order-plz", refusal(429, "rateLimited", Retry_After="1" + "0" * 30)),
    ("newOrder: paused, with a link to script", "^POST /order-plz", refusal(429, "rateLimited", "prevented from requesting; visit javascript:alert(1)")),
    ("newOrder: 500 with Retry-After", "^POST /order-plz", refusal(500, "serverInternal", "The service is down", Retry_After="60")),
    ("newOrder: 503 of a load balancer", "^POST /order-plz", bare(503)),
    ("newOrder: 200 of a load balancer", "^POST /order-plz", bare(200)),
    ("newOrder: an unknown problem", "^POST /order-plz", refusal(418, EVIL)),
    ("authorization: of another name", "^POST /authZ/", members(identifier={"type": "dns", "value": "bank.example.com"})),
    ("authorization: no identifier", "^POST /authZ/", members(identifier=None)),
    ("authorization: no challenges", "^POST /authZ/", members(challenges=None)),
    ("authorization: other challenges only", "^POST /authZ/", challenges(type="http-01")),
    ("authorization: a token that leaves its label", "^POST /authZ/", challenges(token="../../x.y")),
    ("authorization: a token of 4 KiB", "^POST /authZ/", challenges(token="a" * 4096)),
    ("authorization: no token", "^POST /authZ/", challenges(token=None)),
    ("authorization: a challenge at a private address", "^POST /authZ/", challenges(url="https://10.0.0.1:1/c")),
    ("authorization: invalid in strange words", "^POST /authZ/", lambda s, h, d: members(status="invalid")(*challenges(
        status="invalid", error={"type": "urn:ietf:params:acme:error:dns", "detail": EVIL})(s, h, d))),
    ("authorization: given up by the CA", "^POST /authZ/", members(status="deactivated")),
    ("authorization: deep nesting", "^POST /authZ/", body(DEEP)),
    ("challenge: refused", "^POST /chalZ/", refusal(403, "unauthorized")),
    ("challenge: forgotten", "^POST /chalZ/", refusal(404, "malformed")),
    ("order: pending for ever", "^POST /my-order/", members(status="pending")),
    ("order: pending, come back in the year 9999", "^POST /my-order/", lambda s, h, d: header("Retry-After", "Fri, 31 Dec 9999 23:59:59 GMT")(*members(status="pending")(s, h, d))),
    ("order: processing for ever", "^POST /(my-order|finalize-order)/", members(status="processing", certificate=None)),
    ("order: invalid without a reason", "^POST /my-order/", members(status="invalid")),
    ("order: forgotten", "^POST /my-order/", refusal(404, "malformed", "no such order")),
    ("order: valid without a certificate", "^POST /(my-order|finalize-order)/", members(status="valid", certificate=None)),
    ("order: the certificate by http", "^POST /(my-order|finalize-order)/", members(status="valid", certificate="http://ca.example/c")),
    ("order: the certificate at a private address", "^POST /(my-order|finalize-order)/", members(status="valid", certificate="https://192.168.0.1/c")),
    ("finalize: never ready", "^POST /finalize-order/", refusal(403, "orderNotReady")),
    ("finalize: refused in strange words", "^POST /finalize-order/", refusal(400, "badCSR")),
    ("certificate: html", "^POST /certZ/", body(b"<html></html>", Content_Type="text/html")),
    ("certificate: nothing", "^POST /certZ/", body(b"")),
    ("certificate: 3 MiB", "^POST /certZ/", body(b"-----BEGIN CERTIFICATE-----\n" + b"A" * (3 << 20))),
    ("certificate: no base64", "^POST /certZ/", body(b"-----BEGIN CERTIFICATE-----\n<script>\n-----END CERTIFICATE-----\n")),
    ("certificate: a private key with it", "^POST /certZ/", lambda s, h, d: (s, h, d + b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")),
    ("certificate: a thousand of them", "^POST /certZ/", lambda s, h, d: (s, h, d * 300)),
    ("certificate: the issuer's alone", "^POST /certZ/", lambda s, h, d: (s, h, lab.pem_blocks(d.decode())[1].encode())),
    ("certificate: in the wrong order", "^POST /certZ/", lambda s, h, d: (s, h, "".join(reversed(lab.pem_blocks(d.decode()))).encode())),
    ("certificate: of another order", "^POST /certZ/", "another"),
    ("certificate: the right name, a key of its own", "^POST /certZ/", "own"),
    ("wire: closed without an answer", "^POST /order-plz", b""),
    ("wire: no HTTP", "^POST /order-plz", b"\x16\x03\x01 hello\r\n\r\n"),
    ("wire: a status of its own", "^POST /order-plz", b"HTTP/1.1 99999 No\r\n\r\n"),
    ("wire: chunks of no size", "^POST /order-plz", b"HTTP/1.1 201 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n"),
    ("wire: two lengths", "^POST /order-plz", b"HTTP/1.1 201 OK\r\nContent-Length: 2\r\nContent-Length: 999\r\n\r\n{}"),
    ("wire: header lines without an end", "^POST /order-plz", b"HTTP/1.1 201 OK\r\n" + b"X: y\r\n" * 50000),
    ("wire: a byte now and then", "^POST /order-plz", None),
]


class Hostile(tap.Case):
    options = {"reeve": False, "threads": 8}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # Freed memory must not look like memory in use.
        cls.lab.reeve = cls.lab.new_reeve(env={"ASAN_OPTIONS": "quarantine_size_mb=1:exitcode=99"})
        cls.names = [f"n{i}.example.com" for i in range(len(ORDER))]
        cls.lab.knot.set("example.com", *(f"_acme-challenge.{n}. 300 IN CNAME _acme-challenge.validation.example.org."
                                          for n in [*cls.names, "good.example.com", "first.example.com"]))
        cls.ca = cls.lab._add(scripted_ca.ScriptedCA(cls.lab.directory / "scripted", *cls.lab.where["spare"], cls.lab.pebble))
        cls.ca.offers_ari = False
        cls.lab.reeve.add_authority(cls.lab.pebble, name="good")
        cls.good, order = cls.lab.reeve.issue(["good.example.com"], authority="good", **ALIAS)
        cls.lab.reeve.wait_order(order["id"])
        cls.other = "\n".join(lab.pem_blocks(cls.lab.reeve.download(cls.good["id"]))).encode()
        cls.worker = cls.lab.reeve.role_pids()["worker"]
        cls.started_kib = cls.resident()

    @classmethod
    def resident(cls):
        return int(re.search(r"VmRSS:\s+(\d+)", pathlib.Path(f"/proc/{cls.worker}/status").read_text())[1])

    def setUp(self):
        self.ca.twist = self.ca.wire = lambda *_: None

    def clean(self, text):
        """Words that can be put into a terminal, a log line or a page by somebody who escapes."""
        self.assertFalse(re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]", text), repr(text))
        self.assertLess(len(text), 2000)

    def still_well(self):
        self.assertEqual(self.lab.reeve.role_pids().get("worker"), self.worker, "the worker was restarted")
        self.assertLess(self.resident() - self.started_kib, GROWTH_MAX_KIB)

    def good_still_issues(self):
        order = self.lab.reeve.must("POST", f"/v1/certificates/{self.good['id']}/renew", {})["order"]
        self.assertEqual(self.lab.reeve.wait_order(order["id"], timeout=30)["status"], "issued")

    def directory(self, number, act):
        self.ca.twist = lambda line, *answer: act(*answer) if line.endswith(" /dir") else None
        mark = time.time()
        reply = self.lab.reeve.api("POST", "/v1/authorities", {
            "name": f"d{number}", "directory_url": self.ca.url, "email": "ops@example.test",
            "ca_pem": self.ca.ca_file.read_text(), "allow_addresses": [f"{self.ca.address}/32"]})
        self.assertGreaterEqual(reply.status, 400, reply.body)
        self.assertIn("urn:reeve:problem:", reply.body["type"])
        self.assertTrue(reply.body["detail"])
        self.clean(reply.body["detail"] + (reply.body.get("hint") or ""))
        self.assertLess(len(self.ca.requests(mark)), 4)
        self.still_well()

    def certificate_for(self, act, name):
        if act == "another":
            return lambda s, h, d: (s, h, self.other)
        d = pathlib.Path(self.lab.directory)
        lab.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
                 "-keyout", d / "own.key", "-out", d / "own.pem", "-subj", "/CN=own", "-addext", f"subjectAltName=DNS:{name}"])
        text = (d / "own.pem").read_bytes()
        return lambda s, h, data: (s, h, text + b"".join(b.encode() for b in lab.pem_blocks(data.decode())[1:]))

    def misbehave(self, pattern, act, name):
        matches = re.compile(pattern)
        if isinstance(act, str):
            act = self.certificate_for(act, name)
        if callable(act):
            self.ca.twist = lambda line, *answer: act(*answer) if matches.search(line) else None
            return lambda: None
        over = threading.Event()

        def talk(line, connection):
            if not matches.search(line):
                return False
            with contextlib.suppress(OSError):
                if act is not None:
                    connection.sendall(act)
                for byte in b"HTTP/1.1 201 Created\r\nX-Slow: " + b"y" * 100 if act is None else b"":
                    connection.sendall(bytes([byte]))
                    if over.wait(1):
                        break
            return True
        self.ca.wire = talk
        return over.set

    def order(self, number, pattern, act):
        reeve, name, mark = self.lab.reeve, self.names[number], time.time()
        reeve.add_authority(self.ca, name=f"h{number}")
        end = self.misbehave(pattern, act, name)
        certificate, order = reeve.issue([name], authority=f"h{number}", **ALIAS)
        try:
            # Ended, or late with a reason, or waiting for a CA that says nothing.
            deadline = time.monotonic() + 2
            while (order := reeve.order(order["id"]))["status"] == "running" and not order["detail"] and time.monotonic() < deadline:
                time.sleep(0.05)
            if number % 4 == 0 or act is None:
                self.good_still_issues()
            order = reeve.order(order["id"])
            self.assertNotEqual(order["status"], "issued", order)
            if order["status"] == "failed":
                self.assertTrue(order["detail"])
            for text in (order["detail"] or "", order["hint"] or "", *(t["text"] for t in order["timeline"])):
                self.clean(text)
            self.assertEqual(reeve.must("GET", f"/v1/certificates/{certificate['id']}")["version"], 0)
            self.assertLess(len(self.ca.requests(mark)), REQUESTS_MAX)
            self.assertLessEqual(len({(r.path, json.dumps(r.payload)) for r in self.ca.requests(mark, "POST", "/order-plz")}), 1)
        finally:
            if order["status"] == "running":
                # 409: it has ended by itself since.
                self.assertIn(reeve.api("POST", f"/v1/orders/{order['id']}/cancel", {}).status, (200, 409))
            end()
            self.ca.twist = self.ca.wire = lambda *_: None
        reeve.wait_gone(order["id"])
        self.still_well()

    def test_zz_nobody_forged_a_line_of_the_log(self):
        for line in self.lab.reeve.log().splitlines():
            self.assertFalse(line.startswith("level=error forged"), line)
            self.assertNotIn("\x1b", line)


def each(prefix, rows, method):
    """A case for each row, so that each is counted."""
    for number, (what, *rest) in enumerate(rows):
        name = f"test_{prefix}{number:02}_" + re.sub(r"[^a-z0-9]+", "_", what.lower())
        setattr(Hostile, name, lambda self, n=number, r=tuple(rest): method(self, n, *r))


each("d", DIRECTORY, Hostile.directory)
each("o", ORDER, Hostile.order)

if __name__ == "__main__":
    tap.main()
