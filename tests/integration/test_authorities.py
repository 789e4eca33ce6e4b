#!/usr/bin/env python3
"""What authorities differ in: those known by name, external account binding, other chains, and the CAA records that let them
issue."""

import base64
import json
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tools"))

import lab as lab_module  # noqa: E402
import scripted_ca  # noqa: E402
import tap  # noqa: E402
from test_accounts import ALIAS, NAMES, Case, delegate  # noqa: E402

# Bytes whose base64 has both characters that the alphabets disagree on, and padding.
EAB_KEY = bytes(range(240, 256)) + b"\xfb\xef\xbe\xff" + b"0123456789abcd"


class Known(Case):
    """Authorities by name: what is wrong is said before any CA is asked."""

    def test_refusals(self):
        for body, words in (({"preset": "buypass"}, "letsencrypt"), ({"preset": "zerossl"}, "eab_kid"), ({"preset": "nobody"}, "presets"),
                            ({"preset": "step-ca"}, "https://HOST/acme/"), ({"name": "x"}, "preset"), ({}, "preset"),
                            ({"preset": "zerossl-staging"}, "presets")):
            reply = self.lab.reeve.api("POST", "/v1/authorities", body)
            self.assertIn(reply.status, (400, 422), body)
            self.assertIn(words, f"{reply.body['detail']} {reply.body['hint']}")

    def test_listed(self):
        presets = {p["name"]: p for p in self.lab.reeve.must("GET", "/v1/authority-presets")["presets"]}
        self.assertEqual(presets["letsencrypt"]["staging_url"], "https://acme-staging-v02.api.letsencrypt.org/directory")
        self.assertTrue(presets["google"]["eab_single_use"])
        self.assertIn("2025-10-15", presets["buypass"]["ended"])
        shown = self.lab.reeve.cli("authority", "presets")
        self.assertIn("letsencrypt", shown.stdout)

    def test_a_preset_with_its_own_url(self):
        lab = self.lab
        lab.reeve.must("POST", "/v1/authorities", {"preset": "step-ca", "directory_url": lab.pebble.url, "ca_pem": lab.pebble.ca_file.read_text(),
                                                   "allow_addresses": [f"{lab.pebble.address}/32"]})
        shown = lab.reeve.must("GET", "/v1/authorities/step-ca")
        self.assertEqual(shown["preset"], "step-ca")
        report = self.ask("POST", "/v1/authorities/step-ca/test")["report"]
        self.assertEqual((report["key_change"], report["wildcards"]), ("no", "yes"))
        lab.reeve.must("DELETE", "/v1/authorities/step-ca")


class Bound(Case):
    """External account binding: the HMAC key in every base64 that CAs hand out."""

    options = {"pebble": {"eab": {f"kid-{i}": base64.urlsafe_b64encode(EAB_KEY).decode().rstrip("=") for i in range(4)}}}

    def test_every_spelling(self):
        delegate(self.lab)
        url, std = base64.urlsafe_b64encode(EAB_KEY).decode(), base64.b64encode(EAB_KEY).decode()
        self.assertIn("-", url)
        self.assertIn("/", std)
        self.assertTrue(url.endswith("="))
        for i, key in enumerate((url, url.rstrip("="), std, std.rstrip("="))):
            self.lab.reeve.add_authority(self.lab.pebble, f"eab{i}", eab_kid=f"kid-{i}", eab_hmac_key=key)
            self.issued(f"n{i}", authority=f"eab{i}")
            self.assertEqual(self.account(f"eab{i}")["status"], "valid")


class Chains(Case):
    options = {"pebble": {"alternate_roots": 2, "chain_length": 2}}

    def roots(self):
        names = []
        for i in range(3):
            pem = self.lab.pebble.management_get(f"/roots/{i}")
            text = lab_module.run(["openssl", "x509", "-noout", "-subject", "-nameopt", "RFC2253"], input=pem).stdout
            names.append(text.strip().split("CN=")[1].split(",")[0])
        return names

    def top(self, certificate):
        last = lab_module.pem_blocks(self.lab.reeve.download(certificate, "fullchain"))[-1]
        text = lab_module.run(["openssl", "x509", "-noout", "-issuer", "-nameopt", "RFC2253"], input=last).stdout
        return text.strip().split("CN=")[1].split(",")[0]

    def test_by_root_name(self):
        delegate(self.lab)
        roots = self.roots()
        self.lab.reeve.add_authority(self.lab.pebble, chain=roots[2])
        self.assertEqual(self.top(self.issued("n0")), roots[2])
        self.assertEqual(self.top(self.issued("n1", chain=roots[1])), roots[1])
        self.assertEqual(self.top(self.issued("n2", chain=roots[0])), roots[0])
        # Nobody offers it: the CA's own, and the timeline says so.
        certificate, order = self.lab.reeve.issue(["n3.example.com"], chain="No Such Root", **ALIAS)
        order = self.lab.reeve.wait_order(order["id"])
        self.assertEqual(order["status"], "issued")
        self.assertIn("none of the 3 chains offered leads to No Such Root", json.dumps(order))
        self.assertEqual(self.top(certificate["id"]), roots[0])
        self.lab.reeve.must("PATCH", "/v1/authorities/pebble", {"chain": "shortest"})
        self.issued("n4")
        self.assertEqual(self.lab.reeve.api("PATCH", "/v1/authorities/pebble", {"chain": "a\nb"}).status, 400)


