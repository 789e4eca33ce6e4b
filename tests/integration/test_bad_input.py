#!/usr/bin/env python3
"""Wrong input from every side: one clear sentence, an exit code or a problem document, nothing lost."""

import contextlib
import http.server
import os
import pathlib
import sqlite3
import ssl
import subprocess
import sys
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tools"))

import lab  # noqa: E402
import tap  # noqa: E402


class HtmlCa(http.server.BaseHTTPRequestHandler):
    """What a captive portal answers: 200, HTML, whatever was asked."""

    def do_GET(self):
        body = b"<!DOCTYPE html><html><body><h1>Welcome</h1></body></html>"
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_HEAD = do_GET

    def log_message(self, *_):
        pass


class BadAuthority(tap.Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.lab.knot.cname("example.com", "_acme-challenge.validation.example.org")
        cls.lab.reeve.add_authority(cls.lab.pebble, "good")

    def refused(self, status, code, *words, name="bad", **members):
        """Reeve looks at the directory before it stores the authority: nothing is there afterwards."""
        body = {"name": name, "directory_url": self.lab.pebble.url, "email": "ops@example.test",
                "ca_pem": self.lab.pebble.ca_file.read_text(), "allow_addresses": [f"{self.lab.pebble.address}/32"], **members}
        mark = self.lab.pebble.mark()
        reply = self.lab.reeve.api("POST", "/v1/authorities", body)
        self.assert_problem(reply, status, code, *words)
        self.assertNotIn("<html", reply.body["detail"])
        self.assertEqual(self.lab.reeve.api("GET", f"/v1/authorities/{name}").status, 404)
        return self.lab.pebble.requests(mark)

    def test_a_directory_url_that_leads_nowhere(self):
        self.refused(502, "ca-nonsense", "404", directory_url=self.lab.pebble.url + "ectory")

    def test_a_directory_url_that_is_none(self):
        for url in ("", "ca.example", "http://ca.example/dir", "https://", "https://user@ca.example/", "file:///etc/passwd"):
            with self.subTest(url):
                reply = self.lab.reeve.api("POST", "/v1/authorities", {"name": "bad", "directory_url": url})
                self.assertEqual(reply.status, 400, reply.body)

    def test_a_ca_that_answers_html(self):
        address, port = self.lab.where["spare"]
        directory = self.lab.directory / "html"
        directory.mkdir()
        ca, cert, key = lab.make_tls(directory, address)
        server = http.server.ThreadingHTTPServer((address, port), HtmlCa)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(cert, key)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            self.refused(502, "ca-nonsense", directory_url=f"https://{address}:{port}/dir", ca_pem=ca.read_text(),
                         allow_addresses=[f"{address}/32"])
        finally:
            server.shutdown()
            server.server_close()

    def test_a_ca_on_loopback_without_permission(self):
        requests = self.refused(422, "address-refused", self.lab.pebble.address, allow_addresses=[])
        self.assertEqual(sum(requests.values()), 0)
        # The neighbour's address is no permission either.
        self.refused(422, "address-refused", allow_addresses=[f"{self.lab.where['spare'][0]}/32"])

    def test_a_ca_that_the_trust_bundle_does_not_cover(self):
        directory = self.lab.directory / "stranger"
        directory.mkdir()
        stranger = lab.make_tls(directory, self.lab.pebble.address)[0]
        requests = self.refused(502, "ca-unreachable", "certificate", ca_pem=stranger.read_text())
        self.assertEqual(sum(requests.values()), 0)

    def test_a_ca_that_is_not_there(self):
        address, _ = self.lab.where["spare"]
        self.refused(502, "ca-unreachable", directory_url=f"https://{address}:9/dir", allow_addresses=[f"{address}/32"])

    def test_z_a_ca_that_goes_away_is_temporary(self):
        """The order waits, says when it tries again, and goes on when the CA is back."""
        reeve = self.lab.reeve
        self.lab.pebble.stop()
        _, order = reeve.issue(["example.com"], domain_alias="validation.example.org")
        order = reeve.wait_order(order["id"], lambda o: o["problem"] or o["status"] != "running", 30)
        self.assertEqual((order["status"], order["problem"]), ("running", "ca-unreachable"), order)
        self.assertTrue(order["next_try_at"])
        self.lab.pebble.start()
        order = reeve.wait_order(order["id"], timeout=60)
        self.assertEqual(order["status"], "issued", order)
        self.assertIsNone(order["problem"])


class BadRequest(tap.Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.lab.reeve.add_authority(cls.lab.pebble)

    def test_an_unknown_member_is_named(self):
        reply = self.lab.reeve.api("POST", "/v1/certificates", {"names": ["example.com"], "san_domain": []})
        self.assert_problem(reply, 400, "unknown-member", "san_domain")

    def test_bodies_that_are_no_json(self):
        for body in ("", "{", "[]", "null", '{"names":["a.com"],"names":["b.com"]}', '{"names":["\\ud800"]}', "\0", "{}garbage"):
            with self.subTest(body):
                reply = self.lab.reeve.api("POST", "/v1/certificates", body.encode())
                self.assertEqual(reply.status, 400, reply.body)
                self.assertTrue(reply.body["detail"])

    def test_a_body_without_end_is_refused(self):
        reply = self.lab.reeve.api("POST", "/v1/certificates", b'{"names":["' + b"a" * (4 << 20) + b'"]}')
        self.assertEqual(reply.status, 413, reply.body)

    def test_names(self):
        for name in ("", ".", "a..com", "*", "*.*.a.com", "x.*.a.com", "-a.com", "a_b.com", "a.com/", "a" * 64 + ".com",
                     ".".join(["abcdefghi"] * 26), "127.0.0.1", "a.com\n", "a com"):
            with self.subTest(name):
                reply = self.lab.reeve.api("POST", "/v1/certificates", {"names": [name]})
                self.assert_problem(reply, 400, "invalid-name")

    def test_unicode_becomes_an_a_label(self):
        delegation = self.lab.reeve.add_delegation("bücher.example.test")
        self.assertEqual(delegation["name"], "xn--bcher-kva.example.test")

    def test_what_is_not_there(self):
        for path in ("/v1/certificates/nobody.test", "/v1/orders/01890a5d-ac96-774b-bcce-b302099a8057", "/v1/nothing", "/v1/authorities/x"):
            self.assert_problem(self.lab.reeve.api("GET", path), 404, "not-found")
        self.assert_problem(self.lab.reeve.api("PATCH", "/v1/certificates"), 405, "method-not-allowed")

    def test_half_an_eab_is_refused(self):
        for half in ({"eab_kid": "kid-1"}, {"eab_hmac_key": "AAAA"}):
            reply = self.lab.reeve.api("POST", "/v1/authorities", {"name": "half", "directory_url": "https://ca.example/dir", **half})
            self.assertEqual(reply.status, 400, reply.body)

    def test_commands(self):
        cli = self.lab.reeve.cli
        self.assertEqual(cli("frobnicate").returncode, 2)
        self.assertEqual(cli("certificate", "issue", "--no-such-option").returncode, 2)
        self.assertEqual(cli("certificate", "show", "nobody.test").returncode, 3)
        refused = cli("delegation", "add", "a..com")
        self.assertEqual(refused.returncode, 3)
        self.assertTrue(refused.stderr.strip())


class BadStart(tap.Case):
    """`reeve serve` that must not start: one sentence, a code, and it is over."""

    @classmethod
    def setUpClass(cls):
        cls.lab = lab.Lab(reeve=False)

    def refused(self, reeve, *words):
        done = subprocess.run([reeve.binary, "serve", "--home", reeve.home], capture_output=True, text=True, timeout=30, stdin=subprocess.DEVNULL)
        self.assertNotIn(done.returncode, (0, 99), done.stderr)
        self.assertGreater(done.returncode, 0, done.stderr)
        for word in words:
            self.assertIn(word, done.stderr)
        self.assertFalse(lab.SANITIZER.search(done.stderr), done.stderr)
        return done.stderr

    def test_a_missing_seal(self):
        reeve = self.lab.new_reeve(start=False)
        (reeve.home / "etc" / "seal.key").rename(reeve.home / "kept")
        self.refused(reeve, "seal.key")
        # Nothing was lost: with the seal back it serves.
        (reeve.home / "kept").rename(reeve.home / "etc" / "seal.key")
        reeve.serve()
        self.assertTrue(reeve.stop())

    def test_a_seal_that_everybody_can_read(self):
        reeve = self.lab.new_reeve(start=False)
        os.chmod(reeve.home / "etc" / "seal.key", 0o644)
        self.refused(reeve, "seal.key", "chmod")

    def test_the_seal_of_another_server(self):
        one, other = self.lab.new_reeve(), None
        self.assertTrue(one.stop())
        other = self.lab.new_reeve(start=False)
        seal = one.home / "etc" / "seal.key"
        os.chmod(seal, 0o600)
        seal.write_bytes((other.home / "etc" / "seal.key").read_bytes())
        os.chmod(seal, 0o400)
        one.serve(wait=False)
        try:
            lab.wait_until("a word about the seal", lambda: "seal" in one.log().lower(), 15)
        finally:
            one.process.stop(15)

    def test_a_database_of_the_future(self):
        reeve = self.lab.new_reeve()
        self.assertTrue(reeve.stop())
        path = reeve.home / "var" / "reeve.db"
        with contextlib.closing(sqlite3.connect(path)) as db, db:
            db.execute("INSERT INTO schema_migrations (number, name, sha256, applied_at) VALUES (9999, '9999-future', 'x', 0)")
        before = self.contents(path)
        self.refused(reeve, "newer")
        self.assertEqual(self.contents(path), before)

    @staticmethod
    def contents(path):
        with contextlib.closing(sqlite3.connect(path)) as db:
            return list(db.iterdump())

    def test_a_file_that_is_no_database(self):
        reeve = self.lab.new_reeve(start=False)
        path = reeve.home / "var" / "reeve.db"
        path.unlink(missing_ok=True)
        path.write_bytes(b"this is not a database, and Reeve must not make it one\n" * 100)
        self.refused(reeve, "reeve.db")
        self.assertTrue(path.read_bytes().startswith(b"this is not"))

    def test_a_configuration_with_an_unknown_key(self):
        reeve = self.lab.new_reeve(start=False)
        reeve.write_config('colour = "blue"\n')
        self.refused(reeve, "reeve.toml", "colour")

    def test_two_servers_on_one_home(self):
        reeve = self.lab.new_reeve()
        self.refused(reeve, str(reeve.home))
        self.assertTrue(reeve.healthy())
        self.assertTrue(reeve.stop())

    def test_a_taken_port(self):
        import socket
        reeve = self.lab.new_reeve(start=False)
        with socket.socket() as taken:
            taken.bind(reeve.api_address)
            taken.listen(1)
            self.refused(reeve, f"{reeve.api_address[0]}:{reeve.api_address[1]}")

    def test_init_twice_keeps_the_seal(self):
        reeve = self.lab.new_reeve(start=False)
        seal = (reeve.home / "etc" / "seal.key").read_bytes()
        lab.run([reeve.binary, "init", "--home", reeve.home], check=False)
        self.assertEqual((reeve.home / "etc" / "seal.key").read_bytes(), seal)
        self.assertEqual((reeve.home / "etc" / "seal.key").stat().st_mode & 0o777, 0o400)

    def test_no_server(self):
        reeve = self.lab.new_reeve(start=False)
        done = reeve.cli("certificate", "list")
        self.assertEqual(done.returncode, 4, done.stderr)
        self.assertIn("reeve serve", done.stderr)


if __name__ == "__main__":
    tap.main()
