#!/usr/bin/env python3
"""The ledger of TXT values: each goes when its own authorization is final, what cannot be removed is a debt that is shown,
tried again and never forgotten, and no value of anybody else is touched."""

import contextlib
import os
import pathlib
import signal
import sqlite3
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tools"))

import lab  # noqa: E402
import scripted_ca  # noqa: E402
import tap  # noqa: E402

ZONE = "validation.example.org"
HOUR_MS, DAY_MS = 3600 * 1000, 86400 * 1000


class Ledger(tap.Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.lab.knot.set("example.com", *(f"_acme-challenge.n{i}.example.com. 300 IN CNAME _acme-challenge.shared.{ZONE}."
                                          for i in range(20)))
        cls.ca = scripted_ca.SlowCA(cls.lab.directory / "scripted", *cls.lab.where["spare"], cls.lab.pebble)
        cls.lab._add(cls.ca)
        cls.ca.offers_ari = False
        cls.lab.reeve.add_authority(cls.ca, name="scripted")
        cls.count = 0

    def setUp(self):
        self.ca.rules, self.ca.slow = [], frozenset()

    def names(self, number):
        first, type(self).count = self.count, self.count + number
        return [f"n{i}.example.com" for i in range(first, first + number)]

    def issue(self, names):
        """All on one owner name, `_acme-challenge.shared`."""
        return self.lab.reeve.issue(names, domain_alias=f"shared.{ZONE}")

    def database(self):
        return contextlib.closing(sqlite3.connect(self.lab.reeve.home / "var" / "reeve.db", timeout=20, isolation_level=None))

    def values(self):
        return sorted(self.lab.reeve.txt(f"_acme-challenge.shared.{ZONE}"))

    @contextlib.contextmanager
    def silent_dns(self):
        """The role that serves the zone is there and does not answer."""
        pid = self.lab.reeve.role_pids()["dns"]
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)

    def debt(self):
        return self.lab.reeve.must("GET", "/v1/debt")

    def test_a_value_goes_with_its_own_authorization_while_others_are_validated(self):
        quick, slow = names = self.names(2)
        self.ca.slow = frozenset([slow])
        _, order = self.issue(names)
        shown = self.lab.reeve.wait_order(order["id"], lambda o: sorted(r["state"] for r in o["txt_records"]) == ["gone", "live"])
        self.assertEqual(shown["status"], "running", shown)
        live = [r["value"] for r in shown["txt_records"] if r["state"] == "live"]
        self.assertEqual(self.values(), live, "the other value stays")
        states = {a["name"]: a["status"] for a in shown["authorizations"]}
        self.assertEqual(states[quick], "valid")
        self.assertEqual(states[slow], "responded")
        self.ca.slow = frozenset()
        self.assertEqual(self.lab.reeve.wait_order(order["id"])["status"], "issued")
        self.lab.reeve.wait_gone(order["id"])
        self.assertEqual(self.values(), [])

    def test_a_value_goes_while_another_name_is_not_even_published(self):
        # The second of the two challenges stays on its way to the CA.
        first, go = [], threading.Event()

        def rule(line, _):
            if line.startswith("POST /chalZ/"):
                first.append(line)
                if line != first[0]:
                    go.wait(25)
            return None

        self.addCleanup(go.set)
        self.ca.rules = [rule]
        _, order = self.issue(self.names(2))
        shown = self.lab.reeve.wait_order(order["id"], lambda o: sorted(r["state"] for r in o["txt_records"]) == ["gone", "live"])
        self.assertEqual((shown["status"], shown["step"]), ("running", "authorizations"), shown)
        go.set()
        self.assertEqual(self.lab.reeve.wait_order(order["id"])["status"], "issued")
        self.lab.reeve.wait_gone(order["id"])

    def test_parallel_orders_on_one_owner_never_lose_a_value(self):
        slow = self.names(1)
        self.ca.slow = frozenset(slow)
        _, waiting = self.issue(slow)
        shown = self.lab.reeve.wait_order(waiting["id"], lambda o: [r["state"] for r in o["txt_records"]] == ["live"])
        for _ in range(2):
            # Pebble asks without EDNS: more than eight values at a name do not reach it.
            for _, order in [self.issue([name, "*." + name]) for name in self.names(2)]:
                self.assertEqual(self.lab.reeve.wait_order(order["id"])["status"], "issued")
                self.lab.reeve.wait_gone(order["id"])
        # Eight values came and went at the owner name; the one of the order that waits is still answered.
        self.assertEqual(self.values(), [shown["txt_records"][0]["value"]])
        self.ca.slow = frozenset()
        self.assertEqual(self.lab.reeve.wait_order(waiting["id"])["status"], "issued")
        self.lab.reeve.wait_gone(waiting["id"])
        self.assertEqual(self.values(), [])

    def test_debt_is_shown_and_paid(self):
        reeve = self.lab.reeve
        slow = self.names(1)
        self.ca.slow = frozenset(slow)
        _, order = self.issue(slow)
        live = reeve.wait_order(order["id"], lambda o: [r["state"] for r in o["txt_records"]] == ["live"])["txt_records"][0]
        self.assertEqual((self.debt()["count"], self.debt()["alert"], self.debt()["values"]), (0, False, []))
        done = reeve.cli("debt", "list")
        self.assertEqual((done.returncode, done.stdout), (0, ""), done.stderr)
        with self.silent_dns():
            reeve.must("POST", f"/v1/orders/{order['id']}/cancel", {})
            owed = lab.wait_until("a debt", lambda: self.debt()["values"], 30)
            self.assertEqual([(o["owner"].rstrip("."), o["value"], o["order"], o["given_up"]) for o in owed],
                             [(live["owner"].rstrip("."), live["value"], order["id"], False)])
            self.assertTrue(owed[0]["detail"] and owed[0]["problem"] and owed[0]["next_try_at"], owed)
            self.assertGreaterEqual(owed[0]["failures"], 1)
            self.assertEqual(reeve.order(order["id"])["txt_records"][0]["state"], "debt")
            self.assertFalse(self.debt()["alert"])
            done = reeve.cli("debt", "list")
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn(live["value"], done.stdout)
            self.assertIn("why: ", done.stdout)
            # It has been so for two hours, and the next try is far away.
            self.move_debt(2 * HOUR_MS, HOUR_MS)
            self.assertTrue(self.debt()["alert"])
            self.assertEqual(reeve.cli("debt", "list").returncode, 3)
        time.sleep(1)
        self.assertEqual(self.debt()["count"], 1, "the next try is an hour away")
        report = reeve.must("GET", f"/v1/doctor?name={slow[0]}")
        self.assertEqual((report["ok"], report["debt"]["count"], report["debt"]["alert"]), (False, 1, True))
        done = reeve.cli("doctor", slow[0])
        self.assertEqual(done.returncode, 3)
        self.assertIn("reeve debt list", done.stdout)
        done = reeve.cli("debt", "retry")
        self.assertEqual(done.returncode, 0, done.stderr)
        reeve.wait_gone(order["id"])
        self.assertEqual((self.debt()["count"], self.values()), (0, []))

    def move_debt(self, age_ms, next_ms):
        """The debts are as old as that; their next try is as far away. Their jobs sleep until then."""
        now = int(time.time() * 1000)
        with self.database() as db:
            db.execute("UPDATE txt_records SET retired_at = ?, retry_at = ? WHERE state = 'debt'", (now - age_ms, now + next_ms))
            db.execute("UPDATE jobs SET wake_at = ? WHERE kind = 'cleanup' AND state = 'active' AND lease_owner = ''", (now + next_ms,))

    def test_debt_is_given_up_after_thirty_days_loudly(self):
        reeve = self.lab.reeve
        slow = self.names(1)
        self.ca.slow = frozenset(slow)
        _, order = self.issue(slow)
        reeve.wait_order(order["id"], lambda o: [r["state"] for r in o["txt_records"]] == ["live"])
        with self.silent_dns():
            reeve.must("POST", f"/v1/orders/{order['id']}/cancel", {})
            lab.wait_until("a debt", lambda: self.debt()["count"], 30)
            self.move_debt(31 * DAY_MS, HOUR_MS)
            reeve.must("POST", "/v1/debt/retry", {})
            lab.wait_until("given up", lambda: self.debt()["given_up"], 40)
            self.assertIn("event=debt-given-up", reeve.log())
            owed = self.debt()["values"][0]
            self.assertEqual((owed["given_up"], owed["next_try_at"]), (True, None))
            self.assertIn("given up", reeve.cli("debt", "list").stdout)
        # Neither forgotten nor tried again, also over a restart, which says so.
        self.assertTrue(reeve.stop(20))
        mark = len(reeve.log())
        reeve.serve()
        lab.wait_until("the alert", lambda: "event=debt-alert" in reeve.log()[mark:], 20)
        self.assertEqual(self.debt()["given_up"], 1)
        reeve.must("POST", "/v1/debt/retry", {})
        reeve.wait_gone(order["id"])
        self.assertEqual(self.debt()["count"], 0)

    def test_the_reaper_finds_what_nobody_removes(self):
        reeve = self.lab.reeve
        slow = self.names(1)
        self.ca.slow = frozenset(slow)
        _, order = self.issue(slow)
        reeve.wait_order(order["id"], lambda o: [r["state"] for r in o["txt_records"]] == ["live"])
        self.assertTrue(reeve.stop(20))
        # As a damaged or foreign tool would leave it: the order has ended, its value is still live, no job owes it.
        with self.database() as db:
            db.execute("UPDATE orders SET status = 'failed', ended_at = 1 WHERE id = ?", (order["id"],))
            db.execute("UPDATE jobs SET state = 'failed' WHERE order_id = ?", (order["id"],))
        reeve.serve()
        reeve.wait_gone(order["id"])
        self.assertEqual(self.values(), [])
        self.assertIn("event=reap", reeve.log())


if __name__ == "__main__":
    tap.main()
