#!/usr/bin/env python3
"""No secret in the data directory, in no usual encoding: certificate key, account key, EAB secret, token, seal."""

import base64
import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tools"))

import lab  # noqa: E402
import tap  # noqa: E402

EAB_KID = "kid-1"
EAB_KEY = base64.urlsafe_b64encode(bytes(range(100, 148))).decode().rstrip("=")
# What a key looks like before anybody encrypted it: SEC 1, PKCS #8 and PEM. The account key is not ours to read, so
# its shape is searched for instead.
SHAPES = {
    "PEM": re.compile(rb"PRIVATE KEY"),
    "SEC 1, P-256": re.compile(rb"\x30\x77\x02\x01\x01\x04\x20"),
    "SEC 1, P-384": re.compile(rb"\x30\x81\xa4\x02\x01\x01\x04\x30"),
    "PKCS #8, EC": re.compile(rb"\x02\x01\x00\x30[\x10-\x20]\x06\x07\x2a\x86\x48\xce\x3d\x02\x01"),
    "PKCS #8, RSA": re.compile(rb"\x02\x01\x00\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00\x04"),
    "JWK": re.compile(rb'"d"\s*:\s*"'),
}


def spellings(secret):
    """The ways in which a careless program would have written these bytes down; base64 at all three alignments."""
    yield "raw", secret
    yield "hex", secret.hex().encode()
    yield "HEX", secret.hex().upper().encode()
    for shift in range(3):
        for name, encode in (("base64", base64.b64encode), ("base64url", base64.urlsafe_b64encode)):
            # The characters that do not depend on the neighbours.
            text = encode(b"\0" * shift + secret)
            yield f"{name}+{shift}", text[(8 * shift + 5) // 6:len(text.rstrip(b"=")) - 1]


class Secrets(tap.Case):
    options = {"pebble": {"eab": {EAB_KID: EAB_KEY}}}

    def files(self):
        home = self.lab.reeve.home
        return {p: p.read_bytes() for p in [*(home / "var").rglob("*"), *(home / "run").rglob("*"), home / "reeve.log"] if p.is_file()}

    def test_nothing_in_the_data_directory(self):
        reeve = self.lab.reeve
        reeve.add_authority(self.lab.pebble, eab_kid=EAB_KID, eab_hmac_key=EAB_KEY)
        token = reeve.must("POST", "/v1/tokens", {"name": "searched"})["token"]
        self.assertTrue(token.startswith("rvt_"))
        record = reeve.add_delegation("secret.example.com")["record"]
        self.lab.knot.set("example.com", record)
        secrets = {"EAB key": base64.urlsafe_b64decode(EAB_KEY + "=="), "EAB key as given": EAB_KEY.encode(),
                   "token": token.encode(), "token behind its public part": token.encode()[-32:],
                   "seal": bytes.fromhex((reeve.home / "etc" / "seal.key").read_text().strip())}
        for key_type in ("p256", "rsa2048"):
            certificate, order = reeve.issue(["secret.example.com"], key_type=key_type)
            order = reeve.wait_order(order["id"])
            self.assertEqual(order["status"], "issued", order)
            pem = reeve.download(certificate["id"], "key")
            text = lab.run(["openssl", "pkey", "-noout", "-text"], input=pem).stdout
            for label in ("priv", "privateExponent", "prime1", "prime2"):
                match = re.search(rf"^{label}:\s*\n((?:\s+[0-9a-f:]+\n)+)", text, re.M)
                if match:
                    secrets[f"{key_type} {label}"] = bytes.fromhex(re.sub(r"[\s:]", "", match[1])).lstrip(b"\0")
        self.assertIn("p256 priv", secrets)
        self.assertIn("rsa2048 prime1", secrets)
        # Once while it runs, with its journal, and once after it stopped.
        self.search(secrets)
        self.assertTrue(reeve.stop())
        self.search(secrets)

    def search(self, secrets):
        files = self.files()
        self.assertTrue(any(p.name == "reeve.db" for p in files))
        found = []
        for path, data in files.items():
            for name, secret in secrets.items():
                found += [f"{name} as {how} in {path.name}" for how, text in spellings(secret) if len(text) >= 12 and text in data]
            found += [f"the shape {name} in {path.name}" for name, shape in SHAPES.items() if shape.search(data)]
        self.assertEqual(found, [])

    def test_the_search_would_find_something(self):
        for name, text in spellings(b"sixteen bytes or more"):
            for before in range(3):
                haystack = b"x" * before + b"sixteen bytes or more" + b"yz"
                encoded = {"raw": haystack, "hex": haystack.hex().encode(), "HEX": haystack.hex().upper().encode()}
                if name in encoded:
                    self.assertIn(text, encoded[name])
        for before in range(3):
            haystack = base64.b64encode(b"x" * before + b"sixteen bytes or more" + b"yz")
            self.assertTrue(any(t in haystack for n, t in spellings(b"sixteen bytes or more") if n.startswith("base64+")), before)

    def test_the_eab_key_is_write_only(self):
        reeve = self.lab.reeve
        if not reeve.process.alive():
            reeve.serve()
        shown = str(reeve.must("GET", "/v1/authorities"))
        self.assertNotIn(EAB_KEY, shown)
        self.assertNotIn("hmac", shown)


if __name__ == "__main__":
    tap.main()
