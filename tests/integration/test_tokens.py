#!/usr/bin/env python3
"""Bearer tokens over HTTP: needed everywhere but at /healthz; a revoked or expired one is refused at once."""

import pathlib
import sqlite3
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tools"))

import lab  # noqa: E402
import tap  # noqa: E402


class Tokens(tap.Case):
    def make(self, name, **members):
        return self.lab.reeve.must("POST", "/v1/tokens", {"name": name, **members})

    def status(self, token, path="/v1/certificates"):
        return self.lab.reeve.http("GET", path, token=token).status

    def test_needed_everywhere_but_at_healthz(self):
        self.assertEqual(self.status(None, "/healthz"), 200)
        for path in ("/v1/certificates", "/v1/authorities", "/v1/tokens", "/v1/delegations", "/v1/orders/x", "/v1/projects"):
            self.assert_problem(self.lab.reeve.http("GET", path), 401, "unauthenticated")

    def test_the_right_one_and_wrong_ones(self):
        token = self.make("right")["token"]
        self.assertEqual(self.status(token), 200)
        flipped = token[:-1] + ("a" if token[-1] != "a" else "b")
        for wrong in (flipped, token[:-1], token + "a", token.upper(), "rvt_", "x", token[:20]):
            self.assertEqual(self.status(wrong), 401, wrong)
        reply = self.lab.reeve.http("GET", "/v1/certificates", headers={"Authorization": f"Basic {token}"})
        self.assertEqual(reply.status, 401)

    def test_revoked(self):
        token = self.make("revoked")
        self.assertEqual(self.status(token["token"]), 200)
        self.lab.reeve.must("DELETE", "/v1/tokens/revoked")
        # A grant is remembered for one second at most.
        lab.wait_until("the refusal", lambda: self.status(token["token"]) == 401, 1.5)

    def test_shown_once(self):
        token = self.make("once")["token"]
        listed = str(self.lab.reeve.must("GET", "/v1/tokens"))
        self.assertIn("once", listed)
        self.assertNotIn(token, listed)

    def test_figures(self):
        """Prometheus' text: one TYPE and one value for each name; a token of one project does not see the process."""
        self.assert_problem(self.lab.reeve.http("GET", "/metrics"), 401, "unauthenticated")
        self.lab.reeve.must("POST", "/v1/projects", {"name": "figures"})
        narrow = self.lab.reeve.http("GET", "/metrics", token=self.make("figures", project="figures", role="viewer")["token"])
        reply = self.lab.reeve.api("GET", "/metrics")
        self.assertTrue(reply.headers["Content-Type"].startswith("text/plain; version=0.0.4"))
        values = {}
        for text, into in ((reply.body, values), (narrow.body, {})):
            lines = text.splitlines()
            for help_line, type_line, value in zip(lines[::3], lines[1::3], lines[2::3], strict=True):
                name = value.split()[0].split("{")[0]
                self.assertEqual((help_line.split()[:3], type_line.split()[:3]), (["#", "HELP", name], ["#", "TYPE", name]))
                self.assertNotIn(name, into)
                into[name] = int(value.split()[-1])
        self.assertEqual((values["reeve_worker_up"], values["reeve_debt_values"]), (1, 0))
        self.assertGreater(values["reeve_store_commits_total"], 0)
        self.assertNotIn("reeve_store_commits_total", narrow.body)

    def test_expiry_is_sealed_with_the_row(self):
        """Expiry cannot be waited for (a day is the least), so the clock of the row is turned: that is tampering."""
        token = self.make("expires", expires_in_days=1)
        self.assertEqual(self.status(token["token"]), 200)
        path = self.lab.reeve.home / "var" / "reeve.db"
        with sqlite3.connect(path, timeout=10) as db:
            db.execute("UPDATE tokens SET expires_at = 1000, row_version = row_version WHERE name = 'expires'")
        lab.wait_until("the refusal", lambda: self.status(token["token"]) != 200, 3)
        with sqlite3.connect(path, timeout=10) as db:
            db.execute("UPDATE tokens SET expires_at = 99999999999999 WHERE name = 'expires'")
        lab.wait_until("the refusal", lambda: self.status(token["token"]) != 200, 3)

    def test_a_token_of_one_certificate(self):
        reeve = self.lab.reeve
        reeve.add_authority(self.lab.pebble)
        self.lab.knot.set("example.com", *(f"_acme-challenge.{n}.example.com. 300 IN CNAME _acme-challenge.{n}.validation.example.org."
                                           for n in ("mine", "theirs")))
        for name in ("mine", "theirs"):
            _, order = reeve.issue([f"{name}.example.com"], domain_alias=f"{name}.validation.example.org")
            self.assertEqual(reeve.wait_order(order["id"])["status"], "issued")
        done = reeve.cli("token", "create", "fetcher", "--certificate", "mine.example.com")
        self.assertEqual(done.returncode, 0, done.stderr)
        token = done.stdout.strip()
        listed = {t["name"]: t["certificate"] for t in reeve.must("GET", "/v1/tokens")["tokens"]}
        self.assertEqual(listed["fetcher"], "mine.example.com")

        def get(path, **more):
            return reeve.http("GET", path, token=token, **more)

        mine = get("/v1/certificates/mine.example.com/download?part=combined")
        self.assertEqual(mine.status, 200, mine.body)
        self.assertIn("PRIVATE KEY", mine.body if isinstance(mine.body, str) else mine.body.decode())
        # Nothing else, whether it exists or not, and not by the other doors.
        for path in ("/v1/certificates/theirs.example.com/download", "/v1/certificates/none.example.com/download",
                     "/v1/certificates", "/v1/certificates/mine.example.com", "/v1/orders", "/v1/tokens", "/v1/debt",
                     "/v1/doctor?name=mine.example.com", "/v1/openapi.json", "/v1/projects", "/v1/deployments"):
            self.assert_problem(get(path), 403, "forbidden", "one certificate")
        for path in ("/api/certificates", "/api/certificates/mine.example.com/download"):
            self.assertEqual(get(path).status, 403)
        self.assert_problem(reeve.http("POST", "/v1/certificates/mine.example.com/renew", {}, token), 403, "forbidden", "one certificate")
        self.assert_problem(reeve.http("POST", "/v1/tokens", {"name": "more"}, token), 403, "forbidden")
        # Without the key for a viewer; never for an administrator.
        viewer = self.make("reader", certificate="mine.example.com", role="viewer")["token"]
        self.assertEqual(reeve.http("GET", "/v1/certificates/mine.example.com/download", token=viewer).status, 200)
        self.assertEqual(reeve.http("GET", "/v1/certificates/mine.example.com/download?part=key", token=viewer).status, 403)
        self.assertEqual(reeve.api("POST", "/v1/tokens", {"name": "a", "certificate": "mine.example.com", "role": "administrator"}).status, 400)
        self.assertEqual(reeve.api("POST", "/v1/tokens", {"name": "b", "certificate": "none.example.com"}).status, 404)
        # What is in the row is sealed with it.
        path = reeve.home / "var" / "reeve.db"
        with sqlite3.connect(path, timeout=10) as db:
            db.execute("UPDATE tokens SET certificate_id = '' WHERE name = 'reader'")
        lab.wait_until("the refusal", lambda: self.status(viewer) == 500, 3)
        reeve.must("DELETE", "/v1/tokens/fetcher")
        lab.wait_until("the end of it", lambda: get("/v1/certificates/mine.example.com/download").status == 401, 3)

    def test_limits_of_expiry(self):
        for days in (0, -1, 367, "x"):
            reply = self.lab.reeve.api("POST", "/v1/tokens", {"name": "limit", "expires_in_days": days})
            self.assertEqual(reply.status, 400, reply.body)

    def test_a_token_sees_its_project_only(self):
        self.lab.reeve.must("POST", "/v1/projects", {"name": "island"})
        token = self.make("islander", project="island")["token"]
        self.lab.reeve.add_delegation("example.test")
        self.assertEqual(self.lab.reeve.http("GET", "/v1/delegations", token=token).body["delegations"], [])
        self.assertEqual(self.lab.reeve.http("GET", "/v1/delegations/example.test", token=token).status, 404)
        # The header is for administrators of all projects.
        reply = self.lab.reeve.http("GET", "/v1/delegations", token=token, headers={"Reeve-Project": "default"})
        self.assertTrue(reply.status == 403 or reply.body.get("delegations") == [], reply)
        self.assertEqual(self.lab.reeve.http("POST", "/v1/projects", {"name": "mine"}, token).status, 403)

    def test_the_command_line(self):
        made = self.lab.reeve.cli("token", "create", "shell")
        self.assertEqual(made.returncode, 0, made.stderr)
        token = next(w for w in made.stdout.split() if w.startswith("rvt_"))
        self.assertEqual(self.status(token), 200)
        self.assertEqual(self.lab.reeve.cli("token", "revoke", "shell").returncode, 0)
        lab.wait_until("the refusal", lambda: self.status(token) == 401, 1.5)


if __name__ == "__main__":
    tap.main()
