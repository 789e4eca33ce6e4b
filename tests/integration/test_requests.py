#!/usr/bin/env python3
"""What a certificate costs the CA: 7 requests for one name when everything is warm; and a CA that refuses every other nonce."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tools"))

import tap  # noqa: E402

ALIAS = {"domain_alias": "validation.example.org"}


def prepare(lab):
    lab.knot.set("example.com", *(f"_acme-challenge{n}.example.com. 300 IN CNAME _acme-challenge.validation.example.org."
                                  for n in ("", ".warm", ".one", ".many")))
    lab.reeve.add_authority(lab.pebble)


class Requests(tap.Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        prepare(cls.lab)
        # The first order makes the account and learns how long this CA takes; what follows is warm.
        _, order = cls.lab.reeve.issue(["warm.example.com"], **ALIAS)
        cls.lab.reeve.wait_order(order["id"])

    def cost(self, names):
        # What the order before this one asked may not have reached the log yet.
        self.lab.pebble.settle()
        mark = self.lab.pebble.mark()
        _, order = self.lab.reeve.issue(names, **ALIAS)
        order = self.lab.reeve.wait_order(order["id"])
        self.assertEqual(order["status"], "issued", order)
        self.lab.pebble.settle()
        counts = self.lab.pebble.requests(mark)
        # Both sides count the same.
        self.assertEqual(order["requests"], self.lab.pebble.posts(mark), counts)
        return order["requests"], counts

    def least(self, names, expected):
        """On a busy machine the first poll may come before the CA is done, which costs one more and teaches the pace."""
        for _ in range(6):
            cost, counts = self.cost(names)
            self.assertGreaterEqual(cost, expected, counts)
            self.assertEqual(cost - expected, counts["my-order"] - 2, counts)
            self.assertLessEqual(counts["nonce-plz"], 8)
            if cost == expected:
                return
        self.fail(f"never {expected} requests, but {cost}: {counts}")

    def test_one_name_costs_seven(self):
        self.least(["one.example.com"], 7)

    def test_apex_and_wildcard_cost_nine(self):
        self.least(["example.com", "*.example.com"], 9)


class RefusedNonces(tap.Case):
    options = {"pebble": {"nonce_reject": 50}}

    def test_everything_still_issues(self):
        prepare(self.lab)
        started = [self.lab.reeve.issue(names, **ALIAS) for names in (["one.example.com"], ["example.com", "*.example.com"], ["many.example.com"])]
        for certificate, order in started:
            order = self.lab.reeve.wait_order(order["id"], timeout=90)
            self.assertEqual(order["status"], "issued", order)
            self.assert_certificate(certificate["id"], order["names"])
            self.lab.reeve.wait_gone(order["id"])
        self.assertEqual(len(self.lab.pebble.issued()), 3)


class ReusedAuthorizations(tap.Case):
    options = {"pebble": {"authz_reuse": 100}}

    def test_a_reused_authorization_writes_nothing(self):
        prepare(self.lab)
        reeve = self.lab.reeve
        certificate, order = reeve.issue(["one.example.com"], **ALIAS)
        self.assertEqual(reeve.wait_order(order["id"])["status"], "issued")
        again = reeve.must("POST", f"/v1/certificates/{certificate['id']}/renew", {})
        order = reeve.wait_order(again["order"]["id"])
        self.assertEqual(order["status"], "issued", order)
        self.assertEqual(order["txt_records"], [])
        self.assert_certificate(certificate["id"], ["one.example.com"])


if __name__ == "__main__":
    tap.main()
