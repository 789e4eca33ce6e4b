"""name_server: real DNS servers that take dynamic updates, as fakes: Knot and BIND, each behind a forwarder with faults.

A server is started when it is first asked for, and again when a zone came. Zones are read by transfer, and somebody
else's values are written with knsupdate, as somebody else would.
"""
import base64
import hashlib
import os
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

import fake

ALGORITHMS = ["hmac-sha1", "hmac-sha224", "hmac-sha256", "hmac-sha384", "hmac-sha512"]


def secret(name):
    return base64.b64encode(hashlib.sha256(name.encode()).digest()).decode()


class Forwarder:
    """Between the provider and its server: one datagram or connection after the other, with faults for the next updates."""

    def __init__(self, target):
        self.target, self.faults, self.seen, self.running = target, [], [], True
        self.udp = self.tcp = None
        while self.tcp is None:  # both kinds on one port
            self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self.udp.bind(("127.0.0.1", 0))
            try:
                self.tcp = socket.create_server(self.udp.getsockname())
            except OSError:
                self.udp.close()
        self.port = self.udp.getsockname()[1]
        threading.Thread(target=self.run, daemon=True).start()

    def fault(self, message):
        """The fault of this message; those for "any" do not wait for an update."""
        update = (message[2] >> 3) & 15 == 5
        for f in self.faults:
            if update or f.startswith("any-"):
                self.faults.remove(f)
                return f.removeprefix("any-")
        return None

    def one_udp(self):
        message, client = self.udp.recvfrom(65535)
        self.seen.append("udp")
        fault = self.fault(message)
        if fault == "drop":
            return
        if fault == "refuse-unsigned":
            self.udp.sendto(message[:2] + bytes([message[2] | 0x80, 5]) + message[4:6] + bytes(6) + self.question(message), client)
            return
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.settimeout(3)
            s.sendto(message, self.target)
            try:
                answer = s.recv(65535)
            except OSError:
                return
        if fault == "truncate":
            answer = answer[:2] + bytes([answer[2] | 2]) + answer[3:4] + answer[4:6] + bytes(6) + self.question(answer)
        if fault == "corrupt":
            answer = answer[:-20] + bytes([answer[-20] ^ 1]) + answer[-19:]
        if fault == "unsigned":
            answer = answer[:6] + bytes(6) + self.question(answer)
        if fault == "other-id":
            self.udp.sendto(bytes([answer[0] ^ 1]) + answer[1:], client)
        if fault != "deaf":
            self.udp.sendto(answer, client)

    @staticmethod
    def question(message):
        at = 12
        while message[at]:
            at += message[at] + 1
        return message[12:at + 5]

    def one_tcp(self):
        connection, _ = self.tcp.accept()
        with connection, socket.create_connection(self.target, 3) as s:
            connection.settimeout(3)
            s.settimeout(3)
            head = connection.recv(2, socket.MSG_WAITALL)
            if len(head) < 2:
                return
            message = connection.recv(int.from_bytes(head, "big"), socket.MSG_WAITALL)
            self.seen.append("tcp")
            if self.fault(message) == "drop":
                return
            s.sendall(head + message)
            head = s.recv(2, socket.MSG_WAITALL)
            connection.sendall(head + s.recv(int.from_bytes(head, "big"), socket.MSG_WAITALL))

    def run(self):
        while self.running:
            ready, _, _ = select.select([self.udp, self.tcp], [], [], 0.2)
            for s in ready:
                try:
                    self.one_udp() if s is self.udp else self.one_tcp()
                except OSError:
                    pass
        self.udp.close()
        self.tcp.close()


class ServedZone:
    def __init__(self, server, name):
        self.server, self.name = server, name

    @property
    def records(self):
        return self.server.transfer(self.name)


