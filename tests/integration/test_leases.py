#!/usr/bin/env python3
"""A worker that stands still while its work is taken over cannot write afterwards, and does not stand still for ever."""

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

OTHER = "another-worker"


class Gate:
    """A rule that keeps the first request of a kind waiting."""

    def __init__(self, start):
        self.start, self.reached, self.go = start, threading.Event(), threading.Event()

    def __call__(self, line, _):
        if line.startswith(self.start) and not self.go.is_set():
            self.reached.set()
            self.go.wait(60)
        return None


class Leases(tap.Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.lab.knot.set("example.com", *(f"_acme-challenge.n{i}.example.com. 300 IN CNAME _acme-challenge.n{i}.validation.example.org."
                                          for i in range(5)))
        cls.ca = scripted_ca.ScriptedCA(cls.lab.directory / "scripted", *cls.lab.where["spare"], cls.lab.pebble)
        cls.lab._add(cls.ca)
        cls.ca.offers_ari = False
        cls.lab.reeve.add_authority(cls.ca, name="scripted")
        cls.count = 0

    def issue(self):
        name = f"n{self.count}"
        type(self).count += 1
        return self.lab.reeve.issue([f"{name}.example.com"], domain_alias=f"{name}.validation.example.org")

    def gate(self, start):
        gate = Gate(start)
        self.ca.rules = [gate]
        self.addCleanup(gate.go.set)
        return gate

    def database(self):
        return contextlib.closing(sqlite3.connect(self.lab.reeve.home / "var" / "reeve.db", timeout=20, isolation_level=None))

    def query(self, text, *values):
        with self.database() as db:
            return db.execute(text, values).fetchall()

    @contextlib.contextmanager
    def stopped(self, role):
        pid = self.lab.reeve.role_pids()[role]
        os.kill(pid, signal.SIGSTOP)
        try:
            yield pid
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)

    def take_over(self, kind, order, lease_ms):
        """What the claim of a second worker writes, once the lease of the first is over. Returns the job's id."""
        rows = self.query("UPDATE jobs SET fence = fence + 1, claims = 1, lease_owner = ?, lease_until = ?"
                          " WHERE kind = ? AND order_id = ? AND state = 'active' AND lease_owner <> '' RETURNING id",
                          OTHER, int(time.time() * 1000) + lease_ms, kind, order)
        self.assertEqual(len(rows), 1, "the job was claimed")
        self.over_at = time.monotonic() + lease_ms / 1000
        return rows[0][0]

    def after_the_lease(self):
        """The dispatcher looks every 20 s by itself; any command that may make work has it look now."""
        time.sleep(max(0.0, self.over_at - time.monotonic()) + 0.1)
        self.lab.reeve.must("POST", "/v1/debt/retry", {})

    def assert_once(self, order, mark):
        self.assertEqual(self.lab.reeve.wait_order(order["id"], patient=True)["status"], "issued")
        self.lab.reeve.wait_gone(order["id"], patient=True)
        self.lab.pebble.settle()
        requests = self.lab.pebble.requests(mark)
        self.assertEqual((len(self.lab.pebble.issued(mark)), requests["order-plz"], requests["finalize-order"]), (1, 1, 1))

    def test_a_stopped_worker_does_not_write_what_it_learned_too_late(self):
        gate = self.gate("POST /my-order/")
        mark, log = self.lab.pebble.mark(), len(self.lab.reeve.log())
        _, order = self.issue()
        self.assertTrue(gate.reached.wait(30))
        with self.stopped("worker"):
            job = self.take_over("order", order["id"], 5000)
            before = self.query("SELECT * FROM jobs WHERE id = ?", job)
            history = self.query("SELECT COUNT(*) FROM history WHERE order_id = ? AND job_id = ?", order["id"], job)
            gate.go.set()
        lab.wait_until("the refused write", lambda: f"job={job} step=await outcome=abandoned" in self.lab.reeve.log()[log:], 20)
        self.assertIn("was taken over by somebody else", self.lab.reeve.log()[log:])
        after = self.query("SELECT * FROM jobs WHERE id = ?", job)
        if after[0] == before[0]:
            self.assertEqual(self.query("SELECT COUNT(*) FROM history WHERE order_id = ? AND job_id = ?", order["id"], job), history)
        else:
            # On a slow machine the other's lease is over by now, and the job was claimed again, by its own rules.
            self.assertGreater(after[0][9], before[0][9], "the fence went on")
        self.after_the_lease()
        self.assert_once(order, mark)

    def test_a_value_published_by_a_stopped_worker_is_found_and_not_lost(self):
        gate = self.gate("POST /authZ/")
        mark, log = self.lab.pebble.mark(), len(self.lab.reeve.log())
        _, order = self.issue()
        self.assertTrue(gate.reached.wait(30))
        with self.stopped("dns"):
            gate.go.set()
            lab.wait_until("the intent", lambda: self.query("SELECT 1 FROM txt_records WHERE order_id = ? AND state = 'intent'", order["id"]), 20)
            with self.stopped("worker"):
                job = self.take_over("authorization", order["id"], 4000)
                # The dns role answers the addition that is on its way while nobody listens.
                os.kill(self.lab.reeve.role_pids()["dns"], signal.SIGCONT)
                time.sleep(0.3)
        lab.wait_until("the refused write", lambda: f"job={job} step=publish outcome=abandoned" in self.lab.reeve.log()[log:], 20)
        self.after_the_lease()
        self.assert_once(order, mark)

    def test_a_worker_that_does_not_answer_is_replaced(self):
        reeve = self.lab.reeve
        self.assertTrue(reeve.stop(20))
        reeve.serve({"REEVE_SERVER_SILENT_S": "5"})
        gate = self.gate("POST /my-order/")
        mark, log = self.lab.pebble.mark(), len(reeve.log())
        _, order = self.issue()
        self.assertTrue(gate.reached.wait(30))
        with self.stopped("worker") as pid:
            gate.go.set()
            lab.wait_until("another worker", lambda: reeve.role_pids().get("worker") not in (None, pid), 40)
        self.assertIn("child=worker", reeve.log()[log:])
        self.assertIn("it did not answer for 5 s", reeve.log()[log:])
        self.assert_once(order, mark)
        # Nobody else was disturbed.
        self.assertEqual(reeve.log()[log:].count("it did not answer"), 1)


if __name__ == "__main__":
    tap.main()
