#!/usr/bin/env python3
"""A delegation that is absent, points elsewhere or cannot be looked up: said at once, and the CA hears nothing."""

import pathlib
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tools"))

import lab  # noqa: E402
import tap  # noqa: E402


class Preflight(tap.Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.lab.reeve.add_authority(cls.lab.pebble)
        # An account exists from here on, so that every request the CA gets is one too many.
        cls.lab.knot.cname("example.com", "_acme-challenge.validation.example.org")
        _, order = cls.lab.reeve.issue(["example.com"], domain_alias="validation.example.org")
        cls.lab.reeve.wait_order(order["id"])
        cls.token = cls.lab.reeve.must("POST", "/v1/tokens", {"name": "facade"})["token"]

    def facade(self, domain):
        started = time.monotonic()
        reply = self.lab.reeve.http("POST", "/api/certificates/create",
                                    {"domain": domain, "dns_provider": "builtin", "domain_alias": "validation.example.org"}, self.token)
        return reply, time.monotonic() - started

    def assert_facade_refusal(self, domain, *words):
        mark = self.lab.pebble.mark()
        reply, seconds = self.facade(domain)
        self.assertEqual(reply.status, 422, reply.body)
        self.assertLessEqual({"error", "hint"}, reply.body.keys())
        for word in words:
            self.assertIn(word, reply.body["error"] + " " + reply.body["hint"])
        # No call hangs: the look-up's own limit (3 s, asked at most a few times) bounds it.
        self.assertLess(seconds, 15)
        self.assertEqual(self.lab.pebble.posts(mark), 0, self.lab.pebble.requests(mark))

    def test_facade_absent(self):
        self.assert_facade_refusal("absent.example.test", "_acme-challenge.absent.example.test", "CNAME",
                                   "_acme-challenge.validation.example.org")

    def test_facade_different(self):
        self.lab.knot.cname("different.example.com", "somewhere.else.example.com")
        self.assert_facade_refusal("different.example.com", "somewhere.else.example.com", "_acme-challenge.validation.example.org")

    def test_facade_unknown(self):
        self.assert_facade_refusal("dark.test", "dark.test")

    def test_v1_parks_and_goes_on_by_itself(self):
        reeve, knot = self.lab.reeve, self.lab.knot
        delegation = reeve.add_delegation("parked.a.com")
        mark = self.lab.pebble.mark()
        reply = reeve.api("POST", "/v1/certificates", {"names": ["parked.a.com"]})
        self.assertEqual(reply.status, 202, reply.body)
        order = reply.body["order"]
        # The answer itself names the record that is missing.
        self.assertEqual(order["problem"], "delegation-missing", order)
        self.assertIn(delegation["target"].rstrip("."), f"{order['detail']} {order['hint']}")
        parked = reeve.wait_order(order["id"], lambda o: o["step"] == "preflight" and o["next_try_at"])
        self.assertEqual(parked["status"], "running")
        self.assertEqual(self.lab.pebble.posts(mark), 0, self.lab.pebble.requests(mark))
        knot.set("a.com", delegation["record"])
        done = reeve.wait_order(order["id"], timeout=40)
        self.assertEqual(done["status"], "issued", done)
        self.assertIsNone(done["problem"] or None)
        self.assert_certificate(reply.body["certificate"]["id"], ["parked.a.com"])

    def test_v1_unknown_parks_until_the_name_server_answers(self):
        reeve = self.lab.reeve
        delegation = reeve.add_delegation("dark.test")
        mark = self.lab.pebble.mark()
        _, order = reeve.issue(["dark.test"])
        parked = reeve.wait_order(order["id"], lambda o: o["problem"], 20)
        self.assertEqual((parked["status"], parked["step"], parked["problem"]), ("running", "preflight", "delegation-unknown"), parked)
        self.assertEqual(self.lab.pebble.posts(mark), 0)
        knot = self.lab._add(lab.Knot(self.lab.directory / "dark", *self.lab.where["dark"], [lab.DARK_ZONE], root=False))
        knot.set(lab.DARK_ZONE, delegation["record"])
        try:
            done = reeve.wait_order(order["id"], timeout=60)
            self.assertEqual(done["status"], "issued", done)
        finally:
            knot.stop()

    def test_wait_shows_the_missing_record_and_ends_with_the_certificate(self):
        reeve, knot = self.lab.reeve, self.lab.knot
        delegation = reeve.add_delegation("wait.b.com")
        publish = threading.Timer(2.0, lambda: knot.set("b.com", delegation["record"]))
        publish.start()
        try:
            done = reeve.cli("certificate", "issue", "wait.b.com", "--wait")
        finally:
            publish.join()
        shown = done.stdout + done.stderr
        self.assertEqual(done.returncode, 0, shown)
        self.assertIn("preflight", shown)
        self.assertIn(delegation["target"].rstrip("."), shown)

    def test_no_route_says_what_to_do(self):
        reply, _ = self.facade_plain("nowhere.example.test")
        self.assertEqual(reply.status, 422, reply.body)
        self.assertTrue(reply.body["hint"])

    def facade_plain(self, domain):
        return self.lab.reeve.http("POST", "/api/certificates/create", {"domain": domain, "dns_provider": "builtin"}, self.token), 0

    def test_doctor_names_the_record(self):
        self.lab.reeve.add_delegation("doctor.example.test")
        report = self.lab.reeve.must("GET", "/v1/doctor?name=doctor.example.test")
        self.assertFalse(report["ok"])
        self.assertIn("_acme-challenge.doctor.example.test", str(report))
        done = self.lab.reeve.cli("doctor", "doctor.example.test")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("_acme-challenge.doctor.example.test", done.stdout + done.stderr)


if __name__ == "__main__":
    tap.main()