class NameServer(fake.Fake):
    id = "rfc2136"
    server = None   # the program
    credentials = {"nameserver": "{origin}", "tsig_key": "writer-hmac-sha512", "tsig_secret": secret("writer-hmac-sha512")}
    wrong = {**credentials, "tsig_secret": secret("another")}
    read_only = {**credentials, "tsig_key": "reader", "tsig_secret": secret("reader")}
    shared = ("add_and_remove", "foreign_values_stay", "configured_zone", "zone_not_found", "nested_zones", "apex_and_depth",
              "wrong_credential", "missing_permission")

    @classmethod
    def missing(cls):
        needed = [p for p in (cls.server, "knsupdate", "kdig") if shutil.which(p, path=os.environ["PATH"] + ":/usr/sbin") is None]
        return "%s is not installed" % ", ".join(needed) if needed else None

    def __init__(self, host="127.0.0.1", port=None):
        super().__init__()
        self.host = host
        self.folder = tempfile.TemporaryDirectory(prefix="reeve-dns-")
        self.process = None
        with socket.socket() as s:
            s.bind((host, port or 0))
            self.port = s.getsockname()[1]
        self.forwarder = Forwarder((host, self.port))
        self.origin = "127.0.0.1:%d" % self.forwarder.port
        self.keys = {"admin": "hmac-sha256", "reader": "hmac-sha512", **{"writer-" + a: a for a in ALGORITHMS}}

    def path(self, name):
        return os.path.join(self.folder.name, name)

    # ---- the store ----

    def zone(self, name):
        self.zones[name] = ServedZone(self, name)
        with open(self.path(name + ".zone"), "w", encoding="utf-8") as f:
            f.write("%s. 60 IN SOA ns.test. h.test. 1 3600 600 86400 1\n%s. 60 IN NS ns.test.\n" % (name, name))
        self.stop()
        return self.zones[name]

    def handed_over(self, name, parent):
        with open(self.path(parent + ".zone"), "a", encoding="utf-8") as f:
            f.write("%s. 60 IN NS ns.elsewhere.test.\n" % name)
        self.stop()

    def transfer(self, zone):
        self.start()
        text = self.tool("kdig", "-y", "hmac-sha256:admin:" + secret("admin"), "@" + self.host, "-p", str(self.port), "AXFR", zone,
                         "+tcp", "+nocomments", "+nostats", "+noheader")
        records = []
        for line in text.splitlines():
            part = line.split(None, 4)
            if len(part) == 5 and part[3] == "TXT" and not line.startswith(";"):
                records.append(fake.Record(len(records), part[0].rstrip(".").lower(), "TXT", part[4].strip('"'), int(part[1])))
        return records

    def values(self, name):
        zone = max((z for z in self.zones if name == z or name.endswith("." + z)), key=len)
        return sorted(r.value for r in self.zones[zone].records if r.name == name)

    def foreign(self, name, value, kind="TXT"):
        self.start()
        zone = max((z for z in self.zones if name == z or name.endswith("." + z)), key=len)
        shown = '"%s"' % value if kind == "TXT" else value
        self.tool("knsupdate", "-y", "hmac-sha256:admin:" + secret("admin"),
                  input="server %s %d\nzone %s.\nadd %s. 300 %s %s\nsend\n" % (self.host, self.port, zone, name, kind, shown))

    def tool(self, *command, input=None):
        run = subprocess.run(command, input=input, capture_output=True, text=True, timeout=20, check=False,
                             env={**os.environ, "PATH": os.environ["PATH"] + ":/usr/sbin"})
        if run.returncode != 0:
            raise AssertionError("%s: %s %s" % (command[0], run.stdout, run.stderr))
        return run.stdout

    # ---- the server ----

    def command(self):
        raise NotImplementedError

    def start(self):
        if self.process is not None:
            return
        with open(self.path("log"), "ab") as log:
            self.process = subprocess.Popen(self.command(), stdout=log, stderr=log, cwd=self.folder.name,
                                            env={**os.environ, "PATH": os.environ["PATH"] + ":/usr/sbin"})
        until = time.monotonic() + 20
        while time.monotonic() < until:
            run = subprocess.run(["kdig", "@" + self.host, "-p", str(self.port), "+short", "+time=1", "+retry=0", "SOA", next(iter(self.zones))],
                                 capture_output=True, text=True, check=False)
            if "ns.test." in run.stdout:
                return
            time.sleep(0.05)
        with open(self.path("log"), encoding="utf-8", errors="replace") as f:
            raise AssertionError("the server does not serve: " + f.read()[-600:])

    def stop(self):
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(20)
            self.process = None

    def serve(self, pem, key):
        del pem, key
        return self

    def ready(self):
        self.start()

    def shutdown(self):
        self.stop()
        self.forwarder.running = False

    def server_close(self):
        self.folder.cleanup()


class Knot(NameServer):
    name, server = "rfc2136 at Knot", "knotd"

    def command(self):
        lines = ["server:", "    rundir: " + self.folder.name, "    listen: %s@%d" % (self.host, self.port), "    udp-workers: 1",
                 "    tcp-workers: 1", "    background-workers: 1", "database:", "    storage: " + self.folder.name, "key:"]
        for name, algorithm in self.keys.items():
            lines += ["  - id: " + name, "    algorithm: " + algorithm, "    secret: " + secret(name)]
        lines += ["acl:", "  - id: admin", "    key: admin", "    action: [ update, transfer ]",
                  "  - id: reader", "    key: reader", "    action: query",
                  "  - id: writers", "    key: [ %s ]" % ", ".join("writer-" + a for a in ALGORITHMS), "    action: update",
                  "    update-type: TXT",
                  "template:", "  - id: default", "    storage: " + self.folder.name, "    acl: [ admin, reader, writers ]",
                  "    zonefile-sync: 0", "    journal-content: changes", "zone:"]
        for zone in self.zones:
            lines += ["  - domain: " + zone, "    file: %s.zone" % zone]
        with open(self.path("knot.conf"), "w", encoding="utf-8") as f:
            f.write("\n".join(lines) + "\n")
        return ["knotd", "-c", self.path("knot.conf")]


class Bind(NameServer):
    name, server = "rfc2136 at BIND", "named"

    def command(self):
        text = "".join('key "%s" { algorithm %s; secret "%s"; };\n' % (n, a, secret(n)) for n, a in self.keys.items())
        text += ('options { directory "%s"; listen-on port %d { 127.0.0.1; }; listen-on-v6 { none; }; recursion no; pid-file none;\n'
                 '  dnssec-validation no; notify no; session-keyfile "session.key"; lock-file none; managed-keys-directory "%s"; };\n'
                 "controls { };\n" % (self.folder.name, self.port, self.folder.name))
        grants = "".join("grant writer-%s subdomain {0} TXT; " % a for a in ALGORITHMS) + "grant admin subdomain {0} ANY; "
        for zone in self.zones:
            text += ('zone "%s" { type primary; file "%s.zone"; allow-transfer { key admin; }; update-policy { %s}; };\n' %
                     (zone, zone, grants.replace("{0}", zone + ".")))
        with open(self.path("named.conf"), "w", encoding="utf-8") as f:
            f.write(text)
        return ["named", "-g", "-n", "1", "-c", self.path("named.conf")]
