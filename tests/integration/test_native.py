#!/usr/bin/env python3
"""Certificates through providers that are no web interface: a name server that takes updates, acme-dns, programs."""

import os
import pathlib
import re
import sys
import tempfile

TESTS = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS / "tools"), str(TESTS / "providers")]

import fake as fake_module  # noqa: E402
import fake_dns  # noqa: E402
import lab  # noqa: E402
import name_server  # noqa: E402
import tap  # noqa: E402
from fakes import acme_dns, exec as exec_fake  # noqa: E402


class Updates(tap.Case):
    """Knot is the name server, and takes updates signed with a key."""

    options = {"zones": ("acme.example.test",), "fake_zones": ("dyn.example.net",)}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server = name_server.Knot(*cls.lab.where["fakes"])
        cls.server.zone("dyn.example.net")
        cls.server.start()
        cls.lab.reeve.add_authority(cls.lab.pebble)
        cls.lab.knot.set("example.com", "_acme-challenge.shop.example.com. 300 IN CNAME _acme-challenge.shop.dyn.example.net.")

    @classmethod
    def tearDownClass(cls):
        cls.server.shutdown()
        cls.server.server_close()
        super().tearDownClass()

    def connect(self, name, **change):
        return self.lab.reeve.api("POST", "/v1/connections", {
            "name": name, "provider": "dnsupdate", "zone": "dyn.example.net", "allow_addresses": ["127.0.0.0/8"],
            "credentials": {**self.server.credentials, "nameserver": self.server.origin, **change}})

    def test_issue_and_remove(self):
        reeve = self.lab.reeve
        made = self.connect("knot")
        self.assertEqual((made.status, made.body["provider"]), (201, "rfc2136"), made.body)
        tested = reeve.must("POST", "/v1/connections/knot/test", {"write": True})
        self.assertTrue(tested["test"]["ok"], tested)
        self.assertEqual(tested["health"], "good")
        certificate, order = reeve.issue(["shop.example.com", "*.shop.example.com"], provider="rfc2136")
        order = reeve.wait_order(order["id"])
        self.assertEqual(order["status"], "issued", order)
        self.assert_certificate(certificate["id"], ["shop.example.com", "*.shop.example.com"])
        lab.wait_until("removal", lambda: not self.server.zones["dyn.example.net"].records, 30)

    def test_wrong_key(self):
        reeve = self.lab.reeve
        self.assertEqual(self.connect("wrong", tsig_secret=name_server.secret("another")).status, 201)
        tested = reeve.must("POST", "/v1/connections/wrong/test", {})
        self.assertEqual((tested["test"]["ok"], tested["health"], tested["problem"]), (False, "bad", "provider-credential"), tested)
        self.assertIn("BADSIG", tested["finding"])
        reeve.must("DELETE", "/v1/connections/wrong")
        self.assert_problem(self.connect("md5", tsig_algorithm="hmac-md5"), 400, "invalid-request", "hmac-md5")


