#!/usr/bin/env python3
"""CertMate's users: the two curls of its page on CNAME delegation, word for word, and the downloads."""

import io
import json
import pathlib
import subprocess
import sys
import zipfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tools"))

import lab  # noqa: E402
import tap  # noqa: E402

# As CertMate's page prints them; only scheme, host, token and dns_provider are put in.
CREATE = """curl -sS -w '\\n%{http_code}' -X POST @URL@/api/certificates/create \\
  -H "Authorization: Bearer $TOKEN" \\
  -H "Content-Type: application/json" \\
  -d '{
    "domain": "example.com",
    "dns_provider": "builtin",
    "domain_alias": "validation.example.org"
  }'"""
WILDCARD = """curl -sS -w '\\n%{http_code}' -X POST @URL@/api/certificates/create \\
  -H "Authorization: Bearer $TOKEN" \\
  -H "Content-Type: application/json" \\
  -d '{
    "domain": "*.example.com",
    "san_domains": ["example.com"],
    "dns_provider": "builtin",
    "domain_alias": "validation.example.org"
  }'"""


class CertMate(tap.Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        reeve = cls.lab.reeve
        reeve.add_authority(cls.lab.pebble)
        cls.token = reeve.must("POST", "/v1/tokens", {"name": "certmate"})["token"]
        cls.lab.knot.set("example.com", *(f"_acme-challenge.{n}. 300 IN CNAME _acme-challenge.validation.example.org."
                                          for n in ("example.com", "async.example.com", "other.example.com")))

    def shell(self, command):
        """(status, parsed body) of a curl line run by a shell, as a user pastes it."""
        done = subprocess.run(["sh", "-c", command.replace("@URL@", self.lab.reeve.url)], capture_output=True, text=True, timeout=90,
                              env={"PATH": "/usr/bin:/bin", "TOKEN": self.token})
        self.assertEqual(done.returncode, 0, done.stderr)
        body, status = done.stdout.rsplit("\n", 1)
        return int(status), json.loads(body)

    def curl(self, path, *options):
        done = subprocess.run(["curl", "-sS", "-g", "-D", "-", "-H", f"Authorization: Bearer {self.token}", *options,
                               self.lab.reeve.url + path], capture_output=True, timeout=90)
        self.assertEqual(done.returncode, 0, done.stderr)
        head, body = done.stdout.split(b"\r\n\r\n", 1)
        return int(head.split()[1]), head.decode(), body

    def test_1_the_first_curl(self):
        status, body = self.shell(CREATE)
        self.assertEqual(status, 201, body)
        self.assertEqual((body["domain"], body["dns_provider"]), ("example.com", "builtin"))
        self.assertLessEqual({"message", "ca_provider", "duration"}, body.keys())
        status, _, pem = self.curl("/api/certificates/example.com/download?file=fullchain.pem")
        self.assertEqual(status, 200)
        blocks = lab.pem_blocks(pem.decode())
        self.lab.verify_chain(blocks[0], "".join(blocks[1:]))
        self.assertEqual(lab.pem_names(blocks[0]), ["example.com"])

    def test_2_the_wildcard_curl(self):
        status, body = self.shell(WILDCARD)
        self.assertEqual(status, 201, body)
        self.assertEqual(body["domain"], "*.example.com")
        # Both ways to write the star mean the same certificate.
        got = {}
        for spelling in ("*.example.com", "%2A.example.com", "%2a.example.com"):
            status, _, pem = self.curl(f"/api/certificates/{spelling}/download?file=cert.pem")
            self.assertEqual(status, 200, pem)
            got[spelling] = pem
        self.assertEqual(len(set(got.values())), 1)
        self.assertEqual(lab.pem_names(pem.decode()), ["*.example.com", "example.com"])

    def test_3_the_same_again_is_refused_with_a_hint(self):
        self.ensure("other.example.com")
        status, body = self.shell(CREATE.replace('"example.com"', '"other.example.com"'))
        self.assertEqual(status, 409, body)
        self.assertEqual(body["code"], "CERTIFICATE_ALREADY_EXISTS")

    def ensure(self, domain):
        reply = self.lab.reeve.http("POST", "/api/certificates/create", {"domain": domain, "dns_provider": "builtin",
                                                                         "domain_alias": "validation.example.org"}, self.token)
        self.assertIn(reply.status, (201, 409), reply.body)

    def test_4_async_is_a_job(self):
        status, body = self.shell(CREATE.replace('"domain": "example.com"', '"domain": "async.example.com", "async": true'))
        self.assertEqual(status, 202, body)
        self.assertEqual((body["operation"], body["domain"]), ("create", "async.example.com"))
        self.assertEqual(body["status_url"], f"/api/certificates/jobs/{body['job_id']}")

        def finished():
            status, _, raw = self.curl(body["status_url"])
            self.assertEqual(status, 200, raw)
            job = json.loads(raw)
            return job if job["status"] not in ("queued", "running") else None
        job = lab.wait_until("the job", finished, 60)
        self.assertEqual(job["status"], "succeeded", job)

    def test_5_download_variants(self):
        self.ensure("other.example.com")
        base = "/api/certificates/other.example.com/download"
        parts = {}
        for name in ("cert", "chain", "fullchain", "privkey", "combined"):
            status, _, body = self.curl(f"{base}?file={name}.pem")
            self.assertEqual(status, 200, (name, body))
            parts[name] = body.decode()
        self.assertEqual(parts["fullchain"], parts["cert"] + parts["chain"])
        self.assertEqual(lab.private_public_key(parts["privkey"]), lab.certificate_public_key(parts["cert"]))
        self.assertIn(parts["cert"].strip(), parts["combined"])
        self.assertIn(parts["privkey"].strip(), parts["combined"])
        status, _, body = self.curl(f"{base}?format=json")
        self.assertEqual(status, 200)
        document = json.loads(body)
        self.assertEqual(document["cert_pem"], parts["cert"])
        self.assertEqual(document["private_key_pem"], parts["privkey"])
        self.assertEqual(document["fullchain_pem"], parts["fullchain"])
        status, _, body = self.curl(base)
        self.assertEqual(status, 200)
        archive = zipfile.ZipFile(io.BytesIO(body))
        self.assertIsNone(archive.testzip())
        self.assertEqual({n.rsplit("/", 1)[-1].rsplit("_", 1)[-1] for n in archive.namelist()} - {"cert.pfx"},
                         {"cert.pem", "chain.pem", "fullchain.pem", "privkey.pem"})
        status, _, body = self.curl(f"{base}?include_private=0")
        self.assertFalse(any("privkey" in n for n in zipfile.ZipFile(io.BytesIO(body)).namelist()))

    def test_6_refusals(self):
        status, body = self.shell(CREATE.replace('"dns_provider"', '"challenge_type": "http-01", "dns_provider"'))
        self.assertEqual(status, 400, body)
        self.assertIn("DNS", json.dumps(body))
        status, _, body = self.curl("/api/certificates/nobody.example.com/download")
        self.assertEqual(status, 404, body)
        reply = self.lab.reeve.http("POST", "/api/certificates/create", {"domain": "example.com"})
        self.assertEqual((reply.status, reply.body["code"]), (401, "AUTH_HEADER_MISSING"))
        reply = self.lab.reeve.http("POST", "/api/certificates/create", {"domain": "example.com"}, "rvt_wrong")
        self.assertEqual((reply.status, reply.body["code"]), (401, "INVALID_TOKEN"))
        # A member that CertMate does not know is none of our business here; only /v1 refuses it.
        self.ensure("other.example.com")
        reply = self.lab.reeve.http("POST", "/api/certificates/create",
                                    {"domain": "other.example.com", "nonsense": 1, "dns_provider": "builtin"}, self.token)
        self.assertEqual(reply.status, 409, reply.body)


if __name__ == "__main__":
    tap.main()
