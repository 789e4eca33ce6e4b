#!/usr/bin/env python3
"""Accounts and what is asked of a CA beside certificates: look-up, contact, key rollover, the end of an account, revocation
by account and by key, profiles, and `authority test`. What is known of authorities is in test_authorities.py."""

import json
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tools"))

import lab as lab_module  # noqa: E402
import scripted_ca  # noqa: E402
import tap  # noqa: E402

ALIAS = {"domain_alias": "validation.example.org"}
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
        return json.loads(self.lab.pebble.management_get(f"/cert-status-by-serial/{serial}"))


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


if __name__ == "__main__":
    tap.main()
