#!/usr/bin/env python3
"""The same promises with the newest Pebble and with step-ca; renewal information that Pebble makes, profiles it assigns."""

import base64
import json
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tools"))

import lab  # noqa: E402
import scripted_ca  # noqa: E402
import tap  # noqa: E402
from promises import ALIAS, Core  # noqa: E402


class Newest(Core, tap.Case):
    options = {"ca": "pebble-new"}

    def test_the_window_that_this_pebble_suggests(self):
        certificate, order = self.lab.reeve.issue(["window.example.com"], **ALIAS)
        self.issued(order)
        path = f"/v1/certificates/{certificate['id']}"
        shown = lab.wait_until("the plan", lambda: (c := self.lab.reeve.must("GET", path))["renewal"]["asked_at"] and c)
        self.assertEqual(shown["renewal"]["reason"], "window", shown["renewal"])
        self.assertTrue(shown["not_before"] < shown["renewal"]["window"]["start"] <= shown["renewal"]["due_at"] < shown["not_after"])
        # What is replaced is named, and this CA confirms it.
        again = self.issued(self.lab.reeve.must("POST", path + "/renew", {})["order"])
        self.assertTrue(any("it replaces the version served" in t["text"] for t in again["timeline"]), again["timeline"])


class NewestSlow(Core, tap.Case):
    options = {"ca": "pebble-new", "pebble": {"sleeps": True, "authz_reuse": 50, "nonce_reject": 10}}


class NewestRenewalInfo(tap.Case):
    """set-renewal-info before the first question about a certificate: a proxy in front is where the test can act in between."""

    options = {"ca": "pebble-new"}
    PATH = "GET /draft-ietf-acme-ari-03/renewalInfo/"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.lab.knot.set("example.com", *(f"_acme-challenge.n{i}.example.com. 300 IN CNAME _acme-challenge.validation.example.org."
                                          for i in range(3)))
        cls.proxy = scripted_ca.ScriptedCA(cls.lab.directory / "scripted", *cls.lab.where["spare"], cls.lab.ca)
        cls.lab._add(cls.proxy)
        cls.proxy.offers_ari = False  # Pebble's own goes through
        cls.told = []
        cls.proxy.rules = [cls.tell]
        cls.lab.reeve.add_authority(cls.proxy, name="newest")

    @classmethod
    def tell(cls, line, _):
        """Tells Pebble what to say about the certificate that is asked about, once for each answer prepared."""
        if line.startswith(cls.PATH) and cls.told:
            serial = base64.urlsafe_b64decode(line.rsplit(".", 1)[1] + "==").hex()
            status = json.loads(cls.lab.ca.management_get(f"/cert-status-by-serial/{serial}"))
            cls.lab.ca.set_renewal_info(status["Certificate"], cls.told.pop(0))

    def window(self, start, end):
        return json.dumps({"suggestedWindow": {"start": scripted_ca.rfc3339(start), "end": scripted_ca.rfc3339(end)},
                           "explanationURL": "https://status.example/7"})

    def issue(self, number, told):
        type(self).told = told
        certificate, order = self.lab.reeve.issue([f"n{number}.example.com"], **ALIAS)
        self.assertEqual(self.lab.reeve.wait_order(order["id"])["status"], "issued")
        return f"/v1/certificates/{certificate['id']}"

    def test_a_window_in_the_past_renews_at_once(self):
        path = self.issue(0, [self.window(time.time() - 7200, time.time() - 3600)])
        shown = lab.wait_until("version 2", lambda: (c := self.lab.reeve.must("GET", path))["version"] == 2 and
                               c["renewal"]["reason"] == "window" and c, 30)
        self.assertEqual(shown["renewal"]["failures"], 0)
        orders = self.lab.reeve.must("GET", f"/v1/orders?certificate={shown['id']}")["orders"]
        self.assertEqual(len(orders), 2)
        texts = [t["text"] for t in self.lab.reeve.order(orders[0]["id"])["timeline"]]
        self.assertTrue(any("https://status.example/7" in t for t in texts), texts)
        self.assertTrue(any("it replaces the version served" in t for t in texts), texts)

    def test_what_is_no_window_falls_back_to_the_life(self):
        for number, text in ((1, "<html>"), (2, '{"suggestedWindow":{"start":"now"}}')):
            with self.subTest(text):
                path = self.issue(number, [text])
                renewal = lab.wait_until("the plan", lambda: (r := self.lab.reeve.must("GET", path)["renewal"])["finding"] and r)
                self.assertEqual(renewal["reason"], "lifetime", renewal)
                self.assertIn("could not be asked", renewal["finding"])


class Step(Core, tap.Case):
    options = {"ca": "step-ca"}

    def test_it_has_no_renewal_information(self):
        certificate, order = self.lab.reeve.issue(["window.example.com"], **ALIAS)
        self.issued(order)
        shown = lab.wait_until("the plan", lambda: (c := self.lab.reeve.must("GET", f"/v1/certificates/{certificate['id']}"))
                               ["renewal"]["finding"] and c)
        self.assertEqual(shown["renewal"]["reason"], "lifetime")
        # A day long: half of it, spread by a twentieth.
        self.assertIn("no renewal information", shown["renewal"]["finding"])

    def test_validation_within_the_answer_costs_no_poll(self):
        _, order = self.lab.reeve.issue(["count.example.com"], **ALIAS)
        self.assertLessEqual(self.issued(order)["requests"], 8)


if __name__ == "__main__":
    tap.main()