class AcmeDns(tap.Case):
    """An account that is registered when the connection is added; and lego's way to call a program."""

    options = {"zones": ("acme.example.test",), "fake_zones": (acme_dns.ZONE, "exec.example.net")}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        folder = tempfile.mkdtemp(dir=cls.lab.directory)
        pem, key = fake_module.certificate(folder)
        cls.ca_pem = pathlib.Path(pem).read_text()
        cls.fake = acme_dns.Provider()
        cls.fake.zone(acme_dns.ZONE)
        cls.server = fake_module.start(cls.fake, pem, key)
        cls.store = exec_fake.Provider()
        cls.store.zone("exec.example.net")
        cls.dns = fake_dns.FakeDns(*cls.lab.where["fakes"], [cls.fake, cls.store])
        cls.lab.reeve.add_authority(cls.lab.pebble)
        cls.account = cls.lab.reeve.must("POST", "/v1/connections", {
            "name": "account", "provider": "acmedns", "ca_pem": cls.ca_pem, "allow_addresses": ["127.0.0.1/32"],
            "credentials": {"api_url": cls.fake.origin, "name_server": cls.fake.name_server}})

    @classmethod
    def tearDownClass(cls):
        cls.dns.stop()
        cls.server.shutdown()
        cls.server.server_close()
        super().tearDownClass()

    def tearDown(self):
        self.assertEqual(self.fake.violations, [])

    def test_registered_account(self):
        reeve, full = self.lab.reeve, self.account["zone"]
        subdomain = full.split(".")[0]
        self.assertIn(full, [a["fulldomain"] for a in self.fake.accounts.values()])
        self.assertEqual(sorted(self.account["credentials_given"]),
                         ["api_url", "fulldomain", "name_server", "password", "subdomain", "username"])
        # Without a CNAME the record to add is told, and it has no prefix.
        reply = reeve.api("POST", "/v1/certificates", {"names": ["z.example.com"], "provider": "acme-dns"})
        self.assert_problem(reply, 422, "delegation-missing", f"IN CNAME {full}.")
        for wrong in ("_acme-challenge." + full, "x." + full, "other." + acme_dns.ZONE):
            reply = reeve.api("POST", "/v1/certificates", {"names": ["a.example.com"], "provider": "acme-dns", "domain_alias": wrong})
            self.assert_problem(reply, 400, "invalid-request", subdomain, full)
        self.lab.knot.cname("a.example.com", full)
        for alias in (subdomain.upper(), full + "."):
            certificate, order = reeve.issue(["a.example.com", "*.a.example.com"], provider="acme-dns", domain_alias=alias)
            order = reeve.wait_order(order["id"])
            self.assertEqual(order["status"], "issued", order)
            self.assertEqual({r["owner"] for r in order["txt_records"]}, {full})
            order = reeve.wait_order(order["id"], lambda o: all(r["state"] == "superseded" for r in o["txt_records"]), 30)
        self.assert_certificate(certificate["id"], ["a.example.com", "*.a.example.com"])
        self.assertEqual(len(self.fake.values(full)), 2)
        self.assert_problem(reeve.api("POST", "/v1/connections/account/test", {"write": True}), 400, "invalid-request", "push")

    def test_orders_wait_for_each_other(self):
        reeve, full = self.lab.reeve, self.account["zone"]
        names = ["b.example.com", "c.example.com", "d.example.com"]
        self.lab.knot.set("example.com", *(f"_acme-challenge.{n}. 300 IN CNAME {full}." for n in ["a.example.com", *names]))
        orders = [reeve.issue([n, "*." + n], provider="acme-dns")[1] for n in names]
        for order in orders:
            self.assertEqual(reeve.wait_order(order["id"], timeout=90)["status"], "issued", order)
        _, order = reeve.issue(["b.example.com", "c.example.com", "d.example.com"], provider="acme-dns")
        order = reeve.wait_order(order["id"], timeout=90)
        self.assertEqual(order["status"], "failed", order)
        self.assertIn("keeps 2 values", str(order))

    def test_program(self):
        reeve = self.lab.reeve
        where = pathlib.Path(reeve.home) / "etc" / "hooks.d" / "dns"
        where.mkdir(parents=True, exist_ok=True)
        where.parent.chmod(0o755)
        where.chmod(0o755)
        program = where / "lego.sh"
        program.write_text(exec_fake.LEGO)
        program.chmod(0o755)
        made = reeve.must("POST", "/v1/connections", {"name": "mine", "provider": "custom-script", "zone": "exec.example.net",
                                                      "credentials": {"EXEC_PATH": "lego.sh", "environment": self.store.environment}})
        self.assertEqual(made["provider"], "exec")
        self.lab.knot.cname("e.example.test", "_acme-challenge.exec.example.net")
        certificate, order = reeve.issue(["e.example.test"], connection="mine")
        order = reeve.wait_order(order["id"])
        self.assertEqual(order["status"], "issued", order)
        reeve.wait_order(order["id"], lambda o: all(r["state"] == "gone" for r in o["txt_records"]), 30)
        self.assertEqual(self.store.values("_acme-challenge.exec.example.net"), [])
        self.assertTrue(os.path.exists(os.path.join(self.store.store, "seen")))
        self.assert_certificate(certificate["id"], ["e.example.test"])

    def test_person(self):
        reeve = self.lab.reeve
        reeve.must("POST", "/v1/connections", {"name": "me", "provider": "manual", "zone": "a.com", "credentials": {}})
        _, order = reeve.issue(["www.a.com"], connection="me")
        order = reeve.wait_order(order["id"], lambda o: o["problem"] == "manual-step", 30)
        record = re.search(r"_acme-challenge\.www\.a\.com\. 60 IN TXT \"([A-Za-z0-9_-]{43})\"", str(order))
        self.assertIsNotNone(record, order)
        self.lab.knot.set("a.com", record[0], '_acme-challenge.www.a.com. 60 IN TXT "somebody-elses"')
        order = reeve.wait_order(order["id"], timeout=60)
        self.assertEqual(order["status"], "issued", order)
        order = reeve.wait_order(order["id"], lambda o: any(r["state"] == "debt" for r in o["txt_records"]), 30)
        self.lab.knot.set("a.com", '_acme-challenge.www.a.com. 60 IN TXT "somebody-elses"')
        reeve.wait_order(order["id"], lambda o: all(r["state"] == "gone" for r in o["txt_records"]), 60)


if __name__ == "__main__":
    tap.main()
