#!/usr/bin/env python3
"""What a certificate costs the CA, in requests: 7 for one name when everything is warm, 9, 205, 4; one more for each nonce refused."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tools"))

import scripted_ca  # noqa: E402
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

    def cost(self, names, where):
        # What the order before this one asked may not have reached the log yet.
        self.lab.pebble.settle()
        mark = self.lab.pebble.mark()
        _, order = self.lab.reeve.issue(names, **where)
        order = self.lab.reeve.wait_order(order["id"])
        self.assertEqual(order["status"], "issued", order)
        self.lab.pebble.settle()
        counts = self.lab.pebble.requests(mark)
        # Both sides count the same.
        self.assertEqual(order["requests"], self.lab.pebble.posts(mark), counts)
        return order["requests"], counts

    def least(self, names, expected, new_nonces=8, where=ALIAS):
        """On a busy machine the first poll may come before the CA is done, which costs one more and teaches the pace."""
        for _ in range(6):
            cost, counts = self.cost(names, where)
            if counts["authZ"] < len(names):
                continue  # told to use none again, Pebble still does it once in a hundred times
            least = expected - (len(names) - counts["chalZ"])
            self.assertGreaterEqual(cost, least, counts)
            self.assertEqual(cost - least, counts["my-order"] - 2, counts)
            self.assertLessEqual(counts["nonce-plz"], new_nonces)
            if cost == least:
                return
        self.fail(f"never {expected} requests, but {cost}: {counts}")

    def test_one_name_costs_seven(self):
        self.least(["one.example.com"], 7)

    def test_apex_and_wildcard_cost_nine(self):
        self.least(["example.com", "*.example.com"], 9)

    def test_a_hundred_names_cost_two_hundred_and_five(self):
        # A target for each: a hundred values at one name are more than this Pebble reads, it knows no DNS over TCP.
        names = [f"h{i}.example.test" for i in range(100)]
        self.lab.knot.set("example.test", *(f"_acme-challenge.{n}. 300 IN CNAME {self.lab.reeve.add_delegation(n)['target']}." for n in names))
        self.least(names, 205, new_nonces=32, where={})


class OneRefusal(tap.Case):
    def test_a_refused_nonce_costs_one_request(self):
        prepare(self.lab)
        ca = self.lab._add(scripted_ca.ScriptedCA(self.lab.directory / "scripted", *self.lab.where["spare"], self.lab.pebble))
        ca.offers_ari = False
        self.lab.reeve.add_authority(ca, name="scripted")
        refused = []

        def once(line, _):
            if line.split()[1] in refuse:
                refuse.remove(line.split()[1])
                refused.append(line)
                return 400, "badNonce", "that one was used", {}
            return None
        ca.rules, refuse = [once], []
        _, order = self.lab.reeve.issue(["warm.example.com"], authority="scripted", **ALIAS)
        self.assertEqual(self.lab.reeve.wait_order(order["id"])["status"], "issued")
        refuse.append("/order-plz")
        _, order = self.lab.reeve.issue(["one.example.com"], authority="scripted", **ALIAS)
        order = self.lab.reeve.wait_order(order["id"])
        self.assertEqual((order["status"], len(refused)), ("issued", 1), order)
        posts = [r.path.split("/")[1] for r in ca.requests(0.0, "POST")][-order["requests"]:]
        self.assertEqual(posts[:2], ["order-plz", "order-plz"])
        self.assertEqual(order["requests"] - posts.count("my-order"), 8 - 2, posts)


class AsBoulder(tap.Case):
    def test_an_asynchronous_finalize_costs_one_poll_when_it_is_due(self):
        prepare(self.lab)
        ca = self.lab._add(scripted_ca.ScriptedCA(self.lab.directory / "scripted", *self.lab.where["spare"], self.lab.pebble))
        ca.offers_ari, ca.twist = False, scripted_ca.boulder
        self.lab.reeve.add_authority(ca, name="scripted")
        for name in ("warm.example.com", "one.example.com"):
            certificate, order = self.lab.reeve.issue([name], authority="scripted", **ALIAS)
            self.assertEqual(self.lab.reeve.wait_order(order["id"])["status"], "issued")
            posts = ca.requests(0.0, "POST")
            finalize = max(i for i, r in enumerate(posts) if r.path.startswith("/finalize-order/"))
            self.assertEqual([r.path.split("/")[1] for r in posts[finalize:]], ["finalize-order", "my-order", "certZ"])
            self.assertGreaterEqual(posts[finalize + 1].at - posts[finalize].at, 2.9)
            self.assert_certificate(certificate["id"], [name])


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

    def test_a_reused_authorization_writes_nothing_and_costs_four(self):
        prepare(self.lab)
        reeve = self.lab.reeve
        certificate, order = reeve.issue(["one.example.com"], **ALIAS)
        self.assertEqual(reeve.wait_order(order["id"])["status"], "issued")
        self.lab.pebble.settle()
        mark = self.lab.pebble.mark()
        again = reeve.must("POST", f"/v1/certificates/{certificate['id']}/renew", {})
        order = reeve.wait_order(again["order"]["id"])
        self.lab.pebble.settle()
        self.assertEqual(order["status"], "issued", order)
        self.assertEqual(order["txt_records"], [])
        # A poll too early costs one more.
        polls = self.lab.pebble.requests(mark)["my-order"]
        self.assertEqual(order["requests"], 3 + polls)
        self.assertGreaterEqual(polls, 1)
        self.assert_certificate(certificate["id"], ["one.example.com"])


if __name__ == "__main__":
    tap.main()
