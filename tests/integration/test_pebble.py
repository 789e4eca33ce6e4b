#!/usr/bin/env python3
"""Pebble as the distribution has it, in its tempers: slow, forgetful of nonces, with external accounts, strict and not."""

import base64
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tools"))

import tap  # noqa: E402
from promises import ALIAS, Core  # noqa: E402

EAB_KEY = base64.urlsafe_b64encode(bytes(range(32))).decode().rstrip("=")


class Debian(Core, tap.Case):
    options = {"ca": "pebble"}


class DebianSlow(Core, tap.Case):
    """It thinks before it validates, uses half of its authorizations again, and wants an external account."""

    options = {"ca": "pebble", "pebble": {"sleeps": True, "authz_reuse": 50, "eab": {"kid-1": EAB_KEY}, "nonce_reject": 10}}

    @classmethod
    def authority(cls):
        return {"eab_kid": "kid-1", "eab_hmac_key": EAB_KEY}


class DebianLenient(tap.Case):
    """Without -strict, with two more roots: the default chain is the one that is stored."""

    options = {"ca": "pebble", "pebble": {"strict": False, "alternate_roots": 2}}

    def test_the_default_chain(self):
        self.lab.knot.cname("example.com", "_acme-challenge.validation.example.org")
        self.lab.reeve.add_authority(self.lab.ca)
        certificate, order = self.lab.reeve.issue(["example.com"], **ALIAS)
        self.assertEqual(self.lab.reeve.wait_order(order["id"])["status"], "issued")
        self.assert_certificate(certificate["id"], ["example.com"])


class ExternalAccount(tap.Case):
    options = {"ca": "pebble", "pebble": {"eab": {"kid-1": EAB_KEY}}}

    def refused(self, name, **members):
        self.lab.knot.cname(f"{name}.example.com", "_acme-challenge.validation.example.org")
        self.lab.reeve.add_authority(self.lab.ca, name=name, **members)
        _, order = self.lab.reeve.issue([f"{name}.example.com"], authority=name, **ALIAS)
        return self.lab.reeve.wait_order(order["id"])

    def test_a_wrong_key_ends_the_order_with_what_to_change(self):
        order = self.refused("wrong", eab_kid="kid-1", eab_hmac_key=EAB_KEY[::-1])
        self.assertEqual(order["status"], "failed", order)
        self.assertIn("eab_hmac_key", order["hint"])
        self.assertEqual(order["txt_records"], [])

    def test_a_key_id_that_the_ca_does_not_know(self):
        order = self.refused("unknown", eab_kid="kid-2", eab_hmac_key=EAB_KEY)
        self.assertEqual(order["status"], "failed", order)
        self.assertTrue(order["hint"], order)
        self.assertEqual(order["txt_records"], [])


if __name__ == "__main__":
    tap.main()