class Caa(Case):
    """Before the CA hears of an order, CAA is looked up as it would look it up."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.ca = scripted_ca.ScriptedCA(cls.lab.directory / "scripted", *cls.lab.where["spare"], cls.lab.pebble)
        cls.lab._add(cls.ca)
        cls.ca.caa_identities = ["ca.test", "second.ca.test"]
        cls.lab.reeve.add_authority(cls.ca, "scripted")

    def zone(self, *records):
        cname = [f"_acme-challenge.{n}.example.com. 300 IN CNAME _acme-challenge.validation.example.org." for n in NAMES]
        self.lab.knot.set("example.com", *cname, *records)

    def ended_order(self, name):
        _, order = self.lab.reeve.issue([name], **ALIAS)
        return self.lab.reeve.wait_order(order["id"])

    def test_allowed_and_pinned(self):
        self.zone()
        self.assertEqual(self.ended_order("n0.example.com")["status"], "issued")
        shown = self.lab.reeve.cli("caa", "n0.example.com")
        self.assertEqual(shown.returncode, 0, shown.stderr)
        url = self.account("scripted")["url"]
        record = f'n0.example.com. IN CAA 0 issue "ca.test; validationmethods=dns-01; accounturi={url}"'
        self.assertEqual(shown.stdout.strip(), record)
        # The very line it printed, in the zone.
        self.zone(record, 'example.com. IN CAA 0 issue ";"')
        self.assertEqual(self.ended_order("n0.example.com")["status"], "issued")

    def test_forbidden(self):
        since = time.time()
        self.zone('example.com. IN CAA 0 issue "other.test"')
        order = self.ended_order("n1.example.com")
        self.assertEqual((order["status"], order["problem"]), ("failed", "caa-forbids"), order)
        self.assertIn('0 issue "other.test" names another CA', order["detail"])
        self.assertIn("example.com", order["hint"])
        self.assertEqual(self.ca.requests(since, "POST", "/order-plz"), [])
        shown = self.lab.reeve.cli("caa", "n1.example.com", "--authority", "scripted")
        self.assertEqual(shown.returncode, 3)
        self.assertIn("other.test", shown.stderr)

    def test_a_second_authority_needs_it_too(self):
        # The first one says nothing of CAA; its directory is not fetched again.
        self.ca.caa_identities = []
        self.lab.reeve.add_authority(self.ca, "first")
        self.zone()
        _, order = self.lab.reeve.issue(["n0.example.com"], authority="first", **ALIAS)
        self.assertEqual(self.lab.reeve.wait_order(order["id"])["status"], "issued")
        self.ca.caa_identities = ["ca.test", "second.ca.test"]
        self.zone('example.com. IN CAA 0 issue "other.test"')
        self.ca.rules = [scripted_ca.only("POST /order-plz", lambda _: (503, "serverInternal", "maintenance", {"Retry-After": "1"}))]
        certificate, order = self.lab.reeve.issue(["n1.example.com"], authority="first", fallback_authority="scripted",
                                                  fallback_after="0", **ALIAS)
        lab_module.wait_until("the look at the second", lambda: [
            t for t in self.lab.reeve.order(order["id"])["timeline"] if "scripted would have its turn" in t["text"] and "other.test" in t["text"]], 45)
        # The order that runs was not given up for it.
        orders = self.lab.reeve.must("GET", f"/v1/orders?certificate={certificate['id']}")["orders"]
        self.assertEqual([(o["authority"], o["status"]) for o in orders], [("first", "running")])
        self.lab.reeve.must("POST", f"/v1/orders/{order['id']}/cancel", {})
        self.ca.rules = []

    def test_unknown_is_not_absent(self):
        since = time.time()
        self.zone()
        reply = self.lab.reeve.api("GET", f"/v1/caa?name=www.{lab_module.DARK_ZONE}&authority=scripted")
        self.assertEqual((reply.status, reply.body["verdict"]), (200, "unknown"), reply.body)
        self.assertEqual(self.lab.reeve.cli("caa", f"www.{lab_module.DARK_ZONE}").returncode, 5)
        self.assertEqual(self.ca.requests(since, "POST", "/order-plz"), [])
        self.assertEqual(self.lab.reeve.api("GET", "/v1/caa").status, 400)
        self.assertEqual(self.lab.reeve.api("GET", "/v1/caa?name=not..a.name").status, 400)


if __name__ == "__main__":
    tap.main()
