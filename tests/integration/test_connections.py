#!/usr/bin/env python3
"""Certificates through accounts at DNS providers: credentials, routes, visibility, removal; against fakes that answer DNS."""

import contextlib
import json
import pathlib
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading

TESTS = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS / "tools"), str(TESTS / "providers")]

import fake as fake_module  # noqa: E402
import fake_dns  # noqa: E402
import lab  # noqa: E402
import tap  # noqa: E402
from fakes import cloudflare, route53  # noqa: E402
from test_secrets import spellings  # noqa: E402

# As CertMate's page prints them; only scheme, host and token are put in.
CREATE = """curl -sS -w '\\n%{http_code}' -X POST @URL@/api/certificates/create \\
  -H "Authorization: Bearer $TOKEN" \\
  -H "Content-Type: application/json" \\
  -d '{
    "domain": "example.com",
    "dns_provider": "cloudflare",
    "domain_alias": "validation.example.org"
  }'"""
WILDCARD = """curl -sS -w '\\n%{http_code}' -X POST @URL@/api/certificates/create \\
  -H "Authorization: Bearer $TOKEN" \\
  -H "Content-Type: application/json" \\
  -d '{
    "domain": "*.example.com",
    "san_domains": ["example.com"],
    "dns_provider": "cloudflare",
    "domain_alias": "validation.example.org"
  }'"""
ALIAS_PROVIDER = """curl -sS -w '\\n%{http_code}' -X POST @URL@/api/certificates/create \\
  -H "Authorization: Bearer $TOKEN" \\
  -H "Content-Type: application/json" \\
  -d '{
    "domain": "shop.example.com",
    "dns_provider": "cloudflare",
    "domain_alias": "acme.example.com",
    "alias_dns_provider": "route53"
  }'"""
TOKEN = "cf-token-right-0123456789"
FAKE_ZONES = ("validation.example.org", "acme.example.com", "inside.example.net")


class Proxy:
    """An HTTP proxy that knows CONNECT only."""

    def __init__(self):
        self.asked, self.seen = [], b""
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.url = "http://127.0.0.1:%d" % self.socket.getsockname()[1]
        self.open = []
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                client = self.socket.accept()[0]
            except OSError:
                return
            threading.Thread(target=self._tunnel, args=(client,), daemon=True).start()

    def _tunnel(self, client):
        head = b""
        while b"\r\n\r\n" not in head:
            head += client.recv(4096)
        method, target = head.split()[:2]
        self.asked.append(target.decode())
        host, port = target.decode().rsplit(":", 1)
        server = socket.create_connection((host, int(port)))
        self.open += [client, server]
        client.sendall(b"HTTP/1.1 200 ok\r\n\r\n")
        threading.Thread(target=self._copy, args=(server, client), daemon=True).start()
        self._copy(client, server)

    def _copy(self, here, there):
        with contextlib.suppress(OSError):
            while data := here.recv(65536):
                self.seen += data
                there.sendall(data)
            there.shutdown(socket.SHUT_WR)

    def stop(self):
        for s in [self.socket, *self.open]:
            with contextlib.suppress(OSError):
                s.shutdown(socket.SHUT_RDWR)
            s.close()


