#!/usr/bin/env python3
"""The main job: a certificate for an apex and its wildcard although Reeve cannot write to the zone."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tools"))

import lab  # noqa: E402
import tap  # noqa: E402


class Delegation(tap.Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.lab.reeve.add_authority(cls.lab.pebble)

    def test_apex_and_wildcard_through_one_cname(self):
        reeve, knot = self.lab.reeve, self.lab.knot
        delegation = reeve.add_delegation("example.test")
        self.assertEqual(delegation["kind"], "generated")
        self.assertTrue(delegation["target"].rstrip(".").endswith(".acme.example.org"), delegation)
        self.assertEqual(delegation["record"].split()[0], "_acme-challenge.example.test.")
        # The record is a line of a zone file: what the name server reads is exactly what Reeve printed.
        knot.set("example.test", delegation["record"])
        checked = reeve.must("POST", "/v1/delegations/example.test/check")
        self.assertEqual(checked["health"], "verified", checked)

        mark = self.lab.pebble.mark()
        certificate, order = reeve.issue(["example.test", "*.example.test"])
        order = reeve.wait_order(order["id"])
        self.assertEqual(order["status"], "issued", order)
        self.assert_certificate(certificate["id"], ["example.test", "*.example.test"])
        self.assertEqual(len(self.lab.pebble.issued(mark)), 1)

        # Two values, one owner name: apex and wildcard live there side by side.
        self.assertEqual({r["owner"].rstrip(".") for r in order["txt_records"]}, {delegation["target"].rstrip(".")})
        values = {r["value"] for r in order["txt_records"]}
        self.assertEqual(len(values), 2, order["txt_records"])
        timeline = "\n".join(e["text"] for e in order["timeline"])
        for value in values:
            self.assertIn(value, timeline)

        order = reeve.wait_gone(order["id"])
        self.assertEqual({r["state"] for r in order["txt_records"]}, {"gone"})
        self.assertEqual(reeve.txt(delegation["target"]), [])
        # The place itself stays: NODATA, not NXDOMAIN.
        answer = lab.dns_query(*reeve.dns_address, delegation["target"], lab.TXT)
        self.assertEqual((answer.rcode, answer.authoritative), (lab.NOERROR, True))
        self.assertEqual([r.type for r in answer.authority], [lab.SOA])

    def test_renewal_is_a_new_version_with_a_new_key(self):
        reeve, knot = self.lab.reeve, self.lab.knot
        delegation = reeve.add_delegation("renew.example.com")
        knot.set("example.com", delegation["record"])
        certificate, order = reeve.issue(["renew.example.com"])
        self.assertEqual(reeve.wait_order(order["id"])["status"], "issued")
        first = self.assert_certificate(certificate["id"], ["renew.example.com"])
        again = reeve.must("POST", f"/v1/certificates/{certificate['id']}/renew", {})
        order = reeve.wait_order(again["order"]["id"])
        self.assertEqual(order["status"], "issued", order)
        second = self.assert_certificate(certificate["id"], ["renew.example.com"])
        self.assertNotEqual(lab.certificate_public_key(first), lab.certificate_public_key(second))
        self.assertEqual(reeve.must("GET", f"/v1/certificates/{certificate['id']}")["version"], 2)
        reeve.wait_gone(order["id"])

    def test_every_key_type(self):
        reeve, knot = self.lab.reeve, self.lab.knot
        record = reeve.add_delegation("keys.b.com")["record"]
        knot.set("b.com", record)
        expected = {"p256": "P-256", "p384": "P-384", "rsa2048": "2048 bit", "rsa3072": "3072 bit", "rsa4096": "4096 bit"}
        for key_type, words in expected.items():
            with self.subTest(key_type):
                certificate, order = reeve.issue(["keys.b.com"], key_type=key_type)
                order = reeve.wait_order(order["id"])
                self.assertEqual(order["status"], "issued", order)
                leaf = self.assert_certificate(certificate["id"], ["keys.b.com"])
                self.assertIn(words, lab.run(["openssl", "x509", "-noout", "-text"], input=leaf).stdout)

    def test_the_command_line_does_it_alone(self):
        reeve, knot = self.lab.reeve, self.lab.knot
        added = reeve.cli("delegation", "add", "cli.a.com")
        self.assertEqual(added.returncode, 0, added.stderr)
        line = next(x for x in added.stdout.splitlines() if x.startswith("_acme-challenge.cli.a.com. "))
        knot.set("a.com", line)
        issued = reeve.cli("certificate", "issue", "cli.a.com", "*.cli.a.com", "--wait")
        self.assertEqual(issued.returncode, 0, issued.stdout + issued.stderr)
        shown = reeve.cli("certificate", "show", "cli.a.com", "--json")
        self.assertIn('"issued"', shown.stdout)
        pem = reeve.cli("certificate", "download", "cli.a.com")
        self.assertEqual(lab.pem_names(lab.pem_blocks(pem.stdout)[0]), ["*.cli.a.com", "cli.a.com"])


if __name__ == "__main__":
    tap.main()
