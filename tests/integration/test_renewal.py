#!/usr/bin/env python3
"""Renewal by itself, against a CA with renewal information: when, what is sent, what a refusal and a kill -9 change."""

import datetime
import pathlib
import socket
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tools"))

import lab  # noqa: E402
import scripted_ca  # noqa: E402
import tap  # noqa: E402

FAR = 86400 * 365


def unix(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


class Renewal(tap.Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.lab.knot.set("example.com", *(f"_acme-challenge.n{i}.example.com. 300 IN CNAME _acme-challenge.n{i}.validation.example.org."
                                          for i in range(20)))
        cls.ca = scripted_ca.ScriptedCA(cls.lab.directory / "scripted", *cls.lab.where["spare"], cls.lab.pebble)
        cls.lab._add(cls.ca)
        cls.lab.reeve.add_authority(cls.ca, name="scripted")
        cls.count = 0
        # What a certificate is told depends on its id alone: id -> (start, end); the far future without an entry.
        cls.told = {}
        cls.first = None  # for ids that were never asked about
        cls.ca.windows = cls.window

    @classmethod
    def window(cls, certificate, _):
        if certificate not in cls.told:
            cls.told[certificate] = cls.first or (time.time() + FAR, time.time() + 2 * FAR)
            cls.first = None
        return cls.told[certificate]

    def setUp(self):
        self.ca.rules, self.ca.echo, self.ca.retry_after, self.ca.explanation = [], True, "3600", None
        type(self).first = None

    def get(self, certificate):
        return self.lab.reeve.must("GET", f"/v1/certificates/{certificate['id']}")

    def orders(self, certificate):
        return self.lab.reeve.must("GET", f"/v1/orders?certificate={certificate['id']}")["orders"]

    def issue(self, window=None):
        """An issued certificate; `window` is what the CA will tell about its first version."""
        name = f"n{type(self).count}"
        type(self).count += 1
        # Nobody else may be told what is meant for this one.
        lab.wait_until("answers about all the others", lambda: all(
            c["renewal"]["asked_at"] or c["renewal"]["finding"]
            for c in self.lab.reeve.must("GET", "/v1/certificates")["certificates"] if c["version"] > 0))
        type(self).first = window
        certificate, order = self.lab.reeve.issue([f"{name}.example.com"], domain_alias=f"{name}.validation.example.org")
        order = self.lab.reeve.wait_order(order["id"])
        self.assertEqual(order["status"], "issued", order)
        return certificate

    def wait_asked(self, certificate):
        return lab.wait_until("an answer about the certificate", lambda: (c := self.get(certificate))["renewal"]["ask_at"] and
                              (c["renewal"]["asked_at"] or c["renewal"]["finding"]) and c)

    def wait_version(self, certificate, number, timeout=30):
        return lab.wait_until(f"version {number}", lambda: (c := self.get(certificate))["version"] == number and c, timeout)

    def test_inside_the_window_for_seven_requests(self):
        start = time.time()
        window = (start + 4, start + 6)
        self.ca.explanation = "https://status.example/incident#7"
        certificate = self.issue(window)
        first = self.wait_asked(certificate)
        self.assertEqual(first["version"], 1)
        self.assertEqual(first["renewal"]["reason"], "window")
        due = unix(first["renewal"]["due_at"])
        self.assertTrue(window[0] <= due < window[1], first["renewal"])
        self.assertAlmostEqual(unix(first["renewal"]["ask_at"]) - unix(first["renewal"]["asked_at"]), 3600, delta=0.01)
        replaced = self.ca.asked()[-1].path.rsplit("/", 1)[1]
        shown = self.lab.reeve.cli("certificate", "show", certificate["id"])
        self.assertIn("https://status.example/incident#7", shown.stdout)
        self.assertIn("window that the CA suggests", shown.stdout)
        # Only what is sent from now on belongs to the renewal.
        mark = time.time()
        renewed = self.wait_version(certificate, 2)
        order = self.orders(certificate)[0]
        self.assertGreaterEqual(unix(order["created_at"]), due)
        self.assertLess(unix(order["created_at"]), window[1] + 1)
        self.assertEqual(order["requests"], 7)
        posts = self.ca.requests(mark, "POST")
        self.assertEqual(len(posts), 7, posts)
        # One question about the version that was renewed, one about its successor.
        lab.wait_until("the question about version 2", lambda: self.get(certificate)["renewal"]["asked_at"] != first["renewal"]["asked_at"])
        self.assertEqual(len(self.ca.asked(replaced)), 1)
        self.assertEqual([r.payload.get("replaces") for r in posts if r.path == "/order-plz"], [replaced])
        texts = [t["text"] for t in self.lab.reeve.order(order["id"])["timeline"]]
        self.assertTrue(any("renewal of version 1: drawn in the window" in t for t in texts), texts)
        self.assertTrue(any("incident" in t and "https://status.example/incident#7" in t for t in texts), texts)
        self.assertTrue(any("it replaces the version served" in t for t in texts), texts)
        self.assertEqual(renewed["renewal"]["failures"], 0)
        # A renewal in the first third of the life was followed by one order only.
        self.assertEqual(len(self.orders(certificate)), 2)
        self.assert_certificate(certificate["id"], renewed["names"])

    def test_a_window_in_the_past_is_now_but_never_a_loop(self):
        type(self).told.clear()
        before = type(self).window
        # Every certificate is told the past.
        self.ca.windows = lambda *_: (time.time() - 7200, time.time() - 3600)
        try:
            certificate = self.issue()
            self.wait_version(certificate, 2)
            renewal = lab.wait_until("the plan of version 2", lambda: (r := self.get(certificate)["renewal"])["reason"] == "early" and r)
            self.assertGreater(unix(renewal["due_at"]) - time.time(), 3500)
            time.sleep(1.0)
            self.assertEqual(len(self.orders(certificate)), 2)
        finally:
            self.ca.windows = before
        self.lab.reeve.must("PATCH", f"/v1/certificates/{certificate['id']}", {"paused": True})

    def test_already_replaced_is_sent_once_more_without(self):
        cases = [(409, "alreadyReplaced", "replaced by another order"), (403, "unauthorized", "not your certificate"),
                 (400, "malformed", "could not parse the replaces field")]
        for status, kind, detail in cases:
            with self.subTest(kind):
                certificate = self.issue()
                self.ca.rules = [scripted_ca.only("^POST /order-plz", lambda p, s=status, k=kind, d=detail:
                                                  (s, k, d, {}) if p and "replaces" in p else None)]
                mark = time.time()
                order = self.lab.reeve.must("POST", f"/v1/certificates/{certificate['id']}/renew", {})["order"]
                order = self.lab.reeve.wait_order(order["id"])
                self.assertEqual(order["status"], "issued", order)
                sent = [bool(r.payload.get("replaces")) for r in self.ca.requests(mark, "POST", "/order-plz")]
                self.assertEqual(sent, [True, False])
                self.assertEqual(order["requests"], 8)
                self.ca.rules = []

    def test_an_echo_that_is_missing_is_said(self):
        certificate = self.issue()
        self.ca.echo = False
        order = self.lab.reeve.must("POST", f"/v1/certificates/{certificate['id']}/renew", {})["order"]
        order = self.lab.reeve.wait_order(order["id"])
        self.assertEqual(order["status"], "issued", order)
        self.assertTrue(any("did not confirm what it replaces" in t["text"] for t in order["timeline"]), order["timeline"])

    def test_the_pace_of_the_ca(self):
        for said, seconds in (("5", 60), ("200000", 86400), ("7200", 7200)):
            with self.subTest(said):
                self.ca.retry_after = said
                renewal = self.wait_asked(self.issue())["renewal"]
                self.assertAlmostEqual(unix(renewal["ask_at"]) - unix(renewal["asked_at"]), seconds, delta=0.01)
        self.ca.retry_after = None
        renewal = self.wait_asked(self.issue())["renewal"]
        self.assertAlmostEqual(unix(renewal["ask_at"]) - unix(renewal["asked_at"]), 6 * 3600, delta=6 * 720 + 1)

    def test_nonsense_falls_back_to_the_life(self):
        answers = [b'{"suggestedWindow":{"start":"2026-01-02T00:00:00Z","end":"2026-01-01T00:00:00Z"}}', b"<html>", 404]
        for answer in answers:
            with self.subTest(answer):
                certificate = self.issue(answer)
                shown = self.wait_asked(certificate)
                renewal, life = shown["renewal"], unix(shown["not_after"]) - unix(shown["not_before"])
                self.assertEqual(renewal["reason"], "lifetime", renewal)
                self.assertIsNone(renewal["window"])
                self.assertIn("could not be asked", renewal["finding"])
                self.assertGreater(unix(renewal["ask_at"]) - time.time(), 4 * 3600)
                left = (unix(shown["not_after"]) - unix(renewal["due_at"])) / life
                self.assertTrue(1 / 3 <= left <= 1 / 3 + 1 / 20 + 1e-6, left)

    def test_a_failure_waits_and_the_old_version_stays(self):
        self.ca.rules = []
        certificate = self.issue((time.time() + 2, time.time() + 2.5))
        self.wait_asked(certificate)
        serial = self.get(certificate)["serial"]
        # The CA forgot something: it is tried again soon. (What needs a change waits a day.)
        self.ca.rules = [scripted_ca.only("^POST /order-plz", lambda _: (404, "malformed", "not today", {}))]
        mark = time.time()
        failed = lab.wait_until("a failed order", lambda: (c := self.get(certificate))["renewal"]["failures"] == 1 and c)
        self.assertEqual(failed["order"]["status"], "failed")
        self.assertEqual((failed["status"], failed["version"], failed["serial"]), ("issued", 1, serial))
        self.assertEqual(failed["renewal"]["reason"], "retry")
        self.assertAlmostEqual(unix(failed["renewal"]["due_at"]) - time.time(), 60, delta=20)
        time.sleep(1.5)
        self.assertEqual(len(self.orders(certificate)), 2)
        self.assertEqual(len(self.ca.requests(mark, "POST", "/order-plz")), 1)
        self.assert_certificate(certificate["id"], failed["names"])
        # The back-off is a row: a restart does not forget it.
        self.assertTrue(self.lab.reeve.stop())
        self.lab.reeve.serve()
        self.assertEqual(self.get(certificate)["renewal"]["due_at"], failed["renewal"]["due_at"])
        self.lab.reeve.must("PATCH", f"/v1/certificates/{certificate['id']}", {"auto_renew": False})

    def kill_all(self):
        reeve, group = self.lab.reeve, self.lab.reeve.process.pid
        reeve.process.kill()
        # A process is gone from the list a moment before the last of its threads lets go of the sockets.
        lab.wait_until("no process left", lambda: not any(g == group for _, g, _ in lab.processes().values()) and not self.socket_taken())
        reeve.serve()

    def socket_taken(self):
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as s:
            return s.connect_ex(str(self.lab.reeve.home / "run" / "reeve.sock")) == 0

    def test_kill_everything_around_the_renewal(self):
        reeve = self.lab.reeve
        start = time.time()
        certificate = self.issue((start + 4, start + 5))
        due = self.wait_asked(certificate)["renewal"]["due_at"]
        mark, opened = self.lab.pebble.mark(), time.time()
        self.kill_all()
        # The draw is a row.
        self.assertEqual(self.get(certificate)["renewal"]["due_at"], due)
        for delay in (0.0, 0.05, 0.2):
            while time.time() < unix(due) + delay:
                time.sleep(0.01)
            self.kill_all()
        self.wait_version(certificate, 2, 60)
        self.assertEqual([o["status"] for o in self.orders(certificate)], ["issued", "issued"])
        self.assertEqual(len(self.lab.pebble.issued(mark)), 1)
        self.assertLessEqual(len(self.ca.requests(opened, "POST", "/order-plz")), 2)
        for order in self.orders(certificate):
            reeve.wait_gone(order["id"])
        self.assert_certificate(certificate["id"], certificate["names"])

    def test_policies(self):
        reeve = self.lab.reeve
        certificate = self.issue()
        before = self.wait_asked(certificate)
        path = f"/v1/certificates/{certificate['id']}"
        # Pebble's certificates live five years.
        refused = reeve.api("PATCH", path, {"renew_before": "1800d"})
        self.assert_problem(refused, 400, "invalid-request", "can never be met", "at most")
        self.assert_problem(reeve.api("PATCH", path, {"renew_before": "1m"}), 400, "invalid-request", "no time for a second try")
        self.assert_problem(reeve.api("PATCH", path, {"renew_before": "soon"}), 400, "invalid-request", "30d")
        self.assert_problem(reeve.api("PATCH", path, {}), 400, "invalid-request", "nothing to change")
        self.assert_problem(reeve.api("PATCH", path, {"renew": True}), 400, "unknown-member", "renew")
        self.assertEqual(self.get(certificate)["renewal"]["due_at"], before["renewal"]["due_at"])
        changed = reeve.must("PATCH", path, {"renew_before": "4/5"})["renewal"]
        self.assertEqual((changed["reason"], changed["renew_before"]), ("policy", "4/5"))
        life = unix(before["not_after"]) - unix(before["not_before"])
        self.assertLess(unix(changed["due_at"]), unix(before["not_before"]) + life / 5 + 1)
        self.assertEqual(reeve.must("PATCH", path, {"renew_before": ""})["renewal"]["due_at"], before["renewal"]["due_at"])

        paused = reeve.cli("certificate", "pause", certificate["name"])
        self.assertEqual((paused.returncode, paused.stdout), (0, certificate["name"] + "\n"), paused.stderr)
        self.assertIn("paused", reeve.cli("certificate", "show", certificate["name"]).stdout)
        self.assert_problem(reeve.api("POST", path + "/renew", {}), 409, "paused", "resume")
        self.assertEqual(reeve.cli("certificate", "resume", certificate["name"]).returncode, 0)
        self.assertEqual(reeve.cli("certificate", "set", certificate["name"], "--auto-renew", "off").returncode, 0)
        self.assertEqual(self.get(certificate)["renewal"]["reason"], "off")
        self.assertEqual(reeve.cli("certificate", "set", certificate["name"], "--auto-renew", "maybe").returncode, 2)
        self.assertEqual(reeve.cli("certificate", "set", certificate["name"]).returncode, 2)
        bad = reeve.cli("certificate", "set", certificate["name"], "--renew-before", "1800d")
        self.assertEqual(bad.returncode, 3)
        self.assertIn("can never be met", bad.stderr)

        # CertMate's users see the same, and change the same.
        token = reeve.must("POST", "/v1/tokens", {"name": "certmate"})["token"]
        listed = {c["domain"]: c for c in reeve.http("GET", "/api/certificates", token=token).body}[certificate["name"]]
        self.assertEqual((listed["auto_renew"], listed["needs_renewal"]), (False, False))
        switched = reeve.http("PUT", f"/api/certificates/{certificate['name']}/auto-renew", {"enabled": True}, token)
        self.assertEqual((switched.status, switched.body["auto_renew"], switched.body["domain"]), (200, True, certificate["name"]))
        self.assertTrue(self.get(certificate)["renewal"]["auto_renew"])
        self.assertEqual(reeve.http("PUT", f"/api/certificates/{certificate['name']}/auto-renew", {}, token).status, 400)
        self.assertEqual(reeve.http("PUT", "/api/certificates/none.example.com/auto-renew", {"enabled": True}, token).status, 404)

    def test_off_means_not_by_itself(self):
        certificate = self.issue((time.time() + 3, time.time() + 3.2))
        self.lab.reeve.must("PATCH", f"/v1/certificates/{certificate['id']}", {"auto_renew": False})
        due = unix(self.wait_asked(certificate)["renewal"]["due_at"])
        time.sleep(max(0.0, due - time.time()) + 1.0)
        self.assertEqual(len(self.orders(certificate)), 1)
        token = self.lab.reeve.must("POST", "/v1/tokens", {"name": "off"})["token"]
        shown = self.lab.reeve.http("GET", f"/api/certificates/{certificate['name']}", token=token).body
        self.assertEqual((shown["auto_renew"], shown["needs_renewal"]), (False, True))
        # On again: it is due, and goes at once.
        self.lab.reeve.must("PATCH", f"/v1/certificates/{certificate['id']}", {"auto_renew": True})
        self.wait_version(certificate, 2)

    def test_cancel(self):
        reeve = self.lab.reeve
        certificate = self.issue()
        hold = [True]
        # The order is never seen to be ready, so its value stays live.
        self.ca.rules = [scripted_ca.only("^POST /my-order/", lambda _: (503, "serverInternal", "later", {}) if hold[0] else None)]
        mark = self.lab.pebble.mark()
        order = reeve.must("POST", f"/v1/certificates/{certificate['id']}/renew", {})["order"]
        live = reeve.wait_order(order["id"], lambda o: o["txt_records"] and all(r["state"] == "live" for r in o["txt_records"]))
        done = reeve.cli("order", "cancel", order["id"])
        self.assertEqual((done.returncode, done.stdout), (0, order["id"] + "\n"), done.stderr)
        hold[0] = False
        ended = reeve.wait_gone(order["id"])
        self.assertEqual(ended["status"], "cancelled")
        self.assertIn("cancelled by", ended["detail"])
        self.assertEqual(reeve.txt(live["txt_records"][0]["owner"]), [])
        self.assertEqual(reeve.must("POST", f"/v1/orders/{order['id']}/cancel", {})["status"], "cancelled")
        self.assert_problem(reeve.api("POST", f"/v1/orders/{self.orders(certificate)[1]['id']}/cancel", {}), 409, "conflict", "ended already")
        self.assert_problem(reeve.api("POST", "/v1/orders/none/cancel", {}), 404, "not-found")
        time.sleep(0.5)
        self.assertEqual(self.lab.pebble.issued(mark), [])
        self.assertEqual(self.get(certificate)["version"], 1)
        # Another one can follow at once, by hand.
        again = reeve.must("POST", f"/v1/certificates/{certificate['id']}/renew", {})["order"]
        self.assertEqual(reeve.wait_order(again["id"])["status"], "issued")


class Clock(tap.Case):
    def test_nothing_is_renewed_by_a_clock_that_the_ca_contradicts(self):
        self.lab.knot.cname("n.example.com", "_acme-challenge.validation.example.org")
        ca = scripted_ca.ScriptedCA(self.lab.directory / "scripted", *self.lab.where["spare"], self.lab.pebble)
        self.lab._add(ca)
        ca.clock_ahead_s = 3 * 86400
        ca.windows = lambda _, count: (time.time() - 7200, time.time() - 3600)
        self.lab.reeve.add_authority(ca, name="scripted")
        # By hand it goes all the same.
        certificate, order = self.lab.reeve.issue(["n.example.com"], domain_alias="validation.example.org")
        self.assertEqual(self.lab.reeve.wait_order(order["id"])["status"], "issued")
        path = f"/v1/certificates/{certificate['id']}"
        renewal = lab.wait_until("the doubt", lambda: (r := self.lab.reeve.must("GET", path)["renewal"])["finding"] and r)
        self.assertIn("clock", renewal["finding"])
        self.assertLess(unix(renewal["due_at"]), time.time())
        time.sleep(0.5)
        self.assertEqual(self.lab.reeve.must("GET", path)["version"], 1)
        # The CA agrees, and the job looks again.
        ca.clock_ahead_s = 0
        self.lab.reeve.must("PATCH", path, {"auto_renew": True})
        lab.wait_until("version 2", lambda: self.lab.reeve.must("GET", path)["version"] == 2, 30)


class Hanging(tap.Case):
    options = {"threads": 6}

    def test_questions_without_an_answer_hold_no_order_up(self):
        names = [f"n{i}.example.com" for i in range(10)]
        self.lab.knot.set("example.com", *(f"_acme-challenge.{n}. 300 IN CNAME _acme-challenge.validation.example.org." for n in names))
        ca = scripted_ca.ScriptedCA(self.lab.directory / "scripted", *self.lab.where["spare"], self.lab.pebble)
        self.lab._add(ca)
        released, asking = threading.Event(), []

        def hang(certificate, _):
            asking.append(certificate)
            released.wait(30)
            return 503
        ca.windows = hang
        self.lab.reeve.add_authority(ca, name="scripted")
        try:
            # Each certificate that is issued asks, and gets no answer; six threads are all there are.
            started = [self.lab.reeve.issue([n], domain_alias="validation.example.org")[1] for n in names]
            for order in started:
                self.assertEqual(self.lab.reeve.wait_order(order["id"], timeout=10)["status"], "issued")
            self.assertLessEqual(len(asking), 4)
        finally:
            released.set()


class WithoutRenewalInfo(tap.Case):
    def test_plain_pebble(self):
        self.lab.knot.cname("n.example.com", "_acme-challenge.validation.example.org")
        self.lab.reeve.add_authority(self.lab.pebble)
        certificate, order = self.lab.reeve.issue(["n.example.com"], domain_alias="validation.example.org")
        self.assertEqual(self.lab.reeve.wait_order(order["id"])["status"], "issued")
        shown = lab.wait_until("the plan", lambda: (c := self.lab.reeve.must("GET", f"/v1/certificates/{certificate['id']}"))
                               ["renewal"]["finding"] and c)
        self.assertEqual(shown["renewal"]["reason"], "lifetime")
        self.assertIn("no renewal information", shown["renewal"]["finding"])
        # Without renewalInfo in the directory `replaces` is never sent: Pebble is asked for nothing it does not know.
        order = self.lab.reeve.must("POST", f"/v1/certificates/{certificate['id']}/renew", {})["order"]
        order = self.lab.reeve.wait_order(order["id"])
        self.assertFalse(any("replaces" in t["text"] for t in order["timeline"]), order["timeline"])


if __name__ == "__main__":
    tap.main()
