#!/usr/bin/env python3
"""`make demo`: the idea at work within a minute, on loopback, with a real CA, resolver and production name server.

    packaging/demo.py [--reeve build/reeve] [--once]

Narration goes to standard error, the certificate (leaf first, PEM) to standard output. Everything runs until Ctrl-C,
or with --once until the certificate is there.
"""

import argparse
import pathlib
import shlex
import signal
import socket
import sys
import time

sys.dont_write_bytecode = True
ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "tools"))

import lab as lab_module  # noqa: E402

KNOT, PEBBLE, UNBOUND, REEVE, YOU = "production DNS: Knot", "test CA: Pebble", "the CA's resolver: Unbound", "Reeve", "you"
COLOURS = {KNOT: "33", PEBBLE: "35", UNBOUND: "34", REEVE: "32", YOU: "1;36"}
COLOUR = sys.stderr.isatty()
SEED = """curl -X POST {url}/api/certificates/create \\
  -H "Authorization: Bearer {token}" \\
  -H "Content-Type: application/json" \\
  -d '{{
    "domain": "example.com",
    "dns_provider": "builtin",
    "domain_alias": "validation.example.org"
  }}'"""
SEED_WILDCARD = """curl -X POST {url}/api/certificates/create \\
  -H "Authorization: Bearer {token}" \\
  -H "Content-Type: application/json" \\
  -d '{{
    "domain": "*.example.com",
    "san_domains": ["example.com"],
    "dns_provider": "builtin",
    "domain_alias": "validation.example.org"
  }}'"""


def say(who, text=""):
    mark = f"[{who}]"
    if COLOUR:
        mark = f"\033[{COLOURS[who]}m{mark}\033[0m"
    for line in text.splitlines() or [""]:
        print(f"{mark} {line}", file=sys.stderr)
    sys.stderr.flush()


def plain(text=""):
    print(text, file=sys.stderr, flush=True)


def heading(text):
    plain()
    plain(f"\033[1m{text}\033[0m" if COLOUR else f"== {text}")


def free(address, port):
    try:
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
            with socket.socket(socket.AF_INET, kind) as s:
                s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                s.bind((address, port))
        return True
    except OSError:
        return False


def choose_addresses():
    """The readable ones, unless another demo has them."""
    for n in range(100):
        where = {"knot": (f"127.53.{n}.1", 5301), "unbound": (f"127.53.{n}.2", 5302), "dns": (f"127.53.{n}.3", 5300),
                 "pebble": (f"127.53.{n}.4", 14000), "dark": (f"127.53.{n}.9", 5301), "spare": (f"127.53.{n}.5", 14000)}
        if all(free(*at) for at in [*where.values(), (f"127.53.{n}.4", 15000)]):
            break
    else:
        raise lab_module.LabError("no free addresses in 127.53.0.0/16: is another demo running?")
    port = next((p for p in range(8080, 8180) if free("127.0.0.1", p)), None)
    if port is None:
        raise lab_module.LabError("none of the ports 8080 to 8179 of 127.0.0.1 is free")
    where["api"] = ("127.0.0.1", port)
    return where


