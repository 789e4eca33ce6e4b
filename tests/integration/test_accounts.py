#!/usr/bin/env python3
"""Accounts and what is asked of a CA beside certificates: look-up, contact, key rollover, the end of an account, revocation
by account and by key, other chains, profiles, `authority test`, and the authorities that are known by name."""

import base64
import json
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tools"))

import lab as lab_module  # noqa: E402
import scripted_ca  # noqa: E402
import tap  # noqa: E402

ALIAS = {"domain_alias": "validation.example.org"}
# Bytes whose base64 has both characters that the alphabets disagree on, and padding.
EAB_KEY = bytes(range(240, 256)) + b"\xfb\xef\xbe\xff" + b"0123456789abcd"
NAMES = [f"n{i}" for i in range(12)]


def delegate(lab):
    lab.knot.set("example.com", *(f"_acme-challenge.{n}.example.com. 300 IN CNAME _acme-challenge.validation.example.org." for n in NAMES))


class Case(tap.Case):
    def ended(self, reply, state="done"):
        """The operation that `reply` started, once it has ended so."""
        self.assertEqual(reply.status, 202, reply.body)
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            operation = self.lab.reeve.must("GET", f"/v1/operations/{reply.body['id']}?wait=5")
            if operation["ended_at"]:
                self.assertEqual(operation["state"], state, operation)
                return operation
        self.fail(f"did not end: {operation}")

    def ask(self, method, path, body=None, state="done"):
        return self.ended(self.lab.reeve.api(method, path, body), state)

    def issued(self, name, **members):
        certificate, order = self.lab.reeve.issue([f"{name}.example.com"], **{**ALIAS, **members})
        order = self.lab.reeve.wait_order(order["id"])
        self.assertEqual(order["status"], "issued", order)
        return certificate["id"]

    def account(self, name="pebble"):
        return self.lab.reeve.must("GET", f"/v1/authorities/{name}")["account"]

    def at_pebble(self, certificate):
        """What Pebble itself says of the certificate that is served."""
        serial = self.lab.reeve.must("GET", f"/v1/certificates/{certificate}")["serial"]
        return json.loads(self.lab.pebble._get(self.lab.pebble.management, f"/cert-status-by-serial/{serial}"))


