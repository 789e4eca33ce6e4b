#!/usr/bin/env python3
"""Certificates where they belong: files, hooks that misbehave, webhooks, what is seen, and the way back."""

import hashlib
import hmac
import json
import os
import pathlib
import signal
import stat
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tools"))

import lab  # noqa: E402
import tap  # noqa: E402

FILES = {"cert.pem", "chain.pem", "fullchain.pem", "privkey.pem", "combined.pem"}


class Delivery(tap.Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        reeve = cls.lab.reeve
        reeve.add_authority(cls.lab.pebble)
        cls.names = iter(f"d{i}.example.com" for i in range(100))
        cls.lab.knot.set("example.com", *(f"_acme-challenge.d{i}.example.com. 300 IN CNAME _acme-challenge.validation.example.org."
                                          for i in range(100)))
        cls.shared = cls.issue()

    @classmethod
    def issue(cls, **members):
        """A new certificate: its id."""
        certificate, order = cls.lab.reeve.issue([next(cls.names)], domain_alias="validation.example.org", **members)
        order = cls.lab.reeve.wait_order(order["id"])
        assert order["status"] == "issued", order
        return certificate["id"]

    def renew(self, certificate):
        order = self.lab.reeve.must("POST", f"/v1/certificates/{certificate}/renew", {})["order"]
        order = self.lab.reeve.wait_order(order["id"])
        self.assertEqual(order["status"], "issued", order)
        return order

    def directory(self, name):
        path = self.lab.directory / "targets" / name
        path.parent.mkdir(exist_ok=True)
        return path

    def assert_pair(self, directory, serial=None):
        """All files of one version, key and certificate of one pair."""
        self.assertEqual({p.name for p in directory.iterdir()} - {"bundle.p12"}, FILES)
        leaf = lab.pem_blocks((directory / "fullchain.pem").read_text())[0]
        self.assertEqual(lab.private_public_key((directory / "privkey.pem").read_text()), lab.certificate_public_key(leaf))
        self.assertEqual((directory / "combined.pem").read_text(),
                         (directory / "fullchain.pem").read_text() + (directory / "privkey.pem").read_text())
        self.assertEqual((directory / "cert.pem").read_text() + (directory / "chain.pem").read_text(),
                         (directory / "fullchain.pem").read_text())
        if serial:
            self.assertEqual(int(lab.pem_serial(leaf), 16), int(serial, 16))

    def serial(self, certificate):
        return self.lab.reeve.must("GET", f"/v1/certificates/{certificate}")["serial"]

    def wait_facts(self, name, until, timeout=30):
        return lab.wait_until(f"facts of {name}", lambda: next((f for f in self.lab.reeve.deployment(name)["facts"] if until(f)), None), timeout)

    # -- files

    def test_files_follow_each_version_and_are_seen(self):
        reeve, target = self.lab.reeve, self.directory("files")
        certificate = self.issue()
        address, port = self.lab.where["tls"]
        reeve.add_deployment("files", "files", certificate=certificate, directory=str(target), pkcs12=True, keep=2,
                             probe=f"{address}:{port}", allow_addresses=[f"{address}/32"])
        self.assertEqual(reeve.deployment("files")["facts"][0]["deployed"], None)
        server = lab.TlsServer(address, port, target / "current")
        self.addCleanup(server.stop)
        done = reeve.deliver("files")
        self.assertEqual(done["state"], "done", done)
        self.assertTrue(done["deployed_at"] and done["seen_at"], done)
        self.assertEqual(os.readlink(target / "current"), "1")
        self.assert_pair(target / "current", self.serial(certificate))
        modes = {p.name: stat.S_IMODE(p.stat().st_mode) for p in (target / "1").iterdir()}
        self.assertEqual({n for n, m in modes.items() if m == 0o600}, {"privkey.pem", "combined.pem", "bundle.p12"})
        self.assertEqual({modes[n] for n in FILES - {"privkey.pem", "combined.pem"}}, {0o644})
        shown = lab.run(["openssl", "pkcs12", "-in", target / "current" / "bundle.p12", "-passin", "pass:", "-nokeys", "-clcerts"]).stdout
        self.assertEqual(int(lab.pem_serial(shown), 16), int(self.serial(certificate), 16))
        for number in (2, 3):
            order = self.renew(certificate)
            facts = self.wait_facts("files", lambda f: f["seen"] and f["seen"]["version"] == number)
            self.assertEqual((facts["held"]["version"], facts["deployed"]["version"]), (number, number))
            self.assert_pair(target / "current", self.serial(certificate))
        # Once per version, and the old ones go but for those that are wanted.
        events = [d["event"] for d in reeve.deployment("files")["deliveries"]]
        self.assertEqual(events, ["renewed", "renewed", "manual"])
        self.assertEqual({p.name for p in target.iterdir()}, {".reeve", "current", "2", "3"})
        timeline = [(e["kind"], e["step"], e["outcome"]) for e in reeve.order(order["id"])["timeline"]]
        self.assertIn(("deployment", "deliver", "done"), timeline)
        self.assertIn(("deployment", "probe", "done"), timeline)
        # An older version by hand; then the newest again.
        reeve.deliver("files", version=2)
        self.assertEqual(os.readlink(target / "current"), "2")
        reeve.must("DELETE", "/v1/deployments/files")
        self.assertTrue((target / "current").exists())

    def test_other_forms_of_the_key(self):
        reeve, target = self.lab.reeve, self.directory("forms")
        certificate = self.issue()
        done = reeve.cli("deployment", "add", "forms", "--certificate", certificate, "--directory", target, "--pkcs12",
                         "--pkcs12-password", "changeit", "--pkcs1")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(reeve.deliver("forms")["state"], "done")
        current = target / "current"
        traditional = current / "privkey-pkcs1.pem"
        self.assertIn("-----BEGIN EC PRIVATE KEY-----", traditional.read_text())
        self.assertEqual(stat.S_IMODE(traditional.stat().st_mode), 0o600)
        self.assertEqual(lab.private_public_key(traditional.read_text()), lab.private_public_key((current / "privkey.pem").read_text()))
        store = ["openssl", "pkcs12", "-in", current / "bundle.p12", "-nodes", "-passin"]
        shown = lab.run([*store, "pass:changeit"]).stdout
        self.assertIn("friendlyName: ", shown)
        self.assertIn("BEGIN PRIVATE KEY", shown)
        self.assertNotEqual(lab.run([*store, "pass:"], check=False).returncode, 0)
        self.assert_problem(reeve.api("POST", "/v1/deployments", {"name": "x", "kind": "files", "settings": {
            "directory": str(target), "pkcs12_password": "changeit"}}), 400, "invalid-request", "pkcs12")

    def test_a_server_that_does_not_read_again_gets_the_old_version_back(self):
        reeve, target = self.lab.reeve, self.directory("stubborn")
        certificate = self.issue()
        address, port = self.lab.where["tls"][0], 4439
        reeve.add_deployment("stubborn", "files", certificate=certificate, directory=str(target), probe=f"{address}:{port}",
                             probe_wait_s=2, allow_addresses=[f"{address}/32"])
        server = lab.TlsServer(address, port, target / "current", holds=True)
        self.addCleanup(server.stop)
        self.assertEqual(reeve.deliver("stubborn")["state"], "done")
        first = (target / "current" / "cert.pem").read_text()
        order = self.renew(certificate)
        failed = lab.wait_until("the failure", lambda: next((d for d in reeve.deployment("stubborn")["deliveries"]
                                                             if d["version"] == 2 and d["ended_at"]), None), 30)
        self.assertEqual((failed["state"], failed["problem"], failed["deployed_at"]), ("failed", "not-seen", None), failed)
        self.assertIn("version 1 is back in place", failed["detail"])
        self.assertEqual((target / "current" / "cert.pem").read_text(), first)
        self.assert_pair(target / "current")
        facts = reeve.deployment("stubborn")["facts"][0]
        self.assertEqual((facts["held"]["version"], facts["deployed"]["version"], facts["seen"]["version"]), (2, 1, 1))
        self.assertIn(("roll-back", "done"), [(e["step"], e["outcome"]) for e in reeve.order(order["id"])["timeline"]])

    def test_targets_that_cannot_be_written(self):
        reeve = self.lab.reeve
        real, link, file, occupied = (self.directory(n) for n in ("real", "link", "file", "occupied"))
        real.mkdir()
        link.symlink_to(real)
        file.write_text("mine")
        occupied.mkdir()
        (occupied / "current").mkdir()
        for name, directory, words in (("t-link", link, "symbolic link"), ("t-below", link / "x", "symbolic link"),
                                       ("t-file", file, "not a directory"), ("t-missing", self.directory("no") / "such", "make the directory"),
                                       ("t-occupied", occupied, "Reeve did not make it"),
                                       ("t-owner", self.directory("owned"), "there is no user")):
            with self.subTest(name):
                more = {"owner": "no-such-user-here"} if name == "t-owner" else {}
                reeve.add_deployment(name, "files", certificate=self.shared, directory=str(directory), **more)
                done = reeve.deliver(name)
                self.assertEqual(done["state"], "failed", done)
                self.assertIn(words, f"{done['detail']} {done['hint']}")
                self.assertEqual(list(real.iterdir()), [])
                self.assertEqual(file.read_text(), "mine")
        # A directory belongs to one certificate.
        target, other = self.directory("one"), self.issue()
        reeve.add_deployment("one", "files", certificate=self.shared, directory=str(target))
        reeve.add_deployment("two", "files", certificate=other, directory=str(target))
        self.assertEqual(reeve.deliver("one")["state"], "done")
        self.assertIn("another certificate", reeve.deliver("two")["detail"])
        self.assert_pair(target / "current", self.serial(self.shared))

    def test_full_and_read_only(self):
        reeve, target = self.lab.reeve, self.directory("small")
        target.mkdir()
        if lab.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", target], check=False).returncode != 0:
            self.skipTest("no small file system can be mounted here")
        self.addCleanup(lab.run, ["umount", target])
        certificate = self.issue()
        reeve.add_deployment("small", "files", certificate=certificate, directory=str(target))
        self.assertEqual(reeve.deliver("small")["state"], "done")
        serial = self.serial(certificate)
        (target / "filler").write_bytes(b"")
        with open(target / "filler", "ab", buffering=0) as f:
            try:
                while f.write(b"x" * 4096):
                    pass
            except OSError:
                pass
        self.renew(certificate)
        held = lab.wait_until("the problem", lambda: next((d for d in reeve.deployment("small")["deliveries"] if d["problem"]), None))
        self.assertIn("No space left", held["detail"])
        self.assertIn("still in place", held["hint"])
        self.assert_pair(target / "current", serial)
        self.assertEqual({p.name for p in target.iterdir()}, {".reeve", "1", "current", "filler"})
        lab.run(["mount", "-o", "remount,ro", target])
        self.assertIn("Read-only file system", reeve.deliver("small")["detail"])
        self.assert_pair(target / "current", serial)
        lab.run(["mount", "-o", "remount,rw", target])
        (target / "filler").unlink()
        # The delivery that failed goes on by itself.
        self.wait_facts("small", lambda f: f["deployed"]["version"] == 2)
        self.assert_pair(target / "current", self.serial(certificate))

    def test_a_whole_project(self):
        reeve, target = self.lab.reeve, self.directory("project")
        target.mkdir()
        reeve.add_deployment("project", "files", directory=str(target))
        first, second = self.issue(), self.issue()
        for certificate in (first, second):
            self.wait_facts("project", lambda f, c=certificate: f["certificate_id"] == c and f["deployed"])
            name = reeve.must("GET", f"/v1/certificates/{certificate}")["name"]
            self.assert_pair(target / name / "current", self.serial(certificate))
        self.assertEqual(reeve.deployment("project")["deliveries"][0]["event"], "created")
        self.assert_problem(reeve.api("POST", "/v1/deployments/project/run", {}), 400, "invalid-request", "which one")
        reeve.must("DELETE", "/v1/deployments/project")

    # -- hooks

    def test_a_hook_sees_what_hooks_of_others_see(self):
        reeve, out = self.lab.reeve, self.directory("hook-out")
        reeve.add_hook("show", f"""#!/bin/sh
echo "$CERTMATE_DOMAIN $CERTMATE_EVENT ${{CERTMATE_DRY_RUN:-wet}} $LEGO_CERT_DOMAIN $#"
cat <&3 > {out}.fd
cat "$CERTMATE_FULLCHAIN_PATH" "$CERTMATE_KEY_PATH" > {out}.path
cmp "$LEGO_CERT_PEM_PATH" {out}.fd && cmp "$RENEWED_LINEAGE/cert.pem" "$REEVE_CERT_PATH"
env | sort > {out}.env
ls -l /proc/self/fd > {out}.fds
printf '\\033[31mred\\033[0m\\n'
""")
        reeve.add_deployment("show", "hook", certificate=self.shared, hook="show")
        done = reeve.deliver("show")
        name = reeve.must("GET", f"/v1/certificates/{self.shared}")["name"]
        self.assertEqual((done["state"], done["exit_code"]), ("done", 0), done)
        self.assertEqual(done["output"].splitlines(), [f"{name} manual wet {name} 0", "?[31mred?[0m"])
        self.assertEqual(out.with_suffix(".fd").read_text(), out.with_suffix(".path").read_text())
        self.assertEqual(out.with_suffix(".fd").read_text(), reeve.download(self.shared, "combined"))
        environment = dict(line.split("=", 1) for line in out.with_suffix(".env").read_text().splitlines())
        self.assertFalse([k for k in environment if k.startswith(("ASAN", "REEVE_CRASH", "HOME"))], environment)
        # Nothing of Reeve's is open in there, and the files by path are gone.
        self.assertLessEqual(len(out.with_suffix(".fds").read_text().splitlines()), 6)
        self.assertFalse(pathlib.Path(environment["REEVE_KEY_PATH"]).exists())
        self.assertEqual(list((reeve.home / "run" / "deliver").iterdir()), [])
        dry = reeve.deliver("show", dry_run=True)
        self.assertEqual(dry["output"].splitlines()[0], f"{name} test 1 {name} 0")
        self.assertEqual(reeve.deployment("show")["facts"][0]["deployed"]["at"], done["deployed_at"])

    def test_hooks_that_misbehave(self):
        reeve, mark = self.lab.reeve, f"reeve-sleeper-{os.getpid()}"
        hooks = {
            "hang": ("#!/bin/sh\ntrap '' TERM\nwhile :; do sleep 1; done\n", "timeout", "ran for 1 s"),
            "fork": (f"#!/bin/sh\nfor i in 1 2 3 4 5 6 7 8; do setsid sh -c 'exec -a {mark} sleep 600 || sleep 601' & done\n"
                     "(setsid sh -c 'setsid sleep 602 & sleep 602') &\nsleep 600\n", "timeout", "with all its processes"),
            "flood": ("#!/bin/sh\nhead -c 50000000 /dev/zero | tr '\\0' x\nexit 3\n", "refused", "exit code 3"),
            "die": ("#!/bin/sh\nkill -9 $$\n", "refused", "SIGKILL"),
            "close": ("#!/bin/sh\nexec 0<&- 1>&- 2>&- 3<&-\nsleep 0.2\nexit 7\n", "refused", "exit code 7"),
            "garbage": ("\x7fELF not really", "configuration", "cannot be run"),
            "closed": ("#!/bin/sh\nexit 0\n", "configuration", "cannot be run"),
            "open": ("#!/bin/sh\nexit 0\n", "configuration", "changed by others"),
        }
        for name, (text, problem, words) in hooks.items():
            with self.subTest(name):
                reeve.add_hook(name, text, {"closed": 0o644, "open": 0o777}.get(name, 0o755))
                reeve.add_deployment(name, "hook", certificate=self.shared, hook=name, timeout_s=1 if name in ("hang", "fork") else 20)
                began = time.monotonic()
                done = reeve.deliver(name)
                self.assertEqual((done["state"], done["problem"]), ("failed", problem), done)
                self.assertIn(words, done["detail"])
                self.assertLess(time.monotonic() - began, 15)
                self.assertIsNone(reeve.deployment(name)["facts"][0]["deployed"])
                if name == "flood":
                    self.assertLessEqual(len(done["output"]), 64 * 1024)
                    self.assertIn("dropped", done["output"][-40:])
        self.assertEqual([a for _, _, a in lab.processes().values() if a[1:] and a[0].startswith(("sleep", mark)) and a[1] in ("600", "601", "602")], [])
        # One that vanishes, and one that comes back.
        path = reeve.add_hook("vanish", "#!/bin/sh\nexit 0\n")
        reeve.add_deployment("vanish", "hook", certificate=self.shared, hook="vanish")
        path.unlink()
        self.assertIn("there is no hook", reeve.deliver("vanish")["detail"])
        reeve.add_hook("vanish", "#!/bin/sh\nexit 0\n")
        self.assertEqual(reeve.deliver("vanish")["state"], "done")
        for name in ("../etc/passwd", "a/b", ".hidden", "a b", "$(id)"):
            self.assert_problem(reeve.api("POST", "/v1/deployments", {"name": "x", "kind": "hook", "settings": {"hook": name}}),
                                400, "invalid-request")

    def test_a_hook_that_fails_after_the_switch_takes_it_back(self):
        reeve, target = self.lab.reeve, self.directory("reload")
        log = self.directory("reload.log")
        reeve.add_hook("reload", f"#!/bin/sh\necho \"$REEVE_EVENT $(readlink {target}/current)\" >> {log}\n"
                                 f"[ \"$REEVE_EVENT\" = rollback ] || [ $(readlink {target}/current) = 1 ] || exit 1\n")
        certificate = self.issue()
        reeve.add_deployment("reload", "files", certificate=certificate, directory=str(target), hook="reload")
        self.assertEqual(reeve.deliver("reload")["state"], "done")
        serial = self.serial(certificate)
        self.renew(certificate)
        failed = lab.wait_until("the failure", lambda: next((d for d in reeve.deployment("reload")["deliveries"] if d["problem"]), None))
        self.assertEqual((failed["state"], failed["exit_code"], failed["deployed_at"]), ("waiting", 1, None), failed)
        self.assertIn("version 1 is back in place", failed["detail"])
        self.assertTrue(failed["next_try_at"])
        self.assertEqual(os.readlink(target / "current"), "1")
        self.assert_pair(target / "current", serial)
        self.assertEqual(log.read_text().splitlines()[:3], ["manual 1", "renewed 2", "rollback 1"])
        self.assertEqual(reeve.deployment("reload")["facts"][0]["deployed"]["version"], 1)
        # The hook is repaired: the delivery goes on by itself.
        reeve.add_hook("reload", "#!/bin/sh\nexit 0\n")
        self.wait_facts("reload", lambda f: f["deployed"]["version"] == 2)

    def test_killed_in_the_middle_it_is_the_old_or_the_new(self):
        reeve, target = self.lab.reeve, self.directory("killed")
        reeve.add_hook("slow", "#!/bin/sh\nsleep 0.3\n")
        certificate = self.issue()
        reeve.add_deployment("killed", "files", certificate=certificate, directory=str(target), hook="slow")
        self.assertEqual(reeve.deliver("killed")["state"], "done")
        for number in (2, 3, 4):
            self.renew(certificate)
            lab.wait_until("the delivery", lambda: reeve.deployment("killed")["deliveries"][0]["state"] == "running")
            os.kill(reeve.role_pids()[("hook", "worker", "keeper")[number - 2]], signal.SIGKILL)
            self.assert_pair((target / "current").resolve())

            def deployed():
                try:
                    return reeve.deployment("killed")["facts"][0]["deployed"]["version"] == number
                except (OSError, lab.LabError):
                    return False
            lab.wait_until("the new version", deployed, 30)
            self.assertEqual(os.readlink(target / "current"), str(number))
            self.assert_pair(target / "current")

    # -- webhooks

    def test_a_webhook_is_signed_and_tried_again(self):
        reeve = self.lab.reeve
        server = lab.WebhookServer(self.lab.directory / "webhook", *self.lab.where["webhook"], statuses=(503, 204))
        self.addCleanup(server.stop)
        certificate = self.issue()
        settings = {"url": server.url, "ca_pem": server.ca_file.read_text()}
        reeve.add_deployment("hooked", "webhook", certificate=certificate, secret="s3cret", **settings)
        # The address policy is not lifted for this one.
        self.assertIn("loopback", reeve.deliver("hooked")["detail"])
        reeve.must("DELETE", "/v1/deployments/hooked")
        reeve.add_deployment("hooked", "webhook", certificate=certificate, secret="s3cret",
                             allow_addresses=[f"{self.lab.where['webhook'][0]}/32"], **settings)
        self.renew(certificate)
        self.wait_facts("hooked", lambda f: f["deployed"])
        self.assertEqual(len(server.requests), 2)
        headers, body = server.requests[1]
        parts = dict(p.split("=", 1) for p in headers["X-CertMate-Signature"].split(","))
        self.assertLess(abs(time.time() - int(parts["t"])), 60)
        self.assertEqual(hmac.new(b"s3cret", parts["t"].encode() + b"." + body, hashlib.sha256).hexdigest(), parts["v1"])
        message = json.loads(body)
        self.assertEqual((message["event"], message["details"]["version"]), ("certificate_renewed", 2))
        self.assertEqual(int(message["details"]["serial"], 16), int(self.serial(certificate), 16))
        self.assertNotIn("PRIVATE KEY", body.decode())
        self.assertEqual(server.requests[0][0]["X-Reeve-Delivery"], headers["X-Reeve-Delivery"])
        self.assertNotIn("s3cret", json.dumps(reeve.must("GET", "/v1/deployments")))

    # -- who may, and the other doors

    def test_a_project_administrator_does_not_reach_the_machine(self):
        reeve = self.lab.reeve
        token = reeve.must("POST", "/v1/tokens", {"name": "tenant", "role": "administrator"})["token"]
        for kind, settings in (("files", {"directory": "/tmp/x"}), ("hook", {"hook": "show"})):
            reply = reeve.http("POST", "/v1/deployments", {"name": "x", "kind": kind, "settings": settings}, token)
            self.assert_problem(reply, 403, "forbidden")
        reply = reeve.http("POST", "/v1/deployments", {"name": "mine", "kind": "webhook", "settings": {"url": "https://hook.example.test/"}}, token)
        self.assertEqual(reply.status, 201, reply.body)
        reeve.must("DELETE", "/v1/deployments/mine")

    def test_certmates_deploy(self):
        reeve = self.lab.reeve
        token = reeve.must("POST", "/v1/tokens", {"name": "certmate-admin", "role": "administrator"})["token"]
        certificate = self.issue()
        name = reeve.must("GET", f"/v1/certificates/{certificate}")["name"]
        empty = reeve.http("POST", f"/api/certificates/{name}/deploy", None, token)
        self.assertEqual((empty.status, empty.body["ok"], empty.body["total"]), (200, False, 0), empty.body)
        reeve.add_hook("good", "#!/bin/sh\necho fine\n")
        reeve.add_hook("bad", "#!/bin/sh\nexit 4\n")
        reeve.add_deployment("cm-good", "hook", certificate=certificate, hook="good")
        reeve.add_deployment("cm-bad", "hook", certificate=certificate, hook="bad")
        body = reeve.http("POST", f"/api/certificates/{name}/deploy", None, token).body
        self.assertEqual((body["ok"], body["total"], body["succeeded"], body["failed"]), (False, 2, 1, 1), body)
        results = {r["hook_name"]: r for r in body["results"]}
        self.assertEqual((results["cm-good"]["stdout"], results["cm-bad"]["exit_code"]), ("fine\n", 4))

    # -- pulling

    def test_fetch(self):
        reeve, target, ran = self.lab.reeve, self.directory("fetched"), self.directory("fetched.log")
        certificate = self.issue()
        proxy = lab.TlsProxy(self.lab.directory / "proxy", self.lab.where["webhook"][0], 4433, reeve.api_address)
        self.addCleanup(proxy.stop)
        token = {"REEVE_TOKEN": reeve.must("POST", "/v1/tokens", {"name": "puller"})["token"], "REEVE_URL": proxy.url,
                 "REEVE_CA_FILE": str(proxy.ca_file)}
        program = reeve.add_hook("after-fetch", f"#!/bin/sh\necho $REEVE_EVENT $REEVE_VERSION >> {ran}\n"
                                                f"[ -r $REEVE_KEY_PATH ] && ! [ -e {ran}.fail ]\n")

        def fetch(code):
            done = lab.run([reeve.binary, "fetch", certificate, "--to", target, "--exec", program], check=False, env=token)
            self.assertEqual(done.returncode, code, done.stdout + done.stderr)
            return done
        fetch(0)
        self.assert_pair(target / "current", self.serial(certificate))
        self.assertIn("nothing new", fetch(0).stderr)
        self.assertEqual(ran.read_text(), "fetched 1\n")
        first = self.serial(certificate)
        self.renew(certificate)
        pathlib.Path(f"{ran}.fail").touch()
        self.assertIn("version 1", fetch(1).stderr)
        self.assert_pair(target / "current", first)
        pathlib.Path(f"{ran}.fail").unlink()
        fetch(0)
        self.assert_pair(target / "current", self.serial(certificate))
        self.assertEqual(ran.read_text().splitlines(), ["fetched 1", "fetched 2", "rollback 2", "fetched 2"])
        # A key that did not leave was not written into the audit either.
        reply = reeve.api("GET", f"/v1/certificates/{certificate}/download?part=cert")
        again = reeve._send(lab.UnixConnection(reeve.home / "run" / "reeve.sock", 10), "GET",
                            f"/v1/certificates/{certificate}/download?part=cert", None, {"If-None-Match": f'"x", {reply.headers["ETag"]}'})
        self.assertEqual((again.status, again.body), (304, ""))
        viewer = reeve.must("POST", "/v1/tokens", {"name": "looker", "role": "viewer"})["token"]
        done = lab.run([reeve.binary, "fetch", certificate, "--to", self.directory("no-key")], check=False,
                       env={"REEVE_TOKEN": viewer, "REEVE_URL": reeve.url})
        self.assertEqual(done.returncode, 3, done.stderr)
        self.assertFalse(self.directory("no-key").exists())

    def test_the_command_line(self):
        reeve, target = self.lab.reeve, self.directory("cli")
        added = reeve.cli("deployment", "add", "cli", "--certificate", self.shared, "--directory", target)
        self.assertEqual(added.returncode, 0, added.stderr)
        ran = reeve.cli("deployment", "run", "cli")
        self.assertEqual((ran.returncode, "done" in ran.stdout), (0, True), ran.stdout + ran.stderr)
        self.assertIn("cli", reeve.cli("deployment", "list").stdout)
        self.assertIn(str(target), reeve.cli("deployment", "show", "cli").stdout)
        reeve.add_hook("fails", "#!/bin/sh\necho the reason\nexit 9\n")
        reeve.cli("deployment", "add", "cli-fails", "--certificate", self.shared, "--hook", "fails")
        ran = reeve.cli("deployment", "run", "cli-fails")
        self.assertEqual(ran.returncode, 1, ran.stdout)
        self.assertIn("| the reason", ran.stdout)
        self.assertEqual(reeve.cli("deployment", "remove", "cli").returncode, 0)
        self.assertEqual(reeve.cli("deployment", "run", "cli").returncode, 3)


if __name__ == "__main__":
    tap.main()