class Connections(tap.Case):
    options = {"zones": ("acme.example.org",), "fake_zones": FAKE_ZONES}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        folder = tempfile.mkdtemp(dir=cls.lab.directory)
        pem, key = fake_module.certificate(folder)
        cls.ca_pem = pathlib.Path(pem).read_text()
        cls.cloudflare, cls.route53 = cloudflare.Provider(), route53.Provider()
        cls.cloudflare.zone("validation.example.org")
        cls.cloudflare.zone("inside.example.net")
        cls.route53.zone("acme.example.com")
        cls.servers = [fake_module.start(f, pem, key) for f in (cls.cloudflare, cls.route53)]
        cls.dns = fake_dns.FakeDns(*cls.lab.where["fakes"], [cls.cloudflare, cls.route53])
        cls.token = cls.lab.reeve.must("POST", "/v1/tokens", {"name": "certmate"})["token"]
        cls.lab.reeve.add_authority(cls.lab.pebble)
        cls.lab.knot.set("example.com",
                         "_acme-challenge.example.com. 300 IN CNAME _acme-challenge.validation.example.org.",
                         "_acme-challenge.slow.example.com. 300 IN CNAME _acme-challenge.validation.example.org.",
                         "_acme-challenge.shop.example.com. 300 IN CNAME _acme-challenge.acme.example.com.",
                         "_acme-challenge.seed.example.com. 300 IN CNAME _acme-challenge.acme.example.com.",
                         "acme.example.com. 300 IN NS ns.acme.example.com.",
                         f"ns.acme.example.com. 300 IN A {cls.lab.where['fakes'][0]}")
        cls.cf = cls.connect("cf", cls.cloudflare, {"CLOUDFLARE_API_TOKEN": TOKEN}, zone="validation.example.org")
        cls.r53 = cls.connect("r53", cls.route53, cls.route53.credentials)

    @classmethod
    def tearDownClass(cls):
        cls.dns.stop()
        for server in cls.servers:
            server.shutdown()
            server.server_close()
        super().tearDownClass()

    @classmethod
    def connect(cls, name, fake, credentials, **members):
        return cls.lab.reeve.must("POST", "/v1/connections", cls.body(name, fake, credentials, **members))

    @classmethod
    def body(cls, name, fake, credentials, **members):
        return {"name": name, "provider": fake.id, "credentials": credentials, "base_url": fake.origin + fake.base_path,
                "ca_pem": cls.ca_pem, "allow_addresses": ["127.0.0.1/32"], **members}

    def tearDown(self):
        self.assertEqual(self.cloudflare.violations + self.route53.violations, [])

    def shell(self, command):
        """(status, parsed body) of a curl line run by a shell, as a user pastes it."""
        done = subprocess.run(["sh", "-c", command.replace("@URL@", self.lab.reeve.url)], capture_output=True, text=True, timeout=120,
                              env={"PATH": "/usr/bin:/bin", "TOKEN": self.token})
        self.assertEqual(done.returncode, 0, done.stderr)
        body, status = done.stdout.rsplit("\n", 1)
        return int(status), json.loads(body)

    def assert_gone(self, fake):
        """Nothing of ours is left at the provider."""
        lab.wait_until("removal at the provider", lambda: not [r for z in fake.zones.values() for r in z.records if r.kind == "TXT"], 30)

    def last_order(self, name):
        orders = self.lab.reeve.must("GET", f"/v1/orders?certificate={name}&limit=1")["orders"]
        return self.lab.reeve.wait_order(orders[0]["id"])

    # ---- the seeds' requests, word for word

    def test_certmate_alias(self):
        status, body = self.shell(CREATE)
        self.assertEqual(status, 201, body)
        self.assertEqual((body["domain"], body["dns_provider"]), ("example.com", "cloudflare"))
        self.assert_certificate("example.com", ["example.com"])
        self.assert_gone(self.cloudflare)
        self.assertIn("_acme-challenge.validation.example.org", self.dns.asked)

    def test_certmate_wildcard(self):
        status, body = self.shell(WILDCARD)
        self.assertEqual(status, 201, body)
        self.assert_certificate("*.example.com", ["*.example.com", "example.com"])
        self.assert_gone(self.cloudflare)

    def test_certmate_alias_at_another_provider(self):
        status, body = self.shell(ALIAS_PROVIDER)
        self.assertEqual(status, 201, body)
        self.assert_certificate("shop.example.com", ["shop.example.com"])
        order = self.last_order("shop.example.com")
        self.assertEqual({r["owner"] for r in order["txt_records"]}, {"_acme-challenge.acme.example.com"})
        self.assert_gone(self.route53)

    def test_authority_with_connection_and_zone_id(self):
        """Seed 1's example: Knot is production, without credentials; the zone it delegates to is at Route 53."""
        reeve = self.lab.reeve
        zone_id = self.route53.zones["acme.example.com"].id
        added = reeve.add_authority(self.lab.pebble, name="seed", connection="r53", zone=zone_id)
        self.assertEqual((added["connection_id"], added["zone"]), (self.r53["id"], "/" + zone_id))
        seen = len(self.route53.requests)
        certificate, order = reeve.issue(["seed.example.com", "*.seed.example.com"], authority="seed")
        order = reeve.wait_order(order["id"])
        self.assertEqual(order["status"], "issued", order)
        self.assert_certificate(certificate["id"], ["seed.example.com", "*.seed.example.com"])
        self.assertEqual({r["owner"] for r in order["txt_records"]}, {"_acme-challenge.acme.example.com"})
        self.assertEqual(reeve.must("GET", "/v1/delegations/seed.example.com")["zone"], f"acme.example.com/{zone_id}")
        reeve.wait_order(order["id"], lambda o: all(r["state"] == "gone" for r in o["txt_records"]), 30)
        self.assert_gone(self.route53)
        # With the zone's id nothing has to be listed.
        self.assertEqual([r for r in self.route53.requests[seen:] if "hostedzonesbyname" in r], [])
        # And the same again, from the stored route.
        again = reeve.wait_order(reeve.must("POST", f"/v1/certificates/{certificate['id']}/renew", {})["order"]["id"])
        self.assertEqual(again["status"], "issued", again)
        self.assert_gone(self.route53)

    # ---- routes

    def test_a_connection_whose_zone_holds_the_name(self):
        reeve = self.lab.reeve
        self.connect("inside", self.cloudflare, {"api_token": TOKEN}, zone="inside.example.net")
        certificate, order = reeve.issue(["www.inside.example.net"])
        order = reeve.wait_order(order["id"])
        self.assertEqual(order["status"], "issued", order)
        self.assertEqual({r["owner"] for r in order["txt_records"]}, {"_acme-challenge.www.inside.example.net"})
        delegation = reeve.must("GET", "/v1/delegations/www.inside.example.net")
        self.assertEqual((delegation["kind"], delegation["record"], delegation["health"]), ("direct", None, "verified"))
        report = reeve.must("GET", "/v1/doctor?name=www.inside.example.net&name=seed.example.com")["names"][0]
        self.assertTrue(report["ok"], report)
        self.assertEqual({f["check"] for f in report["findings"]}, {"delegation", "target", "connection", "name-server"})
        self.assert_gone(self.cloudflare)

    def test_an_alias_outside_of_every_zone_is_refused(self):
        reply = self.lab.reeve.http("POST", "/api/certificates/create", {
            "domain": "other.example.com", "dns_provider": "cloudflare", "domain_alias": "nowhere.example.net"}, self.token)
        self.assertEqual(reply.status, 422, reply.body)
        self.assertIn("no connection can write at _acme-challenge.nowhere.example.net", str(reply.body))

    def test_a_provider_without_a_connection_says_so(self):
        for provider, word in (("hetzner", "no connection of the provider hetzner"), ("nonsense", "no DNS provider")):
            reply = self.lab.reeve.http("POST", "/api/certificates/create", {"domain": "p.example.com", "dns_provider": provider}, self.token)
            self.assertEqual(reply.status, 422, reply.body)
            self.assertIn(word, str(reply.body))

    # ---- a provider as it can be

    def test_a_slow_name_server_is_waited_for(self):
        self.dns.withhold = 3
        certificate, order = self.lab.reeve.issue(["slow.example.com"], domain_alias="validation.example.org")
        order = self.lab.reeve.wait_order(order["id"])
        self.assertEqual(order["status"], "issued", order)
        self.assertEqual(self.dns.withhold, 0)
        waits = [e["text"] for e in order["timeline"] if e["step"] == "visible"]
        self.assertTrue(any("0 of 1 name servers" in w for w in waits), waits)
        self.assert_gone(self.cloudflare)

    def test_wrong_credentials_wait_for_the_right_ones(self):
        reeve = self.lab.reeve
        hook = lab.WebhookServer(self.lab.directory / "told", *self.lab.where["webhook"])
        self.addCleanup(hook.stop)
        reeve.must("POST", "/v1/notifications", {"name": "told", "kind": "webhook", "settings": {
            "url": hook.url, "ca_pem": hook.ca_file.read_text(), "allow_addresses": [f"{self.lab.where['webhook'][0]}/32"]}})
        self.connect("wrong", self.cloudflare, {"api_token": "cf-token-wrong-0123456789"}, zone="inside.example.net")
        certificate, order = reeve.issue(["late.inside.example.net"], connection="wrong")
        order = reeve.wait_order(order["id"], lambda o: o["problem"] == "provider-credential")
        self.assertEqual(order["status"], "running", order)
        self.assertIn("credential", order["hint"])
        shown = reeve.must("GET", "/v1/connections/wrong")
        self.assertEqual((shown["health"], shown["problem"]), ("bad", "provider-credential"), shown)
        # What it owes keeps it from being removed.
        reply = reeve.api("DELETE", "/v1/connections/wrong")
        self.assert_problem(reply, 409, "conflict", "TXT values")
        reeve.must("PATCH", "/v1/connections/wrong", {"credentials": {"api_token": TOKEN}})
        order = reeve.wait_order(order["id"])
        self.assertEqual(order["status"], "issued", order)
        self.assert_gone(self.cloudflare)
        reeve.must("POST", "/v1/connections/wrong/test", {})
        lab.wait_until("both messages", lambda: len(hook.requests) == 2)
        heard = [json.loads(body) for _, body in hook.requests]
        self.assertEqual([(m["event"], m["state"], m["details"]["name"]) for m in heard],
                         [("connection-failed", "happened", "wrong"), ("connection-failed", "over", "wrong")])
        reeve.must("DELETE", "/v1/notifications/told")

    def test_what_the_account_lacks_is_named(self):
        reeve = self.lab.reeve
        self.connect("reader", self.cloudflare, {"api_token": "cf-token-reader-012345678"}, zone="inside.example.net")
        tested = reeve.must("POST", "/v1/connections/reader/test", {})
        self.assertTrue(tested["test"]["ok"], tested)
        tested = reeve.must("POST", "/v1/connections/reader/test", {"write": True})
        self.assertFalse(tested["test"]["ok"], tested)
        self.assertEqual(tested["test"]["problem"], "provider-denied", tested)
        self.assertIn("Zone:DNS:Edit", tested["test"]["hint"])
        self.connect("no-zone", self.cloudflare, {"api_token": TOKEN}, zone="absent.example.net")
        tested = reeve.must("POST", "/v1/connections/no-zone/test", {})
        self.assertEqual(tested["test"]["problem"], "zone-not-found", tested)
        for name in ("reader", "no-zone"):
            reeve.must("DELETE", f"/v1/connections/{name}")

    def test_through_a_proxy(self):
        reeve, proxy = self.lab.reeve, Proxy()
        self.connect("proxied", self.cloudflare, {"api_token": TOKEN}, zone="inside.example.net", proxy=proxy.url)
        tested = reeve.must("POST", "/v1/connections/proxied/test", {"write": True})
        self.assertTrue(tested["test"]["ok"], tested)
        self.assertEqual(set(proxy.asked), {self.cloudflare.origin.removeprefix("https://")})
        # What goes through it is TLS: no token in sight.
        self.assertNotIn(TOKEN.encode(), proxy.seen)
        proxy.stop()
        self.assertEqual(reeve.api("POST", "/v1/connections/proxied/test", {}).status, 502)
        reeve.must("DELETE", "/v1/connections/proxied")
        reply = reeve.http("POST", "/v1/connections", self.body("p", self.cloudflare, {"api_token": TOKEN}, proxy=proxy.url),
                           reeve.must("POST", "/v1/tokens", {"name": "proxy", "role": "administrator", "project": "default"})["token"])
        self.assert_problem(reply, 403, "forbidden")
        self.assert_gone(self.cloudflare)

    def test_credentials_are_checked_before_any_call(self):
        reeve = self.lab.reeve
        seen = len(self.route53.requests)
        for credentials, word in (({"access_key_id": "AKIARIGHT"}, "secret_access_key"),
                                  ({**self.route53.credentials, "region": "Not A Region"}, "region"),
                                  ({**self.route53.credentials, "colour": "blue"}, "colour")):
            reply = reeve.api("POST", "/v1/connections", self.body("bad", self.route53, credentials))
            self.assertEqual(reply.status, 400, reply.body)
            self.assertIn(word, reply.body["detail"])
            self.assertNotIn("right/secret", str(reply.body))
        self.assertEqual(self.route53.requests[seen:], [])

    # ---- the command line

    def test_the_command_line(self):
        cli = self.lab.reeve.cli
        secret = self.lab.directory / "token"
        secret.write_text(TOKEN + "\n")
        ca = self.lab.directory / "fakes-ca.pem"
        ca.write_text(self.ca_pem)
        where = ["--base-url", self.cloudflare.origin + self.cloudflare.base_path, "--ca-file", ca, "--allow-address", "127.0.0.1/32"]
        refused = cli("connection", "add", "line", "--provider", "cloudflare", "--set", f"api_token={TOKEN}", *where)
        self.assertEqual(refused.returncode, 3, refused.stderr)
        self.assertIn("does not belong on a command line", refused.stderr)
        added = cli("connection", "add", "line", "--provider", "cloudflare", "--secret-file", f"CF_DNS_API_TOKEN={secret}",
                    "--zone", "inside.example.net", *where)
        self.assertEqual(added.returncode, 0, added.stderr)
        tested = cli("connection", "test", "line", "--write")
        self.assertEqual(tested.returncode, 0, tested.stdout + tested.stderr)
        self.assertIn("written, listed and removed", tested.stdout)
        self.assert_gone(self.cloudflare)
        shown = cli("connection", "show", "line", "--json").stdout + cli("connection", "show", "line").stdout + cli("connection", "list").stdout
        self.assertIn('"api_token"', shown)
        self.assertNotIn(TOKEN, shown)
        # Where a credential is sent is not changed under it.
        moved = cli("connection", "update", "line", "--base-url", "https://evil.example.net/")
        self.assertEqual(moved.returncode, 3, moved.stdout)
        self.assertIn("give the credentials again", moved.stderr)
        renamed = cli("connection", "update", "line", "--name", "new-line")
        self.assertEqual(renamed.returncode, 0, renamed.stderr)
        updated = cli("connection", "update", "new-line", "--secret-file", "api_token=-", "--zone-id",
                      self.cloudflare.zones["inside.example.net"].id, input=TOKEN)
        self.assertEqual(updated.returncode, 0, updated.stderr)
        self.assertEqual(cli("connection", "test", "new-line").returncode, 0)
        self.assertEqual(cli("connection", "remove", "new-line").returncode, 0)
        self.assertEqual(cli("connection", "show", "new-line").returncode, 3)
        policy = cli("connection", "permissions", "aws", "--zone", "acme.example.com", "--zone-id", "Z123")
        self.assertIn("arn:aws:route53:::hostedzone/Z123", json.dumps(json.loads(policy.stdout)))

    # ---- recipes of the user

    def test_a_recipe_comes_without_a_restart(self):
        reeve = self.lab.reeve
        folder = reeve.home / "etc" / "providers.d"
        folder.mkdir(exist_ok=True)
        recipe = json.loads((TESTS.parent / "providers" / "cloudflare.json").read_text())
        recipe.update(id="house", title="House DNS", aliases=["haus"])
        (folder / "house.json").write_text(json.dumps(recipe))
        reeve.must("POST", "/v1/connections", {**self.body("house", self.cloudflare, {"api_token": TOKEN}, zone="inside.example.net"),
                                              "provider": "haus"})
        certificate, order = reeve.issue(["house.inside.example.net"], connection="house")
        self.assertEqual(reeve.wait_order(order["id"])["status"], "issued")
        self.assert_gone(self.cloudflare)
        # An error in it stops nobody, and is shown with its place.
        del recipe["ttl"]
        recipe["colour"] = "blue"
        (folder / "house.json").write_text(json.dumps(recipe, indent=1))
        shown = reeve.must("GET", "/v1/providers/house")
        self.assertFalse(shown["usable"])
        self.assertRegex(shown["problem"], r"house\.json:\d+: .*(colour|ttl)")
        listed = reeve.cli("provider", "list").stdout
        self.assertIn("not usable", listed)
        self.assertIn("Amazon Route 53", listed)
        tested = reeve.must("POST", "/v1/connections/house/test", {})
        self.assertEqual(tested["test"]["problem"], "invalid-recipe", tested)

    # ---- killed at each step that writes or removes (late: the server is restarted)

    def test_y_killed_between_provider_and_ledger(self):
        reeve = self.lab.reeve
        foreign = "somebody-elses-value"
        self.cloudflare.foreign("_acme-challenge.validation.example.org", foreign)
        for n, point in enumerate(("authorization.publish.intent-after", "authorization.publish.done", "authorization.publish.commit-after",
                                   "authorization.respond.intent-after", "cleanup.remove.intent-after", "cleanup.remove.done")):
            with self.subTest(point):
                self.assertTrue(reeve.stop())
                once = self.lab.directory / f"once-{n}"
                reeve.serve({"REEVE_CRASH_AT": point, "REEVE_CRASH_ONCE": str(once)})
                certificate, order = reeve.issue(["slow.example.com"], domain_alias="validation.example.org")
                order = reeve.wait_order(order["id"], patient=True)
                self.assertEqual(order["status"], "issued", order)
                order = reeve.wait_order(order["id"], lambda o: all(r["state"] == "gone" for r in o["txt_records"]), 60, patient=True)
                self.assertTrue(once.exists(), "the crash point was not reached")
                self.assertEqual(self.cloudflare.values("_acme-challenge.validation.example.org"), [foreign])
        zone = self.cloudflare.zones["validation.example.org"]
        zone.records.clear()

    # ---- secrets (last: the server is stopped)

    def test_z_no_secret_on_disk_and_no_row_changed_unseen(self):
        reeve = self.lab.reeve
        reeve.must("PATCH", "/v1/connections/cf", {"credentials": {"api_token": TOKEN}})
        self.assertTrue(reeve.must("POST", "/v1/connections/cf/test", {"write": True})["test"]["ok"])
        for answer in (reeve.must("GET", "/v1/connections"), reeve.must("GET", "/v1/connections/r53")):
            self.assertNotIn("right", json.dumps(answer))
        self.search()
        self.assertTrue(reeve.stop())
        self.search()
        asked = len(self.route53.requests)
        changes = {"base_url": self.route53.origin + "/", "proxy": "http://127.0.0.1:9", "zone": "inside.example.net", "allow_addresses": "0.0.0.0/0", "provider": "vultr"}
        for column, value in changes.items():
            with self.subTest(column):
                before = self.edit(column, value)
                reeve.serve()
                tested = reeve.must("POST", "/v1/connections/cf/test", {})
                self.assertEqual(tested["test"]["problem"], "tampered", tested)
                self.assertIn("reeve connection update cf", tested["test"]["hint"])
                self.assertTrue(reeve.stop())
                self.edit(column, before)
        self.assertEqual(len(self.route53.requests), asked)
        reeve.serve()
        self.assertTrue(reeve.must("POST", "/v1/connections/cf/test", {})["test"]["ok"])

    def edit(self, column, value):
        with sqlite3.connect(self.lab.reeve.home / "var" / "reeve.db") as db:
            before = db.execute(f"SELECT {column} FROM connections WHERE name = 'cf' AND removed_at IS NULL").fetchone()[0]
            db.execute(f"UPDATE connections SET {column} = ? WHERE name = 'cf'", (value,))
        db.close()
        return before

    def search(self):
        home, found = self.lab.reeve.home, []
        for path in [*(home / "var").rglob("*"), *(home / "run").rglob("*"), home / "reeve.log"]:
            data = path.read_bytes() if path.is_file() else b""
            for secret in (TOKEN.encode(), b"right/secret+key", b"cf-token-wrong-0123456789"):
                found += [f"{how} in {path.name}" for how, text in spellings(secret) if len(text) >= 12 and text in data]
        self.assertEqual(found, [])


if __name__ == "__main__":
    tap.main()
