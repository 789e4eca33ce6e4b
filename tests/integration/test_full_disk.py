#!/usr/bin/env python3
"""A full disk: said in one sentence, nothing half-written, and everything goes on when there is room again."""

import os
import pathlib
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tools"))

import lab  # noqa: E402
import tap  # noqa: E402

# The data directory becomes a small file system of its own, in a mount namespace that ends with the server.
SMALL_DISK = """set -e
cp -a "$VAR" "$VAR.copy"
mount -t tmpfs -o size=8m,mode=0700 tmpfs "$VAR"
cp -a "$VAR.copy/." "$VAR"
exec "$@"
"""


class FullDisk(tap.Case):
    @classmethod
    def setUpClass(cls):
        probe = subprocess.run(["unshare", "-rm", "mount", "-t", "tmpfs", "tmpfs", "/mnt"], capture_output=True, text=True)
        if probe.returncode != 0:
            raise unittest.SkipTest(f"no small disk can be made here: {probe.stderr.strip()}")
        cls.lab = lab.Lab(reeve=False)
        reeve = cls.lab.reeve = cls.lab.new_reeve(start=False)
        reeve.serve({"VAR": str(reeve.home / "var")}, wrapper=["unshare", "-rm", "sh", "-c", SMALL_DISK, "sh"])
        cls.disk = pathlib.Path(f"/proc/{reeve.process.pid}/root{reeve.home}/var")
        reeve.add_authority(cls.lab.pebble)
        cls.lab.knot.cname("example.com", "_acme-challenge.validation.example.org")

    def fill(self):
        """To the last byte."""
        with open(self.disk / "filler", "ab", buffering=0) as f:
            size = 1 << 20
            while size:
                try:
                    if not f.write(b"x" * size):
                        size //= 2
                except OSError:
                    size //= 2

    def test_a_full_disk(self):
        reeve = self.lab.reeve
        before = reeve.must("GET", "/v1/delegations")
        self.fill()
        # The journal may have room of its own for a while; bounded, and then it is said.
        for i in range(2000):
            reply = reeve.api("POST", "/v1/delegations", {"name": f"n{i}.example.test"})
            if reply.status >= 300:
                break
        self.assert_problem(reply, 503, "storage")
        self.assertTrue(reeve.healthy())
        held = {d["name"] for d in reeve.must("GET", "/v1/delegations")["delegations"]}
        # What was accepted is there, what was refused is not.
        self.assertEqual(held, {d["name"] for d in before["delegations"]} | {f"n{k}.example.test" for k in range(i)})
        os.unlink(self.disk / "filler")
        reeve.must("POST", "/v1/delegations", {"name": "again.example.test"})
        certificate, order = reeve.issue(["example.com"], domain_alias="validation.example.org")
        order = reeve.wait_order(order["id"])
        self.assertEqual(order["status"], "issued", order)
        self.assert_certificate(certificate["id"], ["example.com"])

    def test_b_a_disk_that_fills_in_the_middle_of_an_order(self):
        reeve = self.lab.reeve
        certificate, order = reeve.issue(["example.com", "*.example.com"], domain_alias="validation.example.org")
        self.fill()
        os.unlink(self.disk / "filler")
        order = reeve.wait_order(order["id"], timeout=60)
        self.assertEqual(order["status"], "issued", order)
        reeve.wait_gone(order["id"])
        self.assert_certificate(certificate["id"], ["example.com", "*.example.com"])


if __name__ == "__main__":
    tap.main()
