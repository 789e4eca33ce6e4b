#!/usr/bin/env python3
"""Roles that are killed, servers that are restarted: every order ends, once, and leaves nothing in DNS."""

import os
import pathlib
import random
import signal
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tools"))

import lab  # noqa: E402
import tap  # noqa: E402

ZONE = "validation.example.org"


class Recovery(tap.Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # A target of its own for each name: what one order leaves is not seen by another.
        cls.lab.knot.set("example.com", *(f"_acme-challenge.n{i}.example.com. 300 IN CNAME _acme-challenge.n{i}.{ZONE}."
                                          for i in range(100)))
        cls.lab.reeve.add_authority(cls.lab.pebble)
        cls.count = 0

    def start_orders(self, number):
        started = []
        for _ in range(number):
            name = f"n{type(self).count}"
            type(self).count += 1
            started.append(self.lab.reeve.issue([f"{name}.example.com", f"*.{name}.example.com"], domain_alias=f"{name}.{ZONE}"))
        return started

    def finish_orders(self, started, mark):
        for certificate, order in started:
            order = self.lab.reeve.wait_order(order["id"], timeout=90, patient=True)
            self.assertEqual(order["status"], "issued", order)
            for record in self.lab.reeve.wait_gone(order["id"], patient=True)["txt_records"]:
                self.assertEqual(self.lab.reeve.txt(record["owner"]), [])
            self.assert_certificate(certificate["id"], order["names"])
            self.assertEqual(self.lab.reeve.must("GET", f"/v1/certificates/{certificate['id']}")["version"], 1)
        self.assertEqual(len(self.lab.pebble.issued(mark)), len(started), "one certificate per order, never two")

    def kill_role(self, role):
        reeve = self.lab.reeve
        mark = self.lab.pebble.mark()
        # Early, in the middle and late; the moments differ from run to run.
        started = self.start_orders(3)
        for _ in range(3):
            time.sleep(random.uniform(0.0, 0.15))
            pid = lab.wait_until(f"a running {role}", lambda: reeve.role_pids().get(role), 20)
            os.kill(pid, signal.SIGKILL)
            lab.wait_until(f"a new {role}", lambda: reeve.role_pids().get(role) not in (None, pid), 20)
        self.finish_orders(started, mark)
        self.assertEqual(set(reeve.role_pids()), set(lab.ROLES))

    def test_kill_keeper(self):
        self.kill_role("keeper")

    def test_kill_worker(self):
        self.kill_role("worker")

    def test_kill_resolver(self):
        self.kill_role("resolver")

    def test_kill_api(self):
        self.kill_role("api")

    def test_kill_dns(self):
        self.kill_role("dns")

    def test_kill_all_at_once(self):
        reeve = self.lab.reeve
        for delay in (0.0, 0.03, 0.08, 0.2):
            with self.subTest(delay):
                mark = self.lab.pebble.mark()
                started = self.start_orders(2)
                time.sleep(delay)
                reeve.process.kill()
                self.assert_nothing_left()
                reeve.serve()
                self.finish_orders(started, mark)

    def test_kill_the_supervisor_alone(self):
        reeve = self.lab.reeve
        pids = reeve.role_pids()
        os.kill(reeve.process.pid, signal.SIGKILL)
        # Roles end at end-of-file from the supervisor.
        lab.wait_until("roles that end by themselves", lambda: not set(pids.values()) & set(lab.processes()), 15)
        reeve.process.kill()
        reeve.serve()

    def test_orderly_restart_in_the_middle_of_orders(self):
        reeve = self.lab.reeve
        mark = self.lab.pebble.mark()
        started = self.start_orders(3)
        time.sleep(0.05)
        self.assertTrue(reeve.stop(15), "did not stop on SIGTERM within 15 s")
        self.assertEqual(reeve.process.popen.returncode, 0)
        self.assert_nothing_left()
        reeve.serve()
        self.finish_orders(started, mark)

    def test_sigterm_stops_everything_with_requests_waiting(self):
        reeve = self.lab.reeve
        started = self.start_orders(1)
        began = time.monotonic()
        self.assertTrue(reeve.stop(15))
        self.assertLess(time.monotonic() - began, 15)
        self.assertEqual(reeve.process.popen.returncode, 0)
        self.assert_nothing_left()
        self.assertIsNone(lab.dns_query(*reeve.dns_address, "validation.example.org", lab.SOA, 0.3))
        reeve.serve()
        reeve.wait_order(started[0][1]["id"], patient=True)

    def assert_nothing_left(self):
        home = str(self.lab.reeve.home)
        group = self.lab.reeve.process.pid

        def left():
            return [argv for _, g, argv in lab.processes().values() if g == group or (argv and argv[0] == str(self.lab.reeve.binary) and home in argv)]
        lab.wait_until("no process left", lambda: not left(), 5)


if __name__ == "__main__":
    tap.main()