class Accounts(Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        delegate(cls.lab)
        cls.lab.reeve.add_authority(cls.lab.pebble)

    def test_1_before_the_first_order(self):
        reply = self.lab.reeve.api("POST", "/v1/authorities/pebble/account/find")
        self.assert_problem(reply, 404, "not-found", "first order")
        report = self.ask("POST", "/v1/authorities/pebble/test")["report"]
        self.assertFalse(report["account"]["works"])
        self.assertEqual(report["key_change"], "yes")

    def test_2_found_updated_and_tested(self):
        self.issued("n0")
        report = self.ask("POST", "/v1/authorities/pebble/account/find")["report"]
        self.assertEqual(report["status"], "valid")
        self.assertEqual(report["url"], self.account()["url"])
        report = self.ask("PATCH", "/v1/authorities/pebble/account", {"email": "new@example.test"})["report"]
        self.assertEqual(report["email"], "new@example.test")
        self.assertEqual(self.lab.reeve.must("GET", "/v1/authorities/pebble")["email"], "new@example.test")
        # The row still stands under its MAC: an order reads it again.
        self.issued("n1")
        for body in ({}, {"email": "not an address"}, {"email": "a@b?cc=d"}, {"emial": "a@b.test"}):
            self.assertEqual(self.lab.reeve.api("PATCH", "/v1/authorities/pebble/account", body).status, 400, body)
        shown = self.lab.reeve.cli("authority", "test", "pebble")
        self.assertEqual(shown.returncode, 0, shown.stderr)
        for words in ("valid", "key change", "revocation", "profiles", "CAA names", "clock offset", "TLS server"):
            self.assertIn(words, shown.stdout)

    def test_3_rollover(self):
        before = self.ask("POST", "/v1/authorities/pebble/account/find")["report"]
        for key_type in ("p256", "rsa2048", "p384"):
            report = self.ask("POST", "/v1/authorities/pebble/account/rollover", {"key_type": key_type})["report"]
            self.assertEqual(report["url"], before["url"])
            self.assertEqual(report["old_thumbprint"], before["thumbprint"])
            self.assertNotEqual(report["thumbprint"], before["thumbprint"])
            before = self.ask("POST", "/v1/authorities/pebble/account/find")["report"]
            self.assertEqual(before["status"], "valid")
            self.assertEqual(before["thumbprint"], report["thumbprint"])
        self.issued("n2")
        self.assertEqual(self.lab.reeve.api("POST", "/v1/authorities/pebble/account/rollover", {"key_type": "dsa"}).status, 400)

    def test_4_revoked_by_the_account(self):
        certificate = self.issued("n3")
        report = self.ask("POST", f"/v1/certificates/{certificate}/revoke", {"reason": "superseded"})["report"]
        self.assertEqual((report["reason"], report["method"]), ("superseded", "account"))
        status = self.at_pebble(certificate)
        self.assertEqual((status["Status"], status["Reason"]), ("Revoked", 4))
        shown = self.lab.reeve.must("GET", f"/v1/certificates/{certificate}")
        self.assertEqual((shown["status"], shown["revoked_reason"]), ("revoked", "superseded"))
        self.assertEqual(shown["renewal"]["reason"], "revoked")
        self.assert_problem(self.lab.reeve.api("POST", f"/v1/certificates/{certificate}/revoke", {}), 409, "conflict", "revoked already")
        # By hand there is another one, which renews by itself again.
        reply = self.lab.reeve.must("POST", f"/v1/certificates/{certificate}/renew", {})
        self.assertEqual(self.lab.reeve.wait_order(reply["order"]["id"])["status"], "issued")
        shown = self.lab.reeve.must("GET", f"/v1/certificates/{certificate}")
        self.assertEqual((shown["status"], shown["version"], shown["revoked_at"]), ("issued", 2, None))
        self.assertNotEqual(shown["renewal"]["reason"], "revoked")

    def test_5_revoked_by_its_key(self):
        certificate = self.issued("n4", key_type="rsa2048")
        report = self.ask("POST", f"/v1/certificates/{certificate}/revoke", {"reason": "keyCompromise"})["report"]
        self.assertEqual((report["reason"], report["method"]), ("keyCompromise", "key"))
        self.assertEqual(self.at_pebble(certificate)["Reason"], 1)

    def test_6_revoked_once_the_replacement_is_there(self):
        certificate = self.issued("n5")
        operation = self.ask("POST", f"/v1/certificates/{certificate}/revoke", {"reason": "0", "reissue": True})
        shown = self.lab.reeve.must("GET", f"/v1/certificates/{certificate}")
        self.assertEqual((shown["status"], shown["version"]), ("issued", 2))
        self.assertEqual(operation["report"]["version"], 1)
        self.assertEqual(self.at_pebble(certificate)["Status"], "Valid")

    def test_7_bad_revocations(self):
        certificate = self.issued("n6")
        for body in ({"reason": "because"}, {"reason": "7"}, {"method": "telepathy"}, {"version": -1}):
            self.assertEqual(self.lab.reeve.api("POST", f"/v1/certificates/{certificate}/revoke", body).status, 400, body)
        for body in ({"version": 9}, {"authority": "nobody"}):
            self.assertEqual(self.lab.reeve.api("POST", f"/v1/certificates/{certificate}/revoke", body).status, 404, body)
        self.assertEqual(self.lab.reeve.must("GET", f"/v1/certificates/{certificate}")["status"], "issued")

    def test_8_another_account_may_not(self):
        certificate = self.issued("n7")
        self.lab.reeve.add_authority(self.lab.pebble, "second")
        self.issued("n8", authority="second")
        failed = self.ask("POST", f"/v1/certificates/{certificate}/revoke", {"authority": "second"}, state="failed")
        self.assertEqual(failed["problem"], "unauthorized")
        self.assertTrue(failed["hint"])
        self.assertEqual(self.lab.reeve.must("GET", f"/v1/certificates/{certificate}")["status"], "issued")

    def test_9_the_end(self):
        refused = self.lab.reeve.cli("authority", "account", "deactivate", "pebble")
        self.assertEqual(refused.returncode, 2)
        done = self.lab.reeve.cli("authority", "account", "deactivate", "pebble", "--yes")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.account()["status"], "deactivated")
        _, order = self.lab.reeve.issue(["n9.example.com"], **ALIAS)
        order = self.lab.reeve.wait_order(order["id"])
        self.assertEqual((order["status"], order["problem"]), ("failed", "ca-refused"), order)
        self.assertIn("deactivated", order["detail"])


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
            pem = self.lab.pebble._get(self.lab.pebble.management, f"/roots/{i}")
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


