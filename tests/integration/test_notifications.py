#!/usr/bin/env python3
"""Who is told what: by mail and webhook, once, with the words that help, through outages and kills, and never at an order's cost."""

import contextlib
import email
import email.policy
import hashlib
import hmac
import json
import os
import pathlib
import signal
import sqlite3
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tools"))

import lab  # noqa: E402
import mail_server  # noqa: E402
import scripted_ca  # noqa: E402
import tap  # noqa: E402

DAY = 86400


def read(mail):
    return email.message_from_bytes(mail.raw, policy=email.policy.default)


class Notifications(tap.Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.ca = scripted_ca.ScriptedCA(cls.lab.directory / "ca", *cls.lab.where["spare"], cls.lab.pebble)
        cls.address = cls.lab.where["webhook"][0]
        cls.ports = iter(range(4450, 4500))
        cls.names = iter(f"n{i}.example.com" for i in range(100))
        cls.lab.knot.set("example.com", *(f"_acme-challenge.n{i}.example.com. 300 IN CNAME _acme-challenge.validation.example.org."
                                          for i in range(100)))
        cls.lab.reeve.must("POST", "/v1/authorities",
                           {"name": "ca", "directory_url": cls.ca.url, "email": "account@example.test", "ca_pem": cls.ca.ca_file.read_text(),
                            "allow_addresses": [f"{cls.ca.address}/32"]})

    @classmethod
    def tearDownClass(cls):
        cls.ca.stop()
        super().tearDownClass()

    def setUp(self):
        self.ca.rules, self.ca.explanation = [], None
        self.ca.windows = lambda certificate, count: (time.time() + 365 * DAY, time.time() + 366 * DAY)
        for notifier in self.lab.reeve.must("GET", "/v1/notifications")["notifications"]:
            self.lab.reeve.must("DELETE", f"/v1/notifications/{notifier['name']}")

    # -- what they are made of

    def mail(self, **options):
        server = mail_server.MailServer(self.lab.directory / f"mail{next(self.ports)}", self.address, next(self.ports), **options)
        self.addCleanup(server.stop)
        return server

    def hook(self, statuses=(204,)):
        server = lab.WebhookServer(self.lab.directory / f"hook{next(self.ports)}", self.address, next(self.ports), statuses=statuses)
        self.addCleanup(server.stop)
        return server

    def add(self, name, kind, settings, **members):
        return self.lab.reeve.must("POST", "/v1/notifications", {"name": name, "kind": kind, "settings": settings, **members})

    def add_hook(self, name, server, **members):
        return self.add(name, "webhook", {"url": server.url, "ca_pem": server.ca_file.read_text(),
                                          "allow_addresses": [f"{self.address}/32"]}, **members)

    def order(self, **members):
        certificate, order = self.lab.reeve.issue([next(self.names)], domain_alias="validation.example.org", **members)
        return certificate, self.lab.reeve.wait_order(order["id"])

    def issue(self):
        certificate, order = self.order()
        self.assertEqual(order["status"], "issued", order)
        return certificate, order

    def renew(self, certificate):
        order = self.lab.reeve.must("POST", f"/v1/certificates/{certificate['id']}/renew", {})["order"]
        return self.lab.reeve.wait_order(order["id"])

    def told(self, server, count=1, timeout=30):
        """The bodies a webhook got, once there are so many."""
        lab.wait_until(f"{count} messages", lambda: len(server.requests) >= count, timeout)
        return [json.loads(body) for _, body in server.requests]

    def mailed(self, server, count=1, timeout=30):
        lab.wait_until(f"{count} mails", lambda: len(server.mails) >= count, timeout)
        return [read(m) for m in server.mails]

    def show(self, name):
        return self.lab.reeve.must("GET", f"/v1/notifications/{name}")

    def change(self, statement, *values):
        """The database as time would leave it."""
        reeve = self.lab.reeve
        self.assertTrue(reeve.stop())
        with contextlib.closing(sqlite3.connect(reeve.home / "var" / "reeve.db")) as db, db:
            self.assertGreater(db.execute(statement, values).rowcount, 0)
        reeve.serve()

    # -- mail

    def test_mail_with_starttls_and_a_password(self):
        reeve, server = self.lab.reeve, self.mail(users={"reeve": "pässword, \"x\""})
        self.add("ops", "smtp", server.settings(username="reeve"), secret="pässword, \"x\"", events=["issued", "default"])
        done = reeve.must("POST", "/v1/notifications/ops/test")
        self.assertEqual((done["delivered"], done["answer"]), (True, "250 2.0.0 queued as 00001"), done)
        certificate, order = self.issue()
        test, issued = self.mailed(server, 2)[:2]
        sent = server.mails[1]
        self.assertEqual((sent.sender, sent.recipients, sent.user, sent.tls), ("<reeve@example.test>", ("<ops@example.test>",), "reeve", True))
        self.assertIn("asked for a test", test.get_content())
        self.assertIn(f"{certificate['name']}: certificate issued by ca, valid until", issued["Subject"])
        self.assertEqual(issued["From"], "Reeve <reeve@example.test>")
        self.assertEqual(issued["Auto-Submitted"], "auto-generated")
        self.assertLess(abs(issued["Date"].datetime.timestamp() - time.time()), 120)
        self.assertTrue(issued["Message-ID"].endswith("@example.test>"), issued["Message-ID"])
        self.assertIn(f"reeve order show {order['id']}", issued.get_content())
        self.assertIn("reeve notify update ops", issued.get_content())
        # The order's timeline tells of it, and the secret is nowhere.
        lab.wait_until("the timeline", lambda: any("ops was told of issued: 250 2.0.0" in t["text"] for t in reeve.order(order["id"])["timeline"]))
        shown = json.dumps(self.show("ops")) + reeve.log()
        self.assertNotIn("pässword", shown)
        self.assertNotIn("p\\u00e4ssword", shown)
        self.assertEqual((self.show("ops")["secret_set"], self.show("ops")["waiting"]), (True, 0))

    def test_mail_goes_to_the_account_by_default(self):
        server = self.mail(security="tls")
        settings = server.settings()
        settings.pop("to")
        self.add("ops", "smtp", settings, events=["issued"])
        self.issue()
        self.mailed(server)
        self.assertEqual(server.mails[0].recipients, ("<account@example.test>",))

    def test_what_a_mail_server_can_say(self):
        reeve, server, plain = self.lab.reeve, self.mail(users={"reeve": "right"}), self.mail(security="none")

        def attempt(settings, secret=None, words=(), problem=None):
            self.add("t", "smtp", settings, **({"secret": secret} if secret else {}))
            done = reeve.must("POST", "/v1/notifications/t/test")
            reeve.must("DELETE", "/v1/notifications/t")
            text = f"{done['detail']} {done['hint']}"
            for word in words:
                self.assertIn(word, text)
            self.assertEqual((done["delivered"], done["problem"]), (problem is None, problem), done)
        attempt(server.settings(username="reeve"), "wrong", ("does not take the password of reeve", "535 5.7.8 wrong password, friend", "--password-file"), "refused")
        server.refuse["RCPT"] = ["550 5.1.1 no such user here"]
        attempt(server.settings(username="reeve"), "right", ("550 5.1.1 no such user here",), "refused")
        server.refuse["END"] = ["451 4.7.1 greylisted"]
        attempt(server.settings(username="reeve"), "right", ("451 4.7.1 greylisted",), "unavailable")
        attempt({**plain.settings(), "security": "starttls"}, None, ("offers no STARTTLS",), "unavailable")
        self.assertEqual(plain.mails, [])
        attempt({**server.settings(username="reeve"), "ca_pem": ""}, "right", ("ca_file",), "unavailable")
        attempt({**server.settings(username="reeve"), "allow_addresses": []}, "right", ("loopback",), "address-refused")
        attempt({**server.settings(username="reeve"), "port": 9}, "right", ("did not accept a connection",), "unavailable")
        attempt(plain.settings())
        self.assertEqual(len(plain.mails), 1)

    def test_what_is_refused_when_it_is_added(self):
        good = {"host": "mail.example.org", "from": "a@example.org", "to": ["b@example.org"]}
        for settings, secret, words in (
                ({**good, "to": ["b@example.org\r\nBcc: x@example.org"]}, None, "not a mail address"),
                ({**good, "to": ["<b@example.org> SIZE=1"]}, None, "not a mail address"),
                ({**good, "from": "Ops <a@example.org>"}, None, "without a name"),
                ({**good, "host": "mail.example.org/x"}, None, "not the name of a server"),
                ({**good, "host": "mail.example.org:25"}, None, "port is a member of its own"),
                ({**good, "security": "none", "username": "u"}, "p", "not sent without encryption"),
                ({**good, "username": "u"}, None, "password of u is missing"),
                (good, "p", "but no user"),
                ({**good, "url": "https://x.example"}, None, "knows no \"url\""),
                ({"host": "mail.example.org"}, None, "sender is missing"),
        ):
            with self.subTest(words=words, settings=settings):
                reply = self.lab.reeve.api("POST", "/v1/notifications", {"name": "x", "kind": "smtp", "settings": settings,
                                                                         **({"secret": secret} if secret else {})})
                self.assertEqual(reply.status, 400, reply.body)
                self.assertIn(words, f"{reply.body['detail']} {reply.body.get('hint')}")
        reply = self.lab.reeve.api("POST", "/v1/notifications", {"name": "x", "kind": "webhook", "settings": {"url": "https://x.example"}, "events": ["renwed"]})
        self.assert_problem(reply, 400, "invalid-request", "there is no event \"renwed\"", "renewed")

    def test_words_of_others_stay_inside_the_mail(self):
        server = self.mail()
        self.add("ops", "smtp", server.settings())
        evil = "no\r\nBcc: all@example.org\r\n\r\n.\r\nMAIL FROM:<x@example.org>\r\n\u2028 für dich \u202e=?UTF-8?Q?x?="
        self.ca.rules = [scripted_ca.only("^POST /order-plz", lambda _: (403, "rejectedIdentifier", evil, {}))]
        certificate, order = self.order()
        self.assertEqual(order["status"], "failed", order)
        mail = self.mailed(server)[0]
        self.assertIn(f"{certificate['name']}: no certificate was issued", mail["Subject"])
        self.assertEqual(sorted({k.lower() for k in mail.keys()}),
                         sorted(["from", "to", "subject", "date", "message-id", "auto-submitted", "x-reeve-event", "mime-version",
                                 "content-type", "content-transfer-encoding"]))
        self.assertIn("für dich", mail.get_content())
        self.assertEqual([l for l in server.dialogue if l.upper().startswith(b"MAIL FROM")], [b"MAIL FROM:<reeve@example.test>\r\n"])
        self.assertNotIn("\nBcc", mail.get_content())
        self.assertTrue(all(len(l) <= 78 for l in server.mails[0].raw.split(b"\r\n")))
        server.mails[0].raw.decode("ascii")

    # -- webhooks

    def test_a_webhook_is_signed_and_told_of_each_change_once(self):
        reeve, server, quiet = self.lab.reeve, self.hook((503, 204)), self.hook()
        self.add_hook("hook", server, secret="s3cret", events=["all"])
        self.add_hook("quiet", quiet)
        certificate, order = self.issue()
        first, again = self.told(server, 2)
        self.assertEqual((first["id"], first["event"], first["state"]), (again["id"], "issued", "happened"))
        headers, body = server.requests[1]
        parts = dict(p.split("=", 1) for p in headers["X-Reeve-Signature"].split(","))
        self.assertEqual(hmac.new(b"s3cret", parts["t"].encode() + b"." + body, hashlib.sha256).hexdigest(), parts["v1"])
        self.assertEqual(headers["X-Reeve-Event"], first["id"])
        self.assertEqual((first["details"]["name"], first["details"]["order_id"], first["details"]["project"]), (certificate["name"], order["id"], "default"))
        # Two failures in a row are one condition; its end is told too.
        self.ca.rules = [scripted_ca.only("^POST /order-plz", lambda _: (403, "rejectedIdentifier", "not today", {}))]
        for _ in range(2):
            self.assertEqual(self.renew(certificate)["status"], "failed")
        self.ca.rules = []
        self.assertEqual(self.renew(certificate)["status"], "issued")
        heard = self.told(server, 5)[2:]
        self.assertEqual([(m["event"], m["state"]) for m in heard], [("renewal-failed", "happened"), ("renewed", "happened"), ("renewal-failed", "over")])
        self.assertIn("not today", heard[0]["message"])
        self.assertIn("Tried again:", heard[0]["message"])
        self.assertTrue(heard[0]["details"]["next_try_at"])
        # The quiet one heard of nothing but the trouble.
        self.assertEqual([(m["event"], m["state"]) for m in self.told(quiet, 2)], [("renewal-failed", "happened"), ("renewal-failed", "over")])

    def test_an_outage_is_bounded_and_costs_no_order(self):
        reeve = self.lab.reeve
        address, port = self.address, next(self.ports)
        self.add("gone", "webhook", {"url": f"https://{address}:{port}/", "allow_addresses": [f"{address}/32"]}, events=["all"])
        certificate, order = self.issue()
        waiting = lab.wait_until("a failure", lambda: (s := self.show("gone"))["problem"] and s)
        self.assertEqual((waiting["waiting"], waiting["problem"], waiting["messages"][0]["state"]), (1, "unavailable", "waiting"), waiting)
        self.assertTrue(waiting["next_try_at"])
        self.assertTrue(any("could not be told of issued" in t["text"] for t in reeve.order(order["id"])["timeline"]))
        listed = reeve.cli("notify", "list")
        self.assertIn("did not accept a connection", listed.stdout)
        report = reeve.must("GET", f"/v1/doctor?name={certificate['name']}")
        self.assertEqual([(n["name"], n["waiting"], n["problem"]) for n in report["notifications"]], [("gone", 1, "unavailable")])
        self.assertIn("1 message to gone waits: ", reeve.cli("doctor", certificate["name"]).stdout)
        # A queue that is full takes no more, and says so once it is told.
        self.change("INSERT INTO notifications (notifier_id, event_id, recipient, state, created_at)"
                    " WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 199) SELECT q.notifier_id, q.event_id, '', 'queued', q.created_at"
                    " FROM n, (SELECT * FROM notifications WHERE ended_at IS NULL LIMIT 1) q")
        for _ in range(2):
            self.assertEqual(self.renew(certificate)["status"], "issued")
        self.assertEqual((self.show("gone")["waiting"], self.show("gone")["dropped"]), (200, 2))
        # After a day it is given up.
        self.change("UPDATE notifications SET created_at = created_at - 86500000, next_try_at = NULL WHERE ended_at IS NULL")
        reeve.must("PATCH", "/v1/notifications/gone", {"events": ["all"]})
        given_up = lab.wait_until("the end", lambda: (s := self.show("gone"))["waiting"] == 0 and s)
        self.assertEqual(given_up["messages"][0]["state"], "failed")
        server = self.hook()
        reeve.must("PATCH", "/v1/notifications/gone", {"settings": {"url": server.url, "ca_pem": server.ca_file.read_text(),
                                                                    "allow_addresses": [f"{self.address}/32"]}})
        self.assertEqual(self.renew(certificate)["status"], "issued")
        self.assertIn("2 more messages were not kept", self.told(server)[0]["message"])
        self.assertEqual(lab.wait_until("the count", lambda: self.show("gone")["dropped"] == 0), True)

    def test_many_at_once_are_one_mail(self):
        server = self.mail()
        self.add("ops", "smtp", server.settings(), events=["issued"])
        server.refuse["MAIL"] = ["451 4.3.0 later"]
        orders = [self.lab.reeve.issue([next(self.names)], domain_alias="validation.example.org")[1] for _ in range(4)]
        for order in orders:
            self.assertEqual(self.lab.reeve.wait_order(order["id"])["status"], "issued")
        lab.wait_until("all", lambda: sum(len(read(m).get_all("X-Reeve-Event")) for m in server.mails) == 4)
        self.assertLess(len(server.mails), 4)
        ids = [i for m in server.mails for i in read(m).get_all("X-Reeve-Event")]
        self.assertEqual(len(set(ids)), 4)

    # -- the other events, as they happen

    def test_delegation_broken_and_whole(self):
        reeve, server = self.lab.reeve, self.hook()
        self.add_hook("hook", server)
        name = "broken.example.com"
        delegation = reeve.add_delegation(name)
        self.lab.knot.cname(name, delegation["target"])
        check = lambda: reeve.must("POST", f"/v1/delegations/{name}/check")["health"]  # noqa: E731
        lab.wait_until("verified", lambda: check() == "verified")
        self.lab.knot.cname(name, "elsewhere.example.org")
        lab.wait_until("broken", lambda: check() == "broken")
        self.assertEqual(check(), "broken")
        self.lab.knot.cname(name, delegation["target"])
        lab.wait_until("verified again", lambda: check() == "verified")
        heard = self.told(server, 2)
        self.assertEqual([(m["event"], m["state"], m["details"]["name"]) for m in heard],
                         [("delegation-broken", "happened", name), ("delegation-broken", "over", name)])
        self.assertIn(f"change the record to: _acme-challenge.{name}.", heard[0]["message"])

    def test_a_delivery_that_failed(self):
        reeve, server = self.lab.reeve, self.hook()
        self.add_hook("hook", server)
        certificate, _ = self.issue()
        reeve.add_hook("says-no", "#!/bin/sh\necho no\nexit 3\n")
        reeve.add_deployment("web", "webhook", certificate=certificate["id"], url=server.url.replace("/hook", "/deploy"), ca_pem=server.ca_file.read_text(),
                             allow_addresses=[f"{self.address}/32"])
        server.statuses[:] = [403, 204]
        self.assertEqual(self.renew(certificate)["status"], "issued")
        heard = lab.wait_until("the news", lambda: [m for m in self.told(server, 2) if m["event"] == "deployment-failed"])
        self.assertEqual((heard[0]["state"], heard[0]["details"]["name"]), ("happened", f"{certificate['name']} to web"))
        self.assertIn("answered 403", heard[0]["message"])
        self.assertEqual(reeve.deliver("web")["state"], "done")
        lab.wait_until("the end", lambda: [m for m in self.told(server, 3) if m["event"] == "deployment-failed" and m["state"] == "over"])

    def test_incident_expiry_and_an_authority_that_is_away(self):
        reeve, server = self.lab.reeve, self.hook()
        self.add_hook("hook", server)
        self.ca.explanation = "https://status.example/incident#7"
        one, _ = self.issue()
        two, _ = self.issue()
        heard = self.told(server)
        self.assertEqual([(m["event"], m["details"]["url"]) for m in heard], [("ca-incident", "https://status.example/incident#7")])
        # A sixth of the life is left, and nobody renews it.
        reeve.must("PATCH", f"/v1/certificates/{one['id']}", {"auto_renew": False})
        now = int(time.time() * 1000)
        self.change("UPDATE versions SET not_before_at = ?, not_after_at = ? WHERE certificate_id = ?", now - 80 * DAY * 1000, now + 10 * DAY * 1000, one["id"])
        reeve.must("PATCH", f"/v1/certificates/{one['id']}", {"auto_renew": False})
        late = self.told(server, 2)[1]
        self.assertEqual((late["event"], late["state"], late["details"]["name"]), ("expiring", "happened", one["name"]))
        self.assertIn(f"reeve certificate renew {one['name']}", late["message"])
        # The same day it is not said again; the next day it is, as a reminder.
        self.change("UPDATE jobs SET wake_at = 0 WHERE kind = 'renewal-info' AND subject = ?", one["id"])
        self.change("UPDATE conditions SET told_at = told_at - 90000000 WHERE key LIKE 'certificate/%/expiring'")
        self.assertEqual(len(server.requests), 2)
        self.change("UPDATE jobs SET wake_at = 0 WHERE kind = 'renewal-info' AND subject = ?", one["id"])
        self.assertEqual([(m["event"], m["state"]) for m in self.told(server, 3)[2:]], [("expiring", "again")])
        self.change("UPDATE versions SET not_after_at = ? WHERE certificate_id = ?", now - 1000, one["id"])
        self.change("UPDATE jobs SET wake_at = 0 WHERE kind = 'renewal-info' AND subject = ?", one["id"])
        self.assertEqual([(m["event"], m["details"]["problem"]) for m in self.told(server, 4)[3:]], [("expiring", "expired")])
        # An authority that does not answer for minutes: one message, however many orders wait for it.
        self.ca.rules = [scripted_ca.only("^POST /order-plz", lambda _: (503, "serverInternal", "down", {}))]
        order = reeve.must("POST", f"/v1/certificates/{one['id']}/renew", {})["order"]
        reeve.wait_order(order["id"], lambda o: o["problem"])
        self.change("UPDATE jobs SET attempts = 8, wake_at = 0 WHERE kind = 'order' AND order_id = ?", order["id"])
        away = self.told(server, 5)[4]
        self.assertEqual((away["event"], away["details"]["name"]), ("ca-unreachable", "ca"))
        self.assertIn("down", away["message"])
        self.ca.rules = []
        self.change("UPDATE jobs SET wake_at = 0 WHERE kind = 'order' AND order_id = ?", order["id"])
        self.assertEqual(reeve.wait_order(order["id"])["status"], "issued")
        self.assertEqual(sorted((m["event"], m["state"]) for m in self.told(server, 7)[5:]), [("ca-unreachable", "over"), ("expiring", "over")])

    def test_debt(self):
        server = self.hook()
        self.add_hook("hook", server)
        _, order = self.issue()
        self.lab.reeve.wait_gone(order["id"])
        self.change("UPDATE txt_records SET state = 'debt', gone_at = NULL, retry_at = NULL, retired_at = ?, detail = 'the provider is away'"
                    " WHERE order_id = ?", int(time.time() * 1000) - 3700000, order["id"])
        self.change("UPDATE jobs SET wake_at = 0 WHERE kind = 'reaper'")
        debt = self.told(server)[0]
        self.assertEqual((debt["event"], debt["state"], debt["details"]["order_id"]), ("debt", "happened", order["id"]))
        self.assertIn("_acme-challenge.validation.example.org: the provider is away", debt["message"])
        self.change("UPDATE txt_records SET state = 'gone', gone_at = 1 WHERE order_id = ?", order["id"])
        self.change("UPDATE jobs SET wake_at = 0 WHERE kind = 'reaper'")
        self.assertEqual([(m["event"], m["state"]) for m in self.told(server, 2)[1:]], [("debt", "over")])

    # -- kills

    def test_kill_between_event_and_message(self):
        reeve = self.lab.reeve
        for point, least in (("intent-before", 1), ("intent-after", 1), ("done", 2), ("commit-after", 1)):
            with self.subTest(point):
                server = self.hook()
                self.add_hook("hook", server, events=["issued"])
                self.assertTrue(reeve.stop())
                once = reeve.home / f"once-{point}"
                reeve.serve({"REEVE_CRASH_AT": f"notification.send.{point}", "REEVE_CRASH_ONCE": str(once)})
                certificate, order = reeve.issue([next(self.names)], domain_alias="validation.example.org")
                order = reeve.wait_order(order["id"], patient=True)
                self.assertEqual(order["status"], "issued", order)
                lab.wait_until("the kill", once.exists)
                heard = self.told(server, least)
                lab.wait_until("the outcome", lambda: self.sent("hook"))
                # At least once, and each time with the same id.
                self.assertEqual({m["id"] for m in self.told(server)}, {heard[0]["id"]})
                self.assertEqual(len(server.requests), least)
                self.assertTrue(reeve.stop())
                reeve.serve()
                reeve.must("DELETE", "/v1/notifications/hook")
                server.stop()

    def sent(self, name):
        with contextlib.suppress(OSError, lab.LabError):
            return [m["state"] for m in self.show(name)["messages"]] == ["sent"]
        return False

    def test_kill_9_of_everything_with_a_mail_under_way(self):
        reeve, server = self.lab.reeve, self.mail()
        self.add("ops", "smtp", server.settings(), events=["issued"])
        certificate, order = self.issue()
        # Within the pause in which a mail waits for what happens at the same time.
        os.kill(reeve.role_pids()["worker"], signal.SIGKILL)
        mails = self.mailed(server)
        self.assertEqual(len({m["Message-ID"] for m in mails}), 1)

    # -- people

    def test_rows_that_were_changed_send_nothing(self):
        server = self.hook()
        self.add_hook("hook", server)
        self.change("UPDATE notifiers SET settings = replace(settings, '/hook', '/elsewhere') WHERE name = 'hook' AND removed_at IS NULL")
        reply = self.lab.reeve.api("POST", "/v1/notifications/hook/test")
        self.assert_problem(reply, 500, "tampered")
        self.assertEqual(server.requests, [])

    def test_the_command_line(self):
        reeve, server = self.lab.reeve, self.mail(users={"reeve": "right"})
        s = server.settings()
        args = ["--host", s["host"], "--port", str(s["port"]), "--username", "reeve", "--from", s["from"], "--to", "a@example.test", "--to",
                "b@example.test", "--ca-file", str(server.ca_file), "--allow-address", s["allow_addresses"][0]]
        done = reeve.cli("notify", "add", "smtp", "ops", *args, input="")
        self.assertEqual(done.returncode, 3, done.stderr)
        self.assertIn("--password-file FILE|-", done.stderr)
        done = reeve.cli("notify", "add", "smtp", "ops", *args, "--password-file", "-", input="wrong\n")
        self.assertEqual(done.returncode, 0, done.stderr)
        done = reeve.cli("notify", "test", "ops")
        self.assertEqual((done.returncode, "535 5.7.8" in done.stderr), (1, True), done.stdout + done.stderr)
        self.assertEqual(reeve.cli("notify", "update", "ops", "--password-file", "-", "--event", "all", input="right\n").returncode, 0)
        done = reeve.cli("notify", "test", "ops")
        self.assertEqual((done.returncode, done.stdout), (0, "taken: 250 2.0.0 queued as 00001\n"), done.stderr)
        self.assertEqual(server.mails[0].recipients, ("<a@example.test>", "<b@example.test>"))
        self.assertIn("renewal-failed", reeve.cli("notify", "show", "ops").stdout)
        self.assertIn("ops", reeve.cli("notify", "list").stdout)
        self.assertEqual(reeve.cli("notify", "remove", "ops").returncode, 0)
        self.assertEqual(reeve.cli("notify", "test", "ops").returncode, 3)
        added = reeve.cli("notify", "add", "webhook", "chat", "--webhook-url", "https://chat.example.org/hooks/1", "--secret-file", "-", input="abc\n")
        self.assertEqual(added.returncode, 0, added.stderr)
        viewer = reeve.must("POST", "/v1/tokens", {"name": "looks", "role": "viewer"})["token"]
        self.assertEqual(reeve.http("DELETE", "/v1/notifications/chat", token=viewer).status, 403)


if __name__ == "__main__":
    tap.main()
