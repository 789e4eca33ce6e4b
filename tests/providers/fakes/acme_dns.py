"""acme-dns as its README says: register, update with two headers, 43 characters, two rolling values, no removal; and its name server."""
import re
import secrets
import socket
import struct
import threading
import uuid

import fake

V1, V2, V3 = ("%s%s" % (c * 3, "kZ4Yc-TtGx9wq_mB2vN7aLpRsEhUoIdJfX0135689") for c in "abc")
V1, V2, V3 = V1[:43], V2[:43], V3[:43]
ZONE = "auth.example.org"


class Provider(fake.Fake):
    id = "acme-dns"
    credentials = {}
    shared = ()

    def __init__(self):
        super().__init__()
        self.accounts, self.slots, self.dns_up = {}, {}, True
        self.account = self.register()
        self.dns = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.dns.bind(("127.0.0.1", 0))
        self.name_server = "127.0.0.1:%d" % self.dns.getsockname()[1]
        threading.Thread(target=self.answer_dns, daemon=True).start()
        self.credentials = {"api_url": "{origin}", **self.account, "name_server": self.name_server}

    def register(self):
        subdomain = str(uuid.uuid4())
        account = {"username": str(uuid.uuid4()), "password": secrets.token_urlsafe(30)[:40], "subdomain": subdomain,
                   "fulldomain": subdomain + "." + ZONE}
        self.accounts[account["username"]] = account
        self.slots[subdomain] = [("", 0), ("", 1)]
        return account

    def values(self, name):
        return sorted(v for v, _ in self.slots.get(name.split(".")[0], []) if v)

    def may(self, request):
        return None

    def is_write(self, request):
        return request.path == "/update"

    def handle(self, request):
        if (request.method, request.path) == ("GET", "/health"):
            return fake.Answer(200)
        if (request.method, request.path) == ("POST", "/register"):
            return fake.Answer(201, {**self.register(), "allowfrom": []})
        if (request.method, request.path) == ("POST", "/update"):
            account = self.accounts.get(request.headers.get("X-Api-User"))
            body = request.json()
            if account is None or account["password"] != request.headers.get("X-Api-Key") or body["subdomain"] != account["subdomain"]:
                return fake.Answer(401, {"error": "forbidden"})
            if not re.fullmatch(r"[A-Za-z0-9_-]{43}", body["txt"]):
                return fake.Answer(400, {"error": "bad_txt"})
            slots = self.slots[body["subdomain"]]
            slots[slots.index(min(slots, key=lambda s: s[1]))] = (body["txt"], max(s[1] for s in slots) + 1)
            return fake.Answer(200, {"txt": body["txt"]})
        return None

    def answer_dns(self):
        while True:
            try:
                message, client = self.dns.recvfrom(4096)
            except OSError:
                return
            if not self.dns_up:
                continue
            at, labels = 12, []
            while message[at]:
                labels.append(message[at + 1:at + 1 + message[at]].decode())
                at += message[at] + 1
            question = message[12:at + 5]
            values = self.values(".".join(labels))
            records = b"".join(b"\xc0\x0c" + struct.pack("!HHIH", 16, 1, 1, len(v) + 1) + bytes([len(v)]) + v.encode() for v in values)
            self.dns.sendto(message[:2] + struct.pack("!HHHHH", 0x8400, 1, len(values), 0, 0) + question + records, client)


def own_name(c):
    return c.fake.account["fulldomain"]


def two_slots(c):
    owner = own_name(c)
    c.good("add", V1, owner=owner)
    c.good("add", V2, owner=owner.upper())
    c.has(V1, V2, owner=owner)
    updates = len([r for r in c.fake.requests if r.startswith("POST")])
    # The same value again would push the other one out.
    for value in (V1, V2, V1):
        c.good("add", value, owner=owner)
    c.has(V1, V2, owner=owner)
    assert len([r for r in c.fake.requests if r.startswith("POST")]) == updates
    assert c.good("present", V1, owner=owner)["present"] and not c.good("present", V3, owner=owner)["present"]
    c.good("remove", V1, owner=owner)
    c.has(V1, V2, owner=owner)
    c.good("add", V3, owner=owner)
    c.has(V2, V3, owner=owner)


def one_name_only(c):
    for owner in ("_acme-challenge." + own_name(c), "x." + ZONE, "_acme-challenge.example.com"):
        answer = c.bad("add", "zone-not-found", V1, owner=owner)
        assert own_name(c) in answer["text"] and owner in answer["text"] and answer["class"] == "config", answer
    assert c.good("zone", owner=own_name(c))["zone"] == own_name(c)
    without = {k: v for k, v in c.fake.credentials.items() if k != "fulldomain"}
    c.good("add", V1, owner=own_name(c), credentials=without)
    c.bad("add", "zone-not-found", V1, owner="x." + own_name(c), credentials=without)
    c.bad("add", "invalid-request", "too short", owner=own_name(c))


def accounts(c):
    answer = c.bad("add", "provider-credential", V1, owner=own_name(c), credentials={**c.fake.credentials, "password": "x" * 40})
    assert answer["class"] == "config"
    c.bad("add", "invalid-request", V1, owner=own_name(c), credentials={"api_url": "{origin}", "username": "x"})
    c.bad("add", "invalid-request", V1, owner=own_name(c), credentials={**c.fake.credentials, "fulldomain": "other." + ZONE})
    answer = c.good("enroll", credentials={"api_url": "{origin}"})
    made = c.fake.accounts[answer["given"]["username"]]
    assert made == {k: answer["given"][k] for k in made} and answer["zone"] == made["fulldomain"], answer
    c.good("add", V1, owner=made["fulldomain"], credentials={**answer["given"], "name_server": c.fake.name_server})
    c.has(V1, owner=made["fulldomain"])
    before = len(c.fake.accounts)
    assert c.good("enroll")["zone"] == own_name(c) and len(c.fake.accounts) == before


def in_doubt(c):
    owner = own_name(c)
    c.fake.fail("after", fake.Answer(502, "<html>bad gateway</html>"))
    c.good("add", V1, owner=owner)
    c.has(V1, owner=owner)
    c.fake.fail("before", fake.Answer(500, "<html>oops</html>"))
    answer = c.ask("add", V2, owner=owner)
    assert not answer["ok"] and answer["class"] == "temporary", answer
    c.has(V1, owner=owner)
    # Without its name server what the interface confirmed counts.
    deaf = {**c.fake.credentials, "name_server": "127.0.0.1:1"}
    c.good("add", V2, owner=owner, credentials=deaf)
    assert c.good("present", V2, owner=owner, credentials=deaf)["present"]
    c.has(V1, V2, owner=owner)


Provider.own = [two_slots, one_name_only, accounts, in_doubt]