class Scripted(Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        delegate(cls.lab)
        cls.ca = scripted_ca.ScriptedCA(cls.lab.directory / "scripted", *cls.lab.where["spare"], cls.lab.pebble)
        cls.lab._add(cls.ca)
        cls.ca.profiles = {"classic": "90 days", "short": "6 days"}
        cls.lab.reeve.add_authority(cls.ca, "scripted")

    def setUp(self):
        self.ca.rules, self.ca.profile_echo = [], lambda wanted: wanted

    def test_profile_taken(self):
        self.issued("n0", profile="short")
        sent = self.ca.requests(method="POST", prefix="/order-plz")[-1].payload
        self.assertEqual(sent["profile"], "short")
        report = self.ask("POST", "/v1/authorities/scripted/test")["report"]
        self.assertEqual([p["name"] for p in report["profiles"]], ["classic", "short"])

    def test_profile_not_confirmed(self):
        for name, echo in (("n1", lambda wanted: None), ("n2", lambda wanted: "classic")):
            self.ca.profile_echo = echo
            _, order = self.lab.reeve.issue([f"{name}.example.com"], profile="short", **ALIAS)
            order = self.lab.reeve.wait_order(order["id"])
            self.assertEqual((order["status"], order["problem"]), ("failed", "ca-nonsense"), order)

    def test_profile_nobody_offers(self):
        since = time.time()
        _, order = self.lab.reeve.issue(["n3.example.com"], profile="medium", **ALIAS)
        order = self.lab.reeve.wait_order(order["id"])
        self.assertEqual((order["status"], order["problem"]), ("failed", "configuration"), order)
        self.assertIn("classic, short", order["hint"])
        self.assertEqual(self.ca.requests(since, "POST", "/order-plz"), [])

    def test_life_asked_for(self):
        self.issued("n4", valid_days=7)
        self.assertIn("notAfter", self.ca.requests(method="POST", prefix="/order-plz")[-1].payload)

    def test_reason_refused_once(self):
        certificate = self.issued("n5")
        self.ca.rules = [scripted_ca.only("/revoke-cert", lambda payload: (400, "badRevocationReason", "no", {}) if "reason" in payload else None)]
        since = time.time()
        report = self.ask("POST", f"/v1/certificates/{certificate}/revoke", {"reason": "superseded"})["report"]
        self.assertEqual((report["reason"], report["reason_refused"]), ("unspecified", "superseded"))
        self.assertEqual(len(self.ca.requests(since, "POST", "/revoke-cert")), 2)

    def test_revoked_already(self):
        certificate = self.issued("n6")
        self.ca.rules = [scripted_ca.only("/revoke-cert", lambda payload: (400, "alreadyRevoked", "it is", {}))]
        report = self.ask("POST", f"/v1/certificates/{certificate}/revoke", {})["report"]
        self.assertTrue(report["already"])
        self.assertEqual(self.lab.reeve.must("GET", f"/v1/certificates/{certificate}")["status"], "revoked")

    def test_tried_again(self):
        self.issued("n11")
        self.ca.rules = [scripted_ca.only("/sign-me-up", lambda _: (429, "rateLimited", "later", {"Retry-After": "2"}))]
        reply = self.lab.reeve.api("POST", "/v1/authorities/scripted/account/find")
        waits = lab_module.wait_until("the first try", lambda: [
            o for o in [self.lab.reeve.must("GET", f"/v1/operations/{reply.body['id']}")] if o["next_try_at"]], 20)[0]
        self.assertEqual((waits["state"], waits["problem"]), ("queued", "rateLimited"), waits)
        # One at a time for one account.
        self.assert_problem(self.lab.reeve.api("POST", "/v1/authorities/scripted/account/rollover", {}), 409, "conflict")
        self.ca.rules = []
        self.assertEqual(self.ended(reply)["report"]["status"], "valid")

    def test_the_new_key_is_taken(self):
        self.issued("n7")
        before = self.ask("POST", "/v1/authorities/scripted/account/find")["report"]
        # The reply is lost behind the change itself: the CA knows the new key, and says 409 to a second change.
        self.ca.lose_once = "/rollover-account-key"
        report = self.ask("POST", "/v1/authorities/scripted/account/rollover", {})["report"]
        self.assertIsNone(self.ca.lose_once)
        self.assertEqual(report["url"], before["url"])
        after = self.ask("POST", "/v1/authorities/scripted/account/find")["report"]
        self.assertEqual((after["status"], after["thumbprint"]), ("valid", report["thumbprint"]))
        self.ca.rules = [scripted_ca.only("/rollover-account-key", lambda payload: (409, "conflict", "in use", {"Location": "https://ca/other"}))]
        failed = self.ask("POST", "/v1/authorities/scripted/account/rollover", {}, state="failed")
        self.assertEqual(failed["problem"], "conflict")
        self.issued("n8")

    def test_new_terms(self):
        terms = "https://ca.example/terms/2"
        self.ca.rules = [scripted_ca.only("/order-plz", lambda payload: (403, "userActionRequired", "new terms",
                                                                        {"Link": f'<{terms}>;rel="terms-of-service"'}))]
        _, order = self.lab.reeve.issue(["n9.example.com"], **ALIAS)
        order = self.lab.reeve.wait_order(order["id"])
        self.assertEqual(order["problem"], "userActionRequired", order)
        self.assertIn(terms, order["hint"])
        self.assertIn("--agree-terms", order["hint"])

    def test_a_cancelled_order_gives_up_its_authorizations(self):
        self.ca.rules = [scripted_ca.only("^POST /chalZ", lambda payload: (503, "serverInternal", "later", {"Retry-After": "3600"}))]
        _, order = self.lab.reeve.issue(["n10.example.com"], **ALIAS)
        self.lab.reeve.wait_order(order["id"], lambda o: o["problem"] == "serverInternal")
        self.lab.reeve.must("POST", f"/v1/orders/{order['id']}/cancel", {})
        found = lab_module.wait_until("the operation", lambda: [
            o for o in self.lab.reeve.must("GET", "/v1/operations")["operations"] if o["kind"] == "authorizations-deactivate" and o["ended_at"]], 30)
        self.assertEqual(found[0]["report"], {"given_up": 1, "of": 1}, found)
        self.assertTrue([r for r in self.ca.requests(method="POST", prefix="/authZ") if r.payload == {"status": "deactivated"}])


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
