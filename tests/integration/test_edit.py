#!/usr/bin/env python3
"""A certificate that changes: names, key, authority; a kept key, a user's request, a second authority."""

import base64
import datetime
import pathlib
import sqlite3
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tools"))

import lab  # noqa: E402
import scripted_ca  # noqa: E402
import tap  # noqa: E402

ALIASES = 30


class Edit(tap.Case):
    """`first` is a CA that follows a script in front of Pebble, `second` is that Pebble itself."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.lab.knot.set("example.com", *(f"_acme-challenge.n{i}.example.com. 300 IN CNAME _acme-challenge.n{i}.validation.example.org."
                                          for i in range(ALIASES)))
        cls.ca = scripted_ca.ScriptedCA(cls.lab.directory / "scripted", *cls.lab.where["spare"], cls.lab.pebble)
        cls.lab._add(cls.ca)
        cls.lab.reeve.add_authority(cls.ca, name="first")
        cls.lab.reeve.add_authority(cls.lab.pebble, name="second")
        cls.count = 0

    def setUp(self):
        self.ca.rules = []
        self.reeve = self.lab.reeve

    def fresh(self, count=1):
        names = [f"n{type(self).count + i}.example.com" for i in range(count)]
        type(self).count += count
        return names

    def aliases(self, names):
        return {n.removeprefix("*."): n.removeprefix("*.").replace(".example.com", ".validation.example.org") for n in names}

    def issue(self, names, status="issued", **members):
        certificate, order = self.reeve.issue(names, domain_alias=self.aliases(names), **members)
        order = self.reeve.wait_order(order["id"])
        self.assertEqual(order["status"], status, order)
        return certificate, order

    def get(self, certificate):
        return self.reeve.must("GET", f"/v1/certificates/{certificate['id']}")

    def patch(self, certificate, **members):
        return self.reeve.api("PATCH", f"/v1/certificates/{certificate['id']}", members)

    def edited(self, certificate, status="issued", **members):
        """The order of an edit that reissues, once it has ended."""
        reply = self.patch(certificate, **members)
        self.assertEqual(reply.status, 202, reply.body)
        order = self.reeve.wait_order(reply.body["order"]["id"])
        self.assertEqual(order["status"], status, order)
        return order

    def orders(self, certificate):
        return self.reeve.must("GET", f"/v1/orders?certificate={certificate['id']}")["orders"]

    def texts(self, order):
        return [t["text"] for t in self.reeve.order(order["id"])["timeline"]]

    def routes(self, certificate):
        with sqlite3.connect(f"file:{self.reeve.home}/var/reeve.db?mode=ro", uri=True) as db:
            return {row[0] for row in db.execute("SELECT name FROM certificate_routes WHERE certificate_id = ?", (certificate["id"],))}

    def key(self, certificate):
        return lab.private_public_key(self.reeve.download(certificate["id"], "key"))

    def hold_orders(self):
        """Orders at the first CA stay before their authorizations are looked at, until the rules go."""
        self.ca.rules = [scripted_ca.only("POST /authZ/", lambda _: (503, "serverInternal", "later", {"Retry-After": "1"}))]

    # -- names, key type, authority

    def test_names_change_in_place(self):
        a, b, c = self.fresh(3)
        certificate, _ = self.issue([a, b])
        old = self.reeve.download(certificate["id"])
        deployment = self.reeve.add_deployment("files", "files", certificate=certificate["id"], directory=str(self.lab.directory / "target"))
        self.reeve.deliver("files")
        self.hold_orders()
        reply = self.patch(certificate, names=[c, a], domain_alias=self.aliases([c]))
        self.assertEqual(reply.status, 202, reply.body)
        self.assertEqual(reply.body["certificate"]["names"], [c, a])
        self.assertEqual(reply.body["certificate"]["version"], 1)
        self.assertEqual(self.reeve.download(certificate["id"]), old)
        self.ca.rules = []
        order = self.reeve.wait_order(reply.body["order"]["id"])
        self.assertEqual(order["status"], "issued", order)
        self.assert_certificate(certificate["id"], [a, c])
        self.assertEqual(self.routes(certificate), {a, c})
        # Its name is that of its directories: it stays as long as it is one of the names.
        self.assertEqual(self.get(certificate)["name"], a)
        self.assertNotIn("warning", reply.body)
        # The same CA: what is replaced is said, and what was delivered is delivered anew.
        self.assertIn("replaces", [r for r in self.ca.requests(0, "POST", "/order-plz")][-1].payload)
        current = self.lab.directory / "target" / "current" / "cert.pem"
        lab.wait_until("the delivery of version 2", lambda: lab.pem_names(current.read_text()) == sorted([a, c]), 30)
        self.assertEqual([d["version"] for d in self.reeve.deployment(deployment["name"])["deliveries"]][:1], [2])
        # The next renewal is of what it is now, and by the routes that are left.
        renewal = self.reeve.must("POST", f"/v1/certificates/{certificate['id']}/renew", {})["order"]
        self.assertEqual(self.reeve.wait_order(renewal["id"])["status"], "issued")
        self.assert_certificate(certificate["id"], [a, c])
        self.reeve.must("DELETE", "/v1/deployments/files")

    def test_a_certificate_that_gets_another_name_says_so(self):
        a, b = self.fresh(2)
        certificate, _ = self.issue([a])
        reply = self.patch(certificate, names=[b], domain_alias=self.aliases([b]))
        self.assertEqual(reply.status, 202, reply.body)
        self.assertIn(f"{a} is called {b} from now on", reply.body["warning"])
        self.assertEqual(reply.body["certificate"]["name"], b)
        order = self.reeve.wait_order(reply.body["order"]["id"])
        self.assertTrue(any(f"is called {b}" in t for t in self.texts(order)), self.texts(order))

    def test_key_type_and_authority(self):
        names = self.fresh()
        certificate, _ = self.issue(names)
        self.edited(certificate, key_type="p384")
        self.assertIn("P-384", lab.run(["openssl", "pkey", "-pubin", "-noout", "-text"], input=self.key(certificate)).stdout)
        mark = self.lab.pebble.mark()
        self.edited(certificate, authority="second")
        now = self.get(certificate)
        self.assertEqual((now["authority"], now["issued_by"], now["version"]), ("second", "second", 3))
        self.assertEqual(self.ca.requests(0, "POST", "/order-plz")[-1].path, "/order-plz")
        self.assertEqual(self.lab.pebble.requests(mark)["order-plz"], 1)
        # Another CA does not know what the first one issued: nothing of it is sent, and nobody else is asked about it.
        order = self.orders(certificate)[0]
        self.assertFalse([t for t in self.texts(order) if "replace" in t], self.texts(order))
        # The old one can go, and is refused as the place of anything new.
        back = self.edited(certificate, authority="first")
        self.assertFalse([t for t in self.texts(back) if "replace" in t], self.texts(back))

    def test_an_edit_takes_the_place_of_the_order_that_runs(self):
        a, b = self.fresh(2)
        certificate, _ = self.issue([a])
        self.hold_orders()
        running = self.reeve.must("POST", f"/v1/certificates/{certificate['id']}/renew", {})["order"]
        lab.wait_until("the order at the CA", lambda: self.reeve.order(running["id"])["problem"])
        reply = self.patch(certificate, names=[a, b], domain_alias=self.aliases([b]))
        self.assertEqual(reply.status, 202, reply.body)
        self.ca.rules = []
        order = self.reeve.wait_order(reply.body["order"]["id"])
        self.assertEqual(order["status"], "issued", order)
        cancelled = self.reeve.order(running["id"])
        self.assertEqual(cancelled["status"], "cancelled")
        self.assertIn(f"order {order['id']} is in its place", cancelled["detail"])
        self.reeve.wait_gone(running["id"])
        self.assert_certificate(certificate["id"], [a, b])
        self.assertEqual(self.get(certificate)["renewal"]["failures"], 0)
        # What it left pending at the CA is given up behind it, and nothing of the order in its place.
        ended = lab.wait_until("the operation", lambda: [o for o in self.reeve.must("GET", "/v1/operations")["operations"]
                                                         if o["certificate_id"] == certificate["id"] and o["ended_at"]], 30)
        self.assertEqual([o["report"] for o in ended], [{"given_up": 1, "of": 1}], ended)

    def test_nothing_to_order_and_nothing_to_change(self):
        names = self.fresh(2)
        certificate, order = self.issue(names)
        reply = self.patch(certificate, names=names[::-1], fallback_authority="second", fallback_after="2d", key_policy="reuse")
        self.assertEqual(reply.status, 200, reply.body)
        self.assertEqual((reply.body["names"], reply.body["fallback_authority"], reply.body["fallback_after"], reply.body["key_policy"]),
                         (names[::-1], "second", "2d", "reuse"))
        self.assertEqual(len(self.orders(certificate)), 1)
        self.assertEqual(self.patch(certificate, fallback_authority="", fallback_after="").body["fallback_authority"], None)
        self.assert_problem(self.patch(certificate), 400, "invalid-request", "nothing to change")
        self.assert_problem(self.patch(certificate, paused=True, key_type="p384"), 400, "invalid-request", "apart")

    def test_wrong_edits_change_nothing(self):
        names = self.fresh()
        certificate, _ = self.issue(names)
        before = self.get(certificate)
        for members, status, code, word in (
                ({"authority": "nobody"}, 422, "no-authority", "reeve authority list"),
                ({"fallback_authority": "nobody"}, 422, "no-authority", "nobody"),
                ({"fallback_authority": "first"}, 400, "invalid-request", "its own fall-back"),
                ({"fallback_after": "soon"}, 400, "invalid-request", "12h"),
                ({"fallback_after": "1/3"}, 400, "invalid-request", "12h"),
                ({"key_type": "dsa"}, 400, "invalid-request", "p256"),
                ({"key_policy": "keep"}, 400, "invalid-request", "reuse"),
                ({"names": []}, 400, "invalid-request", "names"),
                ({"names": ["192.0.2.1"]}, 400, "invalid-name", "IP address"),
                ({"names": [f"x{i}.example.com" for i in range(101)]}, 400, "invalid-request", "101"),
                ({"csr": "nonsense"}, 400, "invalid-request", "CSR")):
            with self.subTest(str(members)[:60]):
                self.assert_problem(self.patch(certificate, **members), status, code, word)
        after = self.get(certificate)
        # The renewal job may have asked the CA meanwhile.
        self.assertEqual({k: v for k, v in before.items() if k != "renewal"}, {k: v for k, v in after.items() if k != "renewal"})
        self.assert_problem(self.reeve.api("POST", "/v1/certificates", {"names": [f"x{i}.example.com" for i in range(101)]}),
                            400, "invalid-request", "101")
        self.assert_problem(self.reeve.api("POST", "/v1/certificates", {}), 400, "invalid-request", "csr")

    def test_another_project_and_a_paused_one(self):
        names = self.fresh()
        certificate, _ = self.issue(names)
        self.reeve.must("POST", "/v1/projects", {"name": "other"})
        reply = self.reeve.api("PATCH", f"/v1/certificates/{certificate['id']}", {"key_type": "p384"}, project="other")
        self.assertEqual(reply.status, 404, reply.body)
        self.patch(certificate, paused=True)
        self.assert_problem(self.patch(certificate, key_type="p384"), 409, "paused", "resume")
        self.patch(certificate, paused=False)
        self.edited(certificate, key_type="p384")

    def test_a_name_without_its_record_waits_and_the_old_version_is_served(self):
        names = self.fresh()
        certificate, _ = self.issue(names)
        # While it waited nothing would be renewed: it is refused, with what to publish, and nothing has changed.
        self.assert_problem(self.patch(certificate, names=[*names, "dangling.example.com"]), 422, "delegation-missing",
                            "_acme-challenge.dangling.example.com")
        self.assertEqual(self.get(certificate)["names"], names)
        self.assertEqual(len(self.orders(certificate)), 1)
        done = self.reeve.cli("certificate", "set", certificate["id"], "--name", names[0], "--name", "dangling.example.com")
        self.assertIn("_acme-challenge.dangling.example.com", done.stderr)
        # Unless somebody wants it so.
        reply = self.patch(certificate, names=[*names, "dangling.example.com"], planned=True)
        self.assertEqual(reply.status, 202, reply.body)
        self.assertEqual(reply.body["order"]["problem"], "delegation-missing")
        self.assertIn("_acme-challenge.dangling.example.com", reply.body["order"]["hint"])
        self.assert_certificate(certificate["id"], names)
        # Back again: the order that waits is cancelled, the names are the old ones, and it is ordered.
        order = self.edited(certificate, names=names)
        self.assertEqual(self.reeve.order(reply.body["order"]["id"])["status"], "cancelled")
        self.assert_certificate(certificate["id"], names)
        self.assertEqual(self.routes(certificate), set(names))
        self.assertEqual(order["status"], "issued")

    def test_an_edit_that_failed_is_tried_again(self):
        names = self.fresh()
        certificate, _ = self.issue(names)
        self.ca.rules = [scripted_ca.only("POST /order-plz", lambda _: (404, "malformed", "not now", {}))]
        self.edited(certificate, status="failed", key_type="p384")
        renewal = self.get(certificate)["renewal"]
        self.assertEqual((renewal["reason"], renewal["failures"]), ("retry", 1), renewal)
        due = datetime.datetime.fromisoformat(renewal["due_at"].replace("Z", "+00:00")).timestamp()
        self.assertLess(due - time.time(), 300)

    def test_an_authority_that_was_removed(self):
        names = self.fresh()
        self.reeve.add_authority(self.ca, name="gone")
        far = self.ca.windows
        self.ca.windows = lambda *_: (time.time() + 5, time.time() + 6)
        certificate, _ = self.issue(names, authority="gone")
        lab.wait_until("the window", lambda: self.get(certificate)["renewal"]["window"])
        self.ca.windows = far
        self.reeve.must("DELETE", "/v1/authorities/gone")
        self.assertTrue(self.get(certificate)["authority_removed"])
        self.assert_problem(self.reeve.api("POST", f"/v1/certificates/{certificate['id']}/renew", {}), 422, "no-authority",
                            "was removed", "--authority")
        self.assert_problem(self.patch(certificate, key_type="p384"), 422, "no-authority", "was removed")
        # The renewal that falls due orders nothing, and says why.
        lab.wait_until("the finding", lambda: "gone" in (self.get(certificate)["renewal"]["finding"] or ""))
        self.assertEqual(len(self.orders(certificate)), 1)
        self.edited(certificate, authority="first", key_type="p384")
        self.assertFalse(self.get(certificate)["authority_removed"])

    # -- keys

    def test_a_key_is_used_again_until_it_is_compromised(self):
        names = self.fresh()
        certificate, _ = self.issue(names, key_policy="reuse")
        first = self.key(certificate)
        renewal = self.reeve.must("POST", f"/v1/certificates/{certificate['id']}/renew", {})["order"]
        self.reeve.wait_order(renewal["id"])
        self.assertIn("the key of version 1 is used again, and sealed", self.texts(renewal))
        self.assertEqual(self.key(certificate), first)
        self.assert_certificate(certificate["id"], names)
        self.assert_problem(self.patch(certificate, key_type="p384"), 409, "conflict", "p256", "key_policy")
        order = self.edited(certificate, key_compromised=True)
        second = self.key(certificate)
        self.assertNotEqual(second, first)
        self.assertTrue(any("reported compromised" in t for t in self.texts(order)), self.texts(order))
        # A revocation says so too, and its replacement has another key.
        reply = self.reeve.api("POST", f"/v1/certificates/{certificate['id']}/revoke", {"reason": "keyCompromise", "reissue": True})
        self.assertEqual(reply.status, 202, reply.body)
        lab.wait_until("the revocation", lambda: self.reeve.must("GET", f"/v1/operations/{reply.body['id']}")["state"] == "done", 30)
        lab.wait_until("the replacement", lambda: self.get(certificate)["version"] == 4, 30)
        self.assertNotEqual(self.key(certificate), second)
        second = self.key(certificate)
        # The policy holds for the new one.
        self.edited(certificate, names=[*names, *self.fresh()], domain_alias=self.aliases([f"n{type(self).count - 1}.example.com"]))
        self.assertEqual(self.key(certificate), second)
        self.edited(certificate, key_type="p384", key_policy="new")
        self.assertNotEqual(self.key(certificate), second)

    def csr(self, *names, key=("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"), san=None, extra=(), form="PEM"):
        path = self.lab.directory / f"csr{time.monotonic_ns()}"
        lab.run(["openssl", "req", "-new", "-nodes", *key, "-keyout", f"{path}.key", "-out", f"{path}.csr", "-outform", form,
                 "-subj", "/", "-addext", "subjectAltName=" + (san or ",".join(f"DNS:{n}" for n in names)), *extra])
        return path.with_name(path.name + ".csr"), path.with_name(path.name + ".key")

    def test_a_request_of_the_user(self):
        names = self.fresh(2)
        request, key = self.csr(*names)
        certificate, _ = self.issue(names, csr=request.read_text())
        self.assertTrue(self.get(certificate)["csr"])
        leaf = lab.pem_blocks(self.reeve.download(certificate["id"]))[0]
        self.assertEqual(lab.certificate_public_key(leaf), lab.private_public_key(key.read_text()))
        self.assertEqual(lab.pem_names(leaf), sorted(names))
        for part in ("key", "combined"):
            self.assert_problem(self.reeve.api("GET", f"/v1/certificates/{certificate['id']}/download?part={part}"), 409, "no-key",
                                "made from a CSR")
        with sqlite3.connect(f"file:{self.reeve.home}/var/reeve.db?mode=ro", uri=True) as db:
            self.assertEqual(db.execute("SELECT length(key_blob) FROM versions WHERE certificate_id = ?", (certificate["id"],)).fetchall(),
                             [(0,)])
        # A directory gets what there is; a hook, which expects a key, is refused.
        target = self.lab.directory / "csr-target"
        self.reeve.add_deployment("csr-files", "files", certificate=certificate["id"], directory=str(target))
        self.assertEqual(self.reeve.deliver("csr-files")["state"], "done")
        self.assertEqual(sorted(p.name for p in (target / "current").iterdir()), ["cert.pem", "chain.pem", "fullchain.pem"])
        self.reeve.add_deployment("csr-p12", "files", certificate=certificate["id"], directory=str(target) + "2", pkcs12=True)
        refused = self.reeve.deliver("csr-p12")
        self.assertEqual((refused["state"], refused["problem"]), ("failed", "no-key"))
        for name in ("csr-files", "csr-p12"):
            self.reeve.must("DELETE", f"/v1/deployments/{name}")
        # Its own key cannot revoke it here, nor can it be replaced by a key that is known to others.
        for body in ({"method": "key"}, {"reason": "keyCompromise", "reissue": True}):
            self.assert_problem(self.reeve.api("POST", f"/v1/certificates/{certificate['id']}/revoke", body), 409, "no-key", "made from a CSR")
        # It is sent again at renewal, and replaced by another.
        renewal = self.reeve.must("POST", f"/v1/certificates/{certificate['id']}/renew", {})["order"]
        self.assertEqual(self.reeve.wait_order(renewal["id"])["status"], "issued")
        for members in ({"names": [names[0]]}, {"key_type": "p384"}, {"key_compromised": True}):
            self.assert_problem(self.patch(certificate, **members), 409, "no-key", "CSR")
        self.assert_problem(self.patch(certificate, key_policy="reuse"), 400, "invalid-request", "CSR")
        self.assert_problem(self.patch(certificate, key_compromised=True, csr=request.read_text()), 400, "invalid-request", "compromised")
        self.assertFalse(self.get(certificate)["key_compromised"])
        # The key of a request may be reported by way of another certificate: then it is ordered no more.
        twin, _ = self.issue(names, csr=request.read_text())
        self.edited(twin, key_compromised=True, csr=self.csr(*names)[0].read_text())
        renewal = self.reeve.must("POST", f"/v1/certificates/{certificate['id']}/renew", {})["order"]
        renewal = self.reeve.wait_order(renewal["id"])
        self.assertEqual((renewal["status"], renewal["problem"], renewal["requests"]), ("failed", "no-key", 0), renewal)
        other, other_key = self.csr(names[0])
        self.edited(certificate, csr=other.read_text())
        leaf = lab.pem_blocks(self.reeve.download(certificate["id"]))[0]
        self.assertEqual(lab.certificate_public_key(leaf), lab.private_public_key(other_key.read_text()))
        self.assertEqual(lab.pem_names(leaf), [names[0]])
        # And Reeve makes the key again.
        self.edited(certificate, csr="")
        self.assert_certificate(certificate["id"], [names[0]])

    def test_a_request_by_command(self):
        names = self.fresh(1)
        request, key = self.csr(*names, key=("-newkey", "rsa:2048"), form="DER")
        alias = self.aliases(names)[names[0]]
        done = self.reeve.cli("certificate", "issue", "--csr", str(request), "--domain-alias", alias, "--wait")
        self.assertEqual(done.returncode, 0, done.stderr)
        leaf = lab.pem_blocks(self.reeve.download(names[0]))[0]
        self.assertEqual(lab.certificate_public_key(leaf), lab.private_public_key(key.read_text()))
        self.assertIn("made from a CSR", self.reeve.cli("certificate", "show", names[0]).stdout)
        done = self.reeve.cli("certificate", "set", names[0], "--csr", "none", "--key-type", "p256", "--wait")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assert_certificate(names[0], names)
        self.assertEqual(self.reeve.cli("certificate", "issue").returncode, 2)
        mixed = self.reeve.cli("certificate", "set", names[0], "--auto-renew", "off", "--key-type", "p384")
        self.assertEqual(mixed.returncode, 2, mixed.stderr)

    def test_requests_that_are_refused(self):
        name = "n0.example.com"
        good = self.csr(name)[0].read_text()
        der = bytearray(base64.b64decode("".join(good.splitlines()[1:-1])))
        der[-1] ^= 1
        cases = {
            "IP address": self.csr(san=f"DNS:{name},IP:192.0.2.1")[0].read_text(),
            "e-mail address": self.csr(san=f"DNS:{name},email:a@example.com")[0].read_text(),
            "URI": self.csr(san=f"DNS:{name},URI:https://example.com")[0].read_text(),
            "1024 bits": self.csr(name, key=("-newkey", "rsa:1024"))[0].read_text(),
            "RSA with 2048": self.csr(name, key=("-newkey", "ed25519"))[0].read_text(),
            "SHA-256": self.csr(name, extra=("-sha1",))[0].read_text(),
            "signature": base64.b64encode(bytes(der)).decode(),
            "common name": self.csr(name, extra=("-subj", "/CN=other.example.com"))[0].read_text(),
            "certificate authority": self.csr(name, extra=("-addext", "basicConstraints=critical,CA:TRUE"))[0].read_text(),
            "basicConstraints": self.csr(name, extra=("-addext", "basicConstraints=DER:0500"))[0].read_text(),
            "extension": self.csr(name, extra=("-addext", "tlsfeature=status_request"))[0].read_text(),
            "twice": self.csr(name, name)[0].read_text(),
            "stands behind it": good + "more\n",
            "not a CERTIFICATE REQUEST": self.lab.pebble.ca_file.read_text(),
            "PKCS#10": base64.b64encode(b"0" * 300).decode(),
            "neither PEM nor": "!!!",
            "nor base64": good + good,
        }
        for word, csr in cases.items():
            with self.subTest(word):
                self.assert_problem(self.reeve.api("POST", "/v1/certificates", {"csr": csr}), 400, "invalid-request", word)
        for names, word in (([name, "n1.example.com"], "n1.example.com is not in the CSR"), (["n1.example.com"], "not in the CSR")):
            self.assert_problem(self.reeve.api("POST", "/v1/certificates", {"csr": good, "names": names}), 400, "invalid-request", word)
        both = self.csr(name, "n1.example.com")[0].read_text()
        self.assert_problem(self.reeve.api("POST", "/v1/certificates", {"csr": both, "names": [name]}), 400, "invalid-request",
                            "not asked for")
        self.assert_problem(self.reeve.api("POST", "/v1/certificates", {"csr": good, "key_type": "rsa2048"}), 400, "invalid-request",
                            "p256")

    # -- a second authority

    def down(self):
        self.ca.rules = [scripted_ca.only("POST /order-plz", lambda _: (503, "serverInternal", "maintenance", {"Retry-After": "1"}))]

    def test_the_second_authority_takes_over_and_the_first_comes_back(self):
        names = self.fresh()
        certificate, _ = self.issue(names, fallback_authority="second", fallback_after="0")
        self.assertFalse(self.get(certificate)["issued_by_fallback"])
        self.down()
        given_up = self.reeve.must("POST", f"/v1/certificates/{certificate['id']}/renew", {})["order"]
        self.assertEqual(given_up["authority"], "first")
        now = lab.wait_until("version by the second", lambda: (c := self.get(certificate))["issued_by_fallback"] and c, 45)
        self.assertEqual((now["authority"], now["issued_by"]), ("first", "second"))
        order = self.orders(certificate)[0]
        self.assertEqual(order["authority"], "second")
        self.assertTrue(any("fail-over: this order goes to second instead of first" in t for t in self.texts(order)), self.texts(order))
        given_up = self.reeve.order(given_up["id"])
        self.assertEqual((given_up["status"], given_up["problem"]), ("failed", "serverInternal"))
        self.assertIn("given up for second", given_up["detail"])
        self.assertIn("the fall-back", self.reeve.cli("certificate", "show", certificate["id"]).stdout)
        self.assert_certificate(certificate["id"], names)
        self.ca.rules = []
        renewal = self.reeve.must("POST", f"/v1/certificates/{certificate['id']}/renew", {})["order"]
        self.assertEqual(self.reeve.wait_order(renewal["id"])["status"], "issued")
        now = self.get(certificate)
        self.assertEqual((now["issued_by"], now["issued_by_fallback"]), ("first", False))

    def test_not_before_its_time_and_not_for_what_a_person_must_change(self):
        names = self.fresh(2)
        self.down()
        certificate, order = self.reeve.issue([names[0]], domain_alias=self.aliases(names[:1]), fallback_authority="second")
        lab.wait_until("a second failure", lambda: len(self.ca.requests(0, "POST", "/order-plz")) and
                       self.reeve.order(order["id"])["problem"] == "serverInternal")
        time.sleep(3)
        self.assertEqual([o["authority"] for o in self.orders(certificate)], ["first"])
        self.reeve.must("POST", f"/v1/orders/{order['id']}/cancel", {})
        self.ca.rules = [scripted_ca.only("POST /order-plz", lambda _: (403, "rejectedIdentifier", "policy", {}))]
        certificate, order = self.issue([names[1]], status="failed", fallback_authority="second", fallback_after="0")
        self.assertEqual(order["problem"], "rejectedIdentifier")
        time.sleep(3)
        self.assertEqual([o["authority"] for o in self.orders(certificate)], ["first"])

    # -- kill -9

    def test_a_kill_around_the_edit(self):
        """Before the commit nothing has changed; after it everything has, and the order goes on by itself."""
        a, b = self.fresh(2)
        certificate, _ = self.issue([a])
        for point, names in (("certificate.edit.commit-before", [a]), ("certificate.edit.commit-after", [a, b])):
            with self.subTest(point):
                once = self.lab.directory / f"once-{point}"
                self.reeve.stop()
                self.reeve.serve({"REEVE_CRASH_AT": point, "REEVE_CRASH_ONCE": str(once)})
                self.patch(certificate, names=[a, b], domain_alias=self.aliases([b]))
                lab.wait_until("the kill", once.exists)
                lab.wait_until("the server", self.reeve.healthy)
                now = lab.wait_until("an answer", lambda: self.get(certificate))
                self.assertEqual(now["names"], names)
                running = [o for o in self.orders(certificate) if o["status"] == "running"]
                self.assertLessEqual(len(running), 1)
                for order in running:
                    self.assertEqual(self.reeve.wait_order(order["id"], patient=True)["status"], "issued")
                self.assert_certificate(certificate["id"], names)
        self.reeve.stop()
        self.reeve.serve()

    def test_a_kill_around_the_fail_over(self):
        for point in ("fail-over.watch.commit-before", "fail-over.watch.commit-after"):
            with self.subTest(point):
                names = self.fresh()
                once = self.lab.directory / f"once-{point}"
                self.reeve.stop()
                self.reeve.serve({"REEVE_CRASH_AT": point, "REEVE_CRASH_ONCE": str(once)})
                self.down()
                certificate, order = self.reeve.issue(names, domain_alias=self.aliases(names), fallback_authority="second",
                                                      fallback_after="0")
                lab.wait_until("the kill", once.exists, 30)
                lab.wait_until("the server", self.reeve.healthy)
                lab.wait_until("the end", lambda: self.get(certificate)["issued_by_fallback"], 45)
                orders = self.orders(certificate)
                self.assertEqual([(o["authority"], o["status"]) for o in orders], [("second", "issued"), ("first", "failed")])
                self.assert_certificate(certificate["id"], names)
        self.reeve.stop()
        self.reeve.serve()


if __name__ == "__main__":
    tap.main()
