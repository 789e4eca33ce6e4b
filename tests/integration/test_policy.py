#!/usr/bin/env python3
"""What happens before a CA is asked again: its limits, its own "not now", paused names, rehearsals at a staging directory, the drill.

The production CA is Pebble behind a script; the staging directory is a second Pebble.
"""

import datetime
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tools"))

import lab  # noqa: E402
import scripted_ca  # noqa: E402
import tap  # noqa: E402

UNPAUSE = "https://unpause.example/sfe/v1/unpause?jwt=abc.def"


def unix(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


class Policy(tap.Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.records = [f"_acme-challenge.n{i}.example.com. 300 IN CNAME _acme-challenge.n{i}.validation.example.org." for i in range(40)]
        cls.lab.knot.set("example.com", *cls.records)
        cls.staging = cls.lab._add(lab.Pebble(cls.lab.directory / "staging", *cls.lab.where["staging"],
                                              "%s:%d" % cls.lab.where["unbound"]))
        cls.ca = cls.lab._add(scripted_ca.ScriptedCA(cls.lab.directory / "scripted", *cls.lab.where["spare"], cls.lab.pebble))
        cls.lab.reeve.add_authority(cls.ca, name="production")
        cls.lab.reeve.add_authority(cls.staging, name="staging")
        cls.count = 0

    def setUp(self):
        self.ca.rules = []
        self.lab.knot.set("example.com", *self.records)
        self.limits(staging="", rehearse_after=3, limits="")

    # -- short words

    def limits(self, **members):
        return self.lab.reeve.must("PATCH", "/v1/authorities/production/limits", members)

    def name(self):
        number = type(self).count
        type(self).count += 1
        return f"n{number}"

    def issue(self, name=None):
        name = name or self.name()
        return self.lab.reeve.issue([f"{name}.example.com"], domain_alias=f"{name}.validation.example.org")

    def parked(self, order, problem, patient=False):
        return self.lab.reeve.wait_order(order["id"], lambda o: o["status"] == "running" and o["problem"] == problem, patient=patient)

    def issued(self, order):
        order = self.lab.reeve.wait_order(order["id"], patient=True)
        self.assertEqual(order["status"], "issued", order)
        return order

    def new_orders(self, since=0.0):
        return len(self.ca.requests(since, "POST", "/order-plz"))

    def waits(self, order):
        """(until, text) of the waits in the timeline, as people read them."""
        return [(t["until"], t["text"]) for t in self.lab.reeve.order(order["id"])["timeline"] if t["until"]]

    # -- limits

    def test_a_bucket_parks_and_goes_on(self):
        shown = self.limits(limits="new-orders=2/1h")
        self.assertEqual([x["name"] for x in shown["limits"]], ["new-orders"])
        orders = [self.issue()[1] for _ in range(2)]
        for order in orders:
            self.issued(order)
        mark = time.time()
        waiting = self.parked(self.issue()[1], "limit-reached")
        self.assertEqual(waiting["step"], "admit")
        self.assertIn("limit new-orders of production (2 in 1 h): continues at ", waiting["detail"])
        # One order in 30 minutes: the first is there half an hour after the one before.
        self.assertAlmostEqual(unix(waiting["next_try_at"]) - time.time(), 1800, delta=1900)
        self.assertEqual(self.new_orders(mark), 0)
        left = self.lab.reeve.must("GET", "/v1/authorities/production/limits")["buckets"]
        self.assertEqual([(b["name"], b["left"]) for b in left if b["name"] == "new-orders"], [("new-orders", 0)])
        # A restart forgets nothing, the timeline included.
        self.assertTrue(self.lab.reeve.stop())
        self.lab.reeve.serve()
        again = self.parked(waiting, "limit-reached")
        self.assertEqual(again["next_try_at"], waiting["next_try_at"])
        self.assertIn((waiting["next_try_at"], "limit new-orders of production (2 in 1 h)"), self.waits(waiting))
        shown = self.lab.reeve.cli("order", "show", waiting["id"]).stdout
        self.assertIn(f"waiting until {waiting['next_try_at'][11:19]}: limit new-orders of production", shown)
        # What was set wrong is set right: it goes on at once.
        self.limits(limits="")
        self.issued(waiting)

    def test_the_same_names_again(self):
        self.limits(limits="exact-set=2/7d")
        name = self.name()
        certificate, order = self.issue(name)
        self.issued(order)
        self.issued(self.lab.reeve.must("POST", f"/v1/certificates/{certificate['id']}/renew", {})["order"])
        third = self.lab.reeve.must("POST", f"/v1/certificates/{certificate['id']}/renew", {})["order"]
        self.assertIn(f"limit exact-set of production for {name}.example.com (2 in 7 d)", self.parked(third, "limit-reached")["detail"])
        self.lab.reeve.must("POST", f"/v1/orders/{third['id']}/cancel", {})

    def test_an_order_that_fails_gives_back(self):
        self.limits(limits="certificates-per-domain=1/7d")
        self.ca.rules = [scripted_ca.only("^POST /order-plz", lambda _: (400, "rejectedIdentifier", "not this one", {}))]
        failed = self.lab.reeve.wait_order(self.issue()[1]["id"])
        self.assertEqual((failed["status"], failed["problem"]), ("failed", "rejectedIdentifier"))
        self.ca.rules = []
        self.issued(self.issue()[1])
        waiting = self.parked(self.issue()[1], "limit-reached")
        self.assertIn("certificates-per-domain of production for example.com (1 in 7 d)", waiting["detail"])
        self.lab.reeve.must("POST", f"/v1/orders/{waiting['id']}/cancel", {})

    def test_the_ca_says_not_now(self):
        wait_s = 6
        self.ca.rules = [scripted_ca.only("^POST /order-plz", lambda _: (
            429, "rateLimited", "too many new orders (300) from this account in the last 3h0m0s", {"Retry-After": str(wait_s)}))]
        mark = time.time()
        first = self.parked(self.issue()[1], "rateLimited")
        self.assertIn("by its own word", first["detail"])
        self.assertGreaterEqual(unix(first["next_try_at"]), mark + wait_s)
        self.ca.rules = []
        # All of the bucket waits, not only the order that was refused.
        others = [self.parked(self.issue()[1], "rateLimited") for _ in range(2)]
        held = self.lab.reeve.must("GET", "/v1/authorities/production/limits")["buckets"]
        self.assertEqual([b["name"] for b in held if b["held_until"]], ["new-orders"])
        self.assertEqual(self.new_orders(mark), 1)
        for order in [first, *others]:
            self.issued(order)
        self.assertTrue(all(r.at >= mark + wait_s for r in self.ca.requests(mark + 1, "POST", "/order-plz")[1:]))
        self.assertTrue(any("too many new orders" in text for _, text in self.waits(first)), self.waits(first))

    def test_a_503_with_a_time_parks_everything(self):
        self.ca.rules = [scripted_ca.only("^POST /order-plz", lambda _: (503, "overloaded", "come back", {"Retry-After": "5"}))]
        mark = time.time()
        order = self.parked(self.issue()[1], "serverInternal")
        self.ca.rules = []
        self.issued(order)
        self.assertGreaterEqual(self.ca.requests(mark, "POST", "/order-plz")[1].at, mark + 5)

    def test_a_paused_name_waits_for_a_person(self):
        self.ca.rules = [scripted_ca.only("^POST /order-plz", lambda _: (
            429, "rateLimited", f"Your account is temporarily prevented from requesting certificates for {name}.example.com and possibly "
            f"others. Please visit: {UNPAUSE}", {}))]
        name = self.name()
        mark = time.time()
        certificate, order = self.issue(name)
        waiting = self.parked(order, "name-paused")
        self.assertIn(UNPAUSE, waiting["hint"])
        self.assertIn("reeve certificate resume", waiting["hint"])
        self.assertIsNone(waiting["next_try_at"])
        self.ca.rules = []
        time.sleep(1.5)
        self.assertEqual(self.new_orders(mark), 1)
        drill = self.lab.reeve.cli("drill", certificate["id"])
        self.assertEqual(drill.returncode, 3, drill.stderr)
        self.assertIn("has paused", drill.stdout)
        done = self.lab.reeve.cli("certificate", "resume", certificate["id"])
        self.assertEqual(done.returncode, 0, done.stderr)
        self.issued(waiting)
        self.assertEqual(self.new_orders(mark), 2)

    def test_every_wait_says_until_when(self):
        # For a delegation.
        name = "nowhere.example.com"
        order = self.parked(self.lab.reeve.issue([name], domain_alias="nowhere.validation.example.org")[1], "delegation-missing")
        lab.wait_until("the wait", lambda: any(f"_acme-challenge.{name} has no CNAME" in text for _, text in self.waits(order)))
        self.lab.reeve.must("POST", f"/v1/orders/{order['id']}/cancel", {})
        # For a CA that is ill.
        self.ca.rules = [scripted_ca.only("^POST /finalize", lambda _: (500, "serverInternal", "ill", {"Retry-After": "90"}))]
        order = self.parked(self.issue()[1], "serverInternal", patient=True)
        until, text = self.waits(order)[-1]
        self.assertIn("500 serverInternal: ill", text)
        self.assertIn("the CA asks for 90 s", text)
        self.assertEqual(until, order["next_try_at"])
        self.lab.reeve.must("POST", f"/v1/orders/{order['id']}/cancel", {})

    # -- rehearsals

    def fail(self, certificate):
        order = self.lab.reeve.must("POST", f"/v1/certificates/{certificate['id']}/renew", {})["order"]
        return self.lab.reeve.wait_order(order["id"], patient=True)

    def test_repeated_failures_are_rehearsed_first(self):
        self.limits(staging="staging", rehearse_after=2)
        name = self.name()
        certificate, order = self.issue(name)
        self.issued(order)
        # The delegation is believed for an hour; the CA finds it gone.
        self.lab.knot.set("example.com", *[r for r in self.records if f".{name}." not in r])
        for _ in range(2):
            failed = self.fail(certificate)
            self.assertEqual((failed["status"], failed["problem"]), ("failed", "unauthorized"), failed)
        shown = self.lab.reeve.must("GET", f"/v1/certificates/{certificate['id']}")["failures"]
        self.assertEqual([(f["name"], f["failures"], f["validations"], f["class"]) for f in shown], [(f"{name}.example.com", 2, 2, "later")])
        self.assertIn("it may pass by itself: it is tried again at", shown[0]["detail"])
        mark, staged = time.time(), self.staging.mark()
        failed = self.fail(certificate)
        self.assertEqual((failed["status"], failed["problem"]), ("failed", "rehearsal-failed"), failed)
        self.assertIn("production was not asked", failed["detail"])
        self.assertIn("reeve order show", failed["hint"])
        self.assertEqual(self.new_orders(mark), 0)
        self.assertEqual(self.staging.requests(staged)["order-plz"], 1)
        # Repaired: the rehearsal passes, then production is asked once, and issues.
        self.lab.knot.set("example.com", *self.records)
        order = self.fail(certificate)
        self.assertEqual(order["status"], "issued", order)
        self.assertEqual(self.new_orders(mark), 1)
        texts = [t["text"] for t in order["timeline"]]
        self.assertTrue(any("rehearsed at staging first" in t for t in texts), texts)
        self.assertGreater(self.lab.reeve.must("GET", f"/v1/certificates/{certificate['id']}")["version"], 1)
        # All is forgotten: the next one asks production at once.
        staged = self.staging.mark()
        self.assertEqual(self.fail(certificate)["status"], "issued")
        self.staging.settle()
        self.assertEqual(self.staging.posts(staged), 0)

    def test_dry_run(self):
        name = f"{self.name()}.example.com"
        refused = self.lab.reeve.cli("certificate", "issue", name, "--domain-alias", name.replace("example.com", "validation.example.org"),
                                     "--authority", "production", "--dry-run", "--wait")
        self.assertEqual(refused.returncode, 3, refused.stderr)
        self.assertIn("--staging", refused.stderr)
        self.limits(staging="staging")
        before = self.lab.reeve.must("GET", "/v1/certificates")["certificates"]
        mark, staged = time.time(), self.staging.mark()
        done = self.lab.reeve.cli("certificate", "issue", name, "--domain-alias", name.replace("example.com", "validation.example.org"),
                                  "--authority", "production", "--dry-run", "--wait", "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        order = self.lab.reeve.must("GET", "/v1/orders?limit=1")["orders"][0]
        self.assertEqual((order["status"], order["dry_run"], order["authority"]), ("rehearsed", True, "staging"))
        order = self.lab.reeve.wait_gone(order["id"])
        self.assertEqual(len(order["txt_records"]), 1)
        self.assertEqual(self.ca.requests(mark, "POST"), [])
        self.staging.settle()
        self.assertEqual(len(self.staging.issued(staged)), 1)
        # Nothing of it is there: no certificate, no version, nothing to download.
        self.assertEqual(self.lab.reeve.must("GET", "/v1/certificates")["certificates"], before)
        self.assertEqual(self.lab.reeve.api("GET", f"/v1/certificates/{order['certificate_id']}").status, 404)
        self.assertEqual(self.lab.reeve.api("GET", f"/v1/certificates/{name}").status, 404)
        self.assertEqual(self.lab.reeve.api("POST", f"/v1/certificates/{order['certificate_id']}/renew", {}).status, 404)

    def test_drill(self):
        self.limits(staging="staging")
        name = self.name()
        certificate, order = self.issue(name)
        self.issued(order)
        reeve, mark = self.lab.reeve, time.time()
        good = reeve.cli("drill", certificate["id"])
        self.assertEqual(good.returncode, 0, good.stdout + good.stderr)
        self.assertIn("ready", good.stdout)
        # Every certificate of the project, in pages.
        report = reeve.cli("drill", "--json")
        self.assertIn(report.returncode, (0, 3), report.stderr)
        listed = reeve.must("GET", "/v1/certificates?limit=1000")["certificates"]
        self.assertEqual(report.stdout.count('"findings"'), len(listed))
        staged = self.staging.mark()
        rehearsed = reeve.cli("drill", certificate["id"], "--staging")
        self.assertEqual(rehearsed.returncode, 0, rehearsed.stdout + rehearsed.stderr)
        self.assertIn("staging order", rehearsed.stdout)
        self.staging.settle()
        self.assertEqual(len(self.staging.issued(staged)), 1)
        # Each thing that would fail tonight, with what to change.
        for records, check, words in (
                ([*self.records, 'example.com. 300 IN CAA 0 iodef "mailto:x@example.com"', 'example.com. 300 IN CAA 0 issue ";"'],
                 "caa", "forbids every CA"),
                ([*self.records, f'{name}.example.com. 300 IN CAA 128 future "x"'], "caa", "critical"),
                ([r for r in self.records if f".{name}." not in r], "delegation", "300 IN CNAME")):
            self.lab.knot.set("example.com", *records)
            bad = reeve.cli("drill", certificate["id"])
            self.assertEqual(bad.returncode, 3, bad.stdout + bad.stderr)
            self.assertIn(check, bad.stdout)
            self.assertIn(words, bad.stdout)
        # The CA was asked for its directory and nothing else.
        self.assertEqual([r.path for r in self.ca.requests(mark) if r.path != "/dir" and not r.path.startswith(scripted_ca.ARI)], [])


if __name__ == "__main__":
    tap.main()
