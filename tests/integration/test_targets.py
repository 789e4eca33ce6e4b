#!/usr/bin/env python3
"""One named target for many names at once; and for one project only."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tools"))

import tap  # noqa: E402

NAMES = ("example.com", "app.example.com", "a.com", "b.com")
TARGET = "_acme-challenge.validation.example.org"


class Targets(tap.Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        knot, reeve = cls.lab.knot, cls.lab.reeve
        for name in NAMES:
            knot.cname(name, TARGET)
        reeve.add_authority(cls.lab.pebble)
        reeve.must("POST", "/v1/projects", {"name": "other"})
        reeve.add_authority(cls.lab.pebble, project="other")

    def test_four_names_at_once_on_one_target(self):
        reeve = self.lab.reeve
        started = [reeve.issue([name], domain_alias="validation.example.org") for name in NAMES]
        for name, (certificate, order) in zip(NAMES, started):
            order = reeve.wait_order(order["id"])
            self.assertEqual(order["status"], "issued", order)
            self.assertEqual({r["owner"].rstrip(".") for r in order["txt_records"]}, {TARGET})
            self.assert_certificate(certificate["id"], [name])
        for _, order in started:
            reeve.wait_gone(order["id"])
        self.assertEqual(reeve.txt(TARGET), [])

    def test_the_target_is_refused_to_another_project(self):
        reeve = self.lab.reeve
        reeve.add_delegation("a.com", target=TARGET)
        mark = self.lab.pebble.mark()
        reply = reeve.api("POST", "/v1/certificates", {"names": ["a.com"], "domain_alias": "validation.example.org"}, "other")
        self.assert_problem(reply, 409, "target-owned")
        reply = reeve.api("POST", "/v1/delegations", {"name": "a.com", "target": TARGET}, "other")
        self.assert_problem(reply, 409, "target-owned")
        self.assertEqual(self.lab.pebble.posts(mark), 0)

    def test_generated_targets_differ_per_project_and_name(self):
        reeve = self.lab.reeve
        targets = [reeve.add_delegation(name, project)["target"] for name in ("b.com", "www.b.com") for project in (None, "other")]
        self.assertEqual(len(set(targets)), 4, targets)
        # Asked again, the same delegation answers or the request is refused; never a second target.
        again = reeve.api("POST", "/v1/delegations", {"name": "b.com"})
        self.assertTrue(again.status == 409 or again.body["target"] == targets[0], again)


if __name__ == "__main__":
    tap.main()