class Demo:
    def __init__(self, lab):
        self.lab, self.reeve = lab, lab.reeve

    def command(self, *args, show=None, must=True):
        """Runs a command of reeve as it is shown; its output is Reeve's."""
        say(YOU, "$ reeve " + (show or shlex.join(str(a) for a in args)))
        done = self.reeve.cli(*args)
        say(REEVE, (done.stdout + done.stderr).rstrip("\n"))
        if must and done.returncode != 0:
            raise lab_module.LabError(f"reeve {args[0]} ended with exit code {done.returncode}")
        return done.stdout

    def kdig(self, name, kind):
        """What the CA's resolver says, as kdig prints it."""
        address, port = self.lab.where["unbound"]
        say(YOU, f"$ kdig @{address} -p {port} {name} {kind} +short")
        done = lab_module.run(["kdig", f"@{address}", "-p", str(port), name, kind, "+short"])
        say(UNBOUND, done.stdout.strip() or "(no such record)")
        return done.stdout.split()

    def show_the_stage(self):
        where = {k: "%s:%d" % v for k, v in self.lab.where.items()}
        heading("1. Who is who. All of it on this machine, on loopback; nothing asks the Internet.")
        say(KNOT, f"{where['knot']}  serves example.test, example.com and others from static files. Nobody may write to it but you.")
        say(UNBOUND, f"{where['unbound']}  follows CNAMEs from one name server to the other, as a public CA's resolver does.")
        say(PEBBLE, f"{where['pebble']}  a real ACME server (Let's Encrypt's own for tests). It asks Unbound, never Reeve.")
        say(REEVE, f"{where['dns']}  (DNS) serves the validation zones acme.example.org and validation.example.org, nothing else.")
        say(REEVE, f"{where['api']}  (HTTP)  API; its data is in {self.reeve.home}")
        plain()
        say(KNOT, "the zone example.test as it is now, without any trace of Reeve:")
        say(KNOT, self.lab.knot.zone_text("example.test").rstrip())

    def delegate(self):
        heading("2. Reeve is told of the CA, and of the name. It has no access to the zone example.test.")
        pebble = self.lab.pebble
        self.command("authority", "add", "pebble", "--directory", pebble.url, "--email", "you@example.test",
                     "--ca-file", pebble.ca_file, "--allow-address", f"{pebble.address}/32")
        output = self.command("delegation", "add", "example.test")
        return next(line for line in output.splitlines() if line.startswith("_acme-challenge.example.test."))

    def publish(self, record):
        heading("3. You publish that one CNAME, once and for ever.")
        self.lab.knot.set("example.test", record)
        say(YOU, f"add the line to {self.lab.knot.directory}/example.test.zone and reload the name server")
        say(KNOT, self.lab.knot.zone_text("example.test").rstrip())
        self.kdig("_acme-challenge.example.test", "CNAME")

    def issue(self):
        heading("4. The certificate, for the name and its wildcard.")
        began = time.monotonic()
        self.command("certificate", "issue", "example.test", "*.example.test", "--wait",
                     show="certificate issue example.test '*.example.test' --wait")
        say(REEVE, f"done in {time.monotonic() - began:.2f} s")
        certificate = self.reeve.must("GET", "/v1/certificates/example.test")
        return self.reeve.must("GET", f"/v1/orders?certificate={certificate['id']}")["orders"][0]["id"]

    def explain(self, order_id):
        heading("5. What happened: the order's timeline.")
        order = self.reeve.wait_gone(order_id)
        self.command("order", "show", order_id)
        values = [(r["owner"], r["value"]) for r in order["txt_records"]]
        if len({v for _, v in values}) != 2 or len({o for o, _ in values}) != 1:
            raise lab_module.LabError(f"expected two values at one delegated name, not {values}")
        plain()
        say(REEVE, f"two different TXT values stood side by side at one name, {values[0][0]}")
        for authorization in order["authorizations"]:
            name = ("*." if authorization["wildcard"] else "") + authorization["name"]
            say(REEVE, f"    {authorization['value']}  for {name}")
        requests = ", ".join(f"{n} {path}" for path, n in sorted(self.lab.pebble.requests().items()) if path != "roots")
        say(PEBBLE, f"requests it answered: {requests}")

    def verify(self):
        heading("6. Proof, without Reeve's word: the chain by openssl, the names by the certificate, DNS by kdig.")
        blocks = lab_module.pem_blocks(self.reeve.download("example.test"))
        say(YOU, "$ openssl verify -CAfile pebble-root.pem -untrusted chain.pem leaf.pem")
        verdict = self.lab.verify_chain(blocks[0], "".join(blocks[1:])).strip()
        say(PEBBLE, f"{verdict.rsplit('/', 1)[-1]} (against the root that Pebble made when it started)")
        names = lab_module.pem_names(blocks[0])
        if names != ["*.example.test", "example.test"]:
            raise lab_module.LabError(f"the certificate is for {names}")
        say(YOU, "$ openssl x509 -ext subjectAltName")
        say(PEBBLE, ", ".join(names))
        left = self.kdig("_acme-challenge.example.test", "TXT")
        if any(word.startswith('"') for word in left):
            raise lab_module.LabError(f"a TXT value is left: {left}")
        say(REEVE, "the CNAME stays, the TXT values are gone. The certificate follows on standard output.")
        return blocks

    def invite(self):
        heading("7. Your turn. CertMate's own requests, unchanged but for host, token and provider:")
        token = self.reeve.must("POST", "/v1/tokens", {"name": "demo", "expires_in_days": 1})["token"]
        url = self.reeve.url
        say(KNOT, f"serves example.com with: {self.lab.knot.zones['example.com'][0]}")
        plain()
        plain(SEED.format(url=url, token=token))
        plain()
        plain(SEED_WILDCARD.format(url=url, token=token))
        plain()
        plain(f"curl -H 'Authorization: Bearer {token}' '{url}/api/certificates/example.com/download?file=fullchain.pem'")
        plain()
        say(REEVE, f"commands in another terminal: {shlex.quote(str(self.reeve.binary))} certificate list --home {self.reeve.home}")
        plain("Everything runs until Ctrl-C.")


def main():
    parser = argparse.ArgumentParser(description="Shows Reeve at work on loopback.")
    parser.add_argument("--reeve", default=str(ROOT / "build" / "reeve"))
    parser.add_argument("--once", action="store_true", help="end after the certificate")
    args = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    lab = None
    try:
        lab = lab_module.Lab(args.reeve, addresses=choose_addresses(), log_level="info")
        lab.knot.cname("example.com", "_acme-challenge.validation.example.org")
        demo = Demo(lab)
        demo.show_the_stage()
        demo.publish(demo.delegate())
        order_id = demo.issue()
        demo.explain(order_id)
        blocks = demo.verify()
        sys.stdout.write("".join(blocks))
        sys.stdout.flush()
        if not args.once:
            demo.invite()
            while lab.reeve.process.alive():
                time.sleep(0.5)
            plain(lab.reeve.log()[-3000:])
            raise lab_module.LabError("reeve serve ended by itself")
        return 0
    except KeyboardInterrupt:
        plain("\nstopping")
        return 0
    except lab_module.LabError as e:
        plain(f"demo: {e}")
        if lab is not None and lab.reeve is not None:
            plain("--- the end of Reeve's log\n" + lab.reeve.log()[-3000:])
        return 1
    finally:
        if lab is not None:
            lab.close()


if __name__ == "__main__":
    sys.exit(main())
