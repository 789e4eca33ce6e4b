"""The real components on loopback: Pebble (the CA), Unbound (the resolver it asks), Knot (production DNS) and Reeve.

Lab() takes a /24 of 127.64.0.0/10 for itself, so that any number of labs can run at once; every address and port can
also be given. Nothing here needs privileges, nothing asks the Internet: the root zone is Knot's too. Every process is
the leader of a group of its own and is stopped by its id; the directory goes with it.
"""

import atexit
import collections
import contextlib
import http.client
import http.server
import json
import os
import pathlib
import random
import re
import shutil
import signal
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse

import peers

ROOT = pathlib.Path(__file__).resolve().parents[2]
TXT, CNAME, SOA, NS, A = 16, 5, 6, 2, 1
NOERROR, SERVFAIL, NXDOMAIN = 0, 2, 3
ROLES = ("keeper", "worker", "resolver", "api", "dns", "hook")
# Names of production zones in Knot. The two last have no name server of their own until a test starts one.
ZONES = ("example.test", "example.com", "a.com", "b.com")
DARK_ZONE = "dark.test"
VALIDATION_ZONES = ("acme.example.org", "validation.example.org")
SANITIZER = re.compile(r"ERROR: (Address|Leak|Thread)Sanitizer|runtime error:|SUMMARY: \w+Sanitizer")
os.environ["PATH"] += ":/usr/sbin:/sbin"


class LabError(Exception):
    """A component did not do what the lab needs of it; the text says which and shows its log."""


def wait_until(what, probe, timeout=10.0, every=0.02):
    """Calls probe() until it gives something true and returns that."""
    deadline = time.monotonic() + timeout
    while True:
        value = probe()
        if value:
            return value
        if time.monotonic() > deadline:
            raise LabError(f"{what}: not within {timeout:g} s")
        time.sleep(every)


# --- DNS, as much as a test needs -----------------------------------------------------------------

Record = collections.namedtuple("Record", "name type ttl data")


class Answer(collections.namedtuple("Answer", "rcode authoritative answers authority")):
    def values(self, rtype):
        return [r.data for r in self.answers if r.type == rtype]


def _name_wire(name):
    out = b""
    for label in name.rstrip(".").split("."):
        if label:
            out += bytes([len(label)]) + label.encode("ascii")
    return out + b"\0"


def _name_read(data, at):
    labels, end, jumps = [], None, 0
    while data[at]:
        if data[at] & 0xC0 == 0xC0:
            end = end if end is not None else at + 2
            at = struct.unpack_from("!H", data, at)[0] & 0x3FFF
            jumps += 1
            if jumps > 64:
                raise LabError("a loop of compression pointers")
            continue
        labels.append(data[at + 1:at + 1 + data[at]].decode("latin-1"))
        at += 1 + data[at]
    return ".".join(labels), end if end is not None else at + 1


def dns_query(address, port, name, rtype, timeout=3.0, recurse=False, tcp=False):
    """One question, one answer; None when nobody answers in time."""
    number = random.randrange(65536)
    question = struct.pack("!HHHHHH", number, 0x100 if recurse else 0, 1, 0, 0, 0) + _name_wire(name) + struct.pack("!HH", rtype, 1)
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM if tcp else socket.SOCK_DGRAM) as s:
            s.settimeout(timeout)
            s.connect((address, port))
            if tcp:
                s.sendall(struct.pack("!H", len(question)) + question)
                stream = s.makefile("rb")
                data = stream.read(struct.unpack("!H", stream.read(2))[0])
            else:
                s.send(question)
                data = s.recv(65535)
    except (OSError, struct.error):
        return None
    got, flags, questions, answers, authority, _ = struct.unpack_from("!HHHHHH", data)
    if got != number:
        return None
    at = 12
    for _ in range(questions):
        at = _name_read(data, at)[1] + 4
    sections = []
    for count in (answers, authority):
        records = []
        for _ in range(count):
            owner, at = _name_read(data, at)
            kind, _, ttl, size = struct.unpack_from("!HHIH", data, at)
            at += 10
            raw = data[at:at + size]
            value = raw.hex()
            if kind in (CNAME, NS):
                value = _name_read(data, at)[0]
            elif kind == TXT:
                value, i = "", 0
                while i < size:
                    value += raw[i + 1:i + 1 + raw[i]].decode("latin-1")
                    i += 1 + raw[i]
            records.append(Record(owner, kind, ttl, value))
            at += size
        sections.append(records)
    return Answer(flags & 15, bool(flags & 0x400), *sections)


# --- processes ------------------------------------------------------------------------------------

class Process:
    """One component: started as the leader of a group, stopped with all of the group."""

    def __init__(self, name, argv, log, env=None, cwd=None):
        self.name, self.log = name, pathlib.Path(log)
        with open(self.log, "ab") as out:
            self.popen = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd=cwd,
                                          env={**os.environ, **(env or {})}, start_new_session=True)
        self.pid = self.popen.pid

    def alive(self):
        return self.popen.poll() is None

    def stop(self, timeout=10.0):
        """SIGTERM, patience, then SIGKILL to the whole group. True when it went on SIGTERM alone."""
        orderly = True
        if self.alive():
            self.popen.terminate()
            try:
                self.popen.wait(timeout)
            except subprocess.TimeoutExpired:
                orderly = False
        self.kill()
        return orderly

    def kill(self):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        self.popen.wait()

    def text(self):
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def wait_for(self, what, probe, timeout=20.0):
        def look():
            if not self.alive():
                raise LabError(f"{self.name} ended with code {self.popen.returncode}:\n{self.text()[-4000:]}")
            return probe()
        try:
            return wait_until(f"{self.name}: {what}", look, timeout)
        except LabError as e:
            raise LabError(f"{e}\n{self.text()[-4000:]}") from None


def run(argv, check=True, input=None, timeout=60, env=None):
    """The finished process with text output; a failure of `check` shows what it said."""
    done = subprocess.run([str(a) for a in argv], input=input, capture_output=True, text=True, timeout=timeout,
                          stdin=subprocess.DEVNULL if input is None else None, env={**os.environ, **(env or {})})
    if check and done.returncode != 0:
        raise LabError(f"{' '.join(str(a) for a in argv)}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
    return done


def processes():
    """pid -> (parent pid, process group, argv) of everything that runs."""
    found = {}
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            stat = pathlib.Path("/proc", entry, "stat").read_text()
            argv = pathlib.Path("/proc", entry, "cmdline").read_bytes().decode(errors="replace").split("\0")[:-1]
        except (FileNotFoundError, ProcessLookupError):
            continue
        fields = stat.rsplit(")", 1)[1].split()
        if fields[0] != "Z":
            found[int(entry)] = (int(fields[1]), int(fields[2]), argv)
    return found


# --- the components -------------------------------------------------------------------------------

def make_tls(directory, address):
    """A throw-away CA and a server certificate for one address: (ca.pem, cert.pem, key.pem)."""
    d = pathlib.Path(directory)
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30"]
    run(["openssl", "req", "-x509", *key, "-keyout", d / "ca.key", "-out", d / "ca.pem", "-subj", "/CN=lab CA",
         "-addext", "keyUsage=critical,keyCertSign"])
    run(["openssl", "req", "-x509", *key, "-CA", d / "ca.pem", "-CAkey", d / "ca.key", "-keyout", d / "server.key",
         "-out", d / "server.pem", "-subj", "/CN=lab server", "-addext", f"subjectAltName=IP:{address}",
         "-addext", "basicConstraints=critical,CA:FALSE"])
    return d / "ca.pem", d / "server.pem", d / "server.key"


class Pebble:
    """The test CA. Its log names each request as `POST /order-plz -> calling handler()`."""

    BINARY, CONFIG = "pebble", {}

    def __init__(self, directory, address, port, resolver, *, nonce_reject=0, authz_reuse=0, eab=None, strict=True, sleeps=False,
                 alternate_roots=0, chain_length=1, config=None):
        self.directory, self.address, self.port, self.management = pathlib.Path(directory), address, port, port + 1000
        self.directory.mkdir(parents=True, exist_ok=True)
        self.resolver, self.eab, self.strict, self.config = resolver, eab, strict, {**self.CONFIG, **(config or {})}
        self.env = {"PEBBLE_WFE_NONCEREJECT": str(nonce_reject), "PEBBLE_AUTHZREUSE": str(authz_reuse),
                    "PEBBLE_ALTERNATE_ROOTS": str(alternate_roots), "PEBBLE_CHAIN_LENGTH": str(chain_length),
                    **({"PEBBLE_VA_SLEEPTIME": "2"} if sleeps else {"PEBBLE_VA_NOSLEEP": "1"})}
        self.ca_file, self.cert, self.key = make_tls(self.directory, address)
        self.url = f"https://{address}:{port}/dir"
        self.start()

    def start(self):
        config = {
            "listenAddress": f"{self.address}:{self.port}",
            "managementListenAddress": f"{self.address}:{self.management}",
            "certificate": str(self.cert), "privateKey": str(self.key),
            "httpPort": 5002, "tlsPort": 5001, "ocspResponderURL": "",
            "externalAccountBindingRequired": bool(self.eab), "externalAccountMACKeys": self.eab or {}, **self.config,
        }
        path = self.directory / "pebble.json"
        path.write_text(json.dumps({"pebble": config}))
        self.process = Process("Pebble", [str(self.BINARY), "-config", str(path), "-dnsserver", self.resolver,
                                          *(["-strict"] if self.strict else [])],
                               self.directory / "pebble.log", self.env)
        self.process.wait_for("directory", lambda: self._request("GET", self.port, "/dir"))

    def management_get(self, path):
        return self._request("GET", self.management, path)

    def _request(self, method, port, path, body=None):
        """The body of a 200, or None."""
        context = ssl.create_default_context(cafile=str(self.ca_file))
        connection = http.client.HTTPSConnection(self.address, port, timeout=5, context=context)
        try:
            connection.request(method, path, body, {"User-Agent": "reeve-lab"})
            answer = connection.getresponse()
            text = answer.read().decode()
            return (text or " ") if answer.status == 200 else None
        except OSError:
            return None
        finally:
            connection.close()

    def root_file(self, number=0):
        """The root that this Pebble made at its start, as a file for `openssl verify`; the alternates from 1."""
        path = self.directory / "root.pem"
        path.write_text(wait_until("Pebble's root", lambda: self._request("GET", self.management, f"/roots/{number}")))
        return path

    def settle(self):
        """Wait until the log stands still: its last lines come a little after the answers."""
        seen = -1
        while seen != len(self.process.text()):
            seen = len(self.process.text())
            time.sleep(0.2)

    def mark(self):
        """A place in the log; requests(mark) counts from there."""
        return len(self.process.text())

    def requests(self, mark=0):
        """handler path -> number of requests, newNonce and the directory included."""
        counts = collections.Counter()
        for path in re.findall(r"(?:GET|HEAD|POST) /([^/ ]*)[^ ]* -> calling handler", self.process.text()[mark:]):
            counts[path] += 1
        return counts

    def posts(self, mark=0):
        """How many requests count: all but the directory and newNonce."""
        return sum(n for path, n in self.requests(mark).items() if path not in ("dir", "nonce-plz", "roots"))

    def issued(self, mark=0):
        """Serial numbers of the certificates issued since the mark."""
        return re.findall(r"Issued certificate serial ([0-9a-f]+) for order", self.process.text()[mark:])

    def stop(self):
        self.process.stop()


class NewPebble(Pebble):
    """Pebble 2.10: renewal information, profiles, DNS over TCP; it asks for a User-Agent."""

    CONFIG = {
        "keyAlgorithm": "ecdsa", "retryAfter": {"authz": 1, "order": 1},
        "profiles": {"default": {"description": "ninety days", "validityPeriod": 7776000},
                     "shortlived": {"description": "six days", "validityPeriod": 518400}},
    }

    def __init__(self, *args, **options):
        self.BINARY = peers.find("pebble")
        super().__init__(*args, **options)

    def set_renewal_info(self, certificate_pem, answer):
        """From now on renewalInfo of this certificate answers with this text, whatever it is."""
        body = json.dumps({"Certificate": certificate_pem, "ARIResponse": answer})
        if self._request("POST", self.management, "/set-renewal-info/", body) is None:
            raise LabError("Pebble did not take the renewal information")


class StepCa:
    """A CA of another school: it validates while the challenge is answered, has no renewal information and no alternates."""

    def __init__(self, directory, address, port, resolver, *, eab_required=False):
        program = peers.find("step-ca")
        self.directory, self.address, self.port = pathlib.Path(directory), address, port
        self.directory.mkdir(parents=True, exist_ok=True)
        d = self.directory
        key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30", "-addext", "keyUsage=critical,keyCertSign,cRLSign"]
        run(["openssl", "req", "-x509", *key, "-keyout", d / "root.key", "-out", d / "root.pem", "-subj", "/CN=step root"])
        run(["openssl", "req", "-x509", *key, "-CA", d / "root.pem", "-CAkey", d / "root.key", "-keyout", d / "intermediate.key",
             "-out", d / "intermediate.pem", "-subj", "/CN=step intermediate", "-addext", "basicConstraints=critical,CA:TRUE,pathlen:0"])
        config = {
            "root": str(d / "root.pem"), "crt": str(d / "intermediate.pem"), "key": str(d / "intermediate.key"),
            "address": f"{address}:{port}", "dnsNames": [address], "logger": {"format": "text"},
            "db": {"type": "bbolt", "dataSource": str(d / "db")},
            "authority": {"provisioners": [{"type": "ACME", "name": "acme", "challenges": ["dns-01"], "requireEAB": eab_required}]},
        }
        (d / "ca.json").write_text(json.dumps(config))
        self.ca_file, self.url = d / "root.pem", f"https://{address}:{port}/acme/acme/directory"
        self.process = Process("step-ca", [str(program), str(d / "ca.json")], d / "step-ca.log", {"STEP_CA_DNS": resolver})
        self.process.wait_for("directory", self._directory)

    def _directory(self):
        context = ssl.create_default_context(cafile=str(self.ca_file))
        connection = http.client.HTTPSConnection(self.address, self.port, timeout=5, context=context)
        try:
            connection.request("GET", "/acme/acme/directory")
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()

    def root_file(self):
        return self.ca_file

    def stop(self):
        self.process.stop()


# What Lab(ca=…) takes.
CAS = {"pebble": Pebble, "pebble-new": NewPebble, "step-ca": StepCa}


class TlsServer:
    """A service that uses a certificate: it reads fullchain.pem and privkey.pem of a directory for each connection, unless
    it was told to hold on to what it has."""

    def __init__(self, address, port, directory, holds=False):
        self.address, self.port, self.directory, self.held = address, port, pathlib.Path(directory), None
        self.holds = holds
        self.socket = socket.create_server((address, port))
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _context(self):
        if self.held:
            return self.held
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.directory / "fullchain.pem", self.directory / "privkey.pem")
        if self.holds:
            self.held = context
        return context

    def _serve(self):
        while True:
            try:
                connection = self.socket.accept()[0]
            except OSError:
                return
            with connection, contextlib.suppress(OSError, ssl.SSLError):
                connection.settimeout(5)
                with self._context().wrap_socket(connection, server_side=True) as tls:
                    tls.recv(1)

    def stop(self):
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()


class WebhookServer:
    """An HTTPS server that keeps what it was sent and answers with the statuses it was given, the last one for ever."""

    def __init__(self, directory, address, port, statuses=(204,)):
        directory = pathlib.Path(directory)
        directory.mkdir(parents=True, exist_ok=True)
        self.ca_file, cert, key = make_tls(directory, address)
        self.requests, self.statuses, self.url = [], list(statuses), f"https://{address}:{port}/hook"
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.requests.append((dict(self.headers), body))
                self.send_response(outer.statuses.pop(0) if len(outer.statuses) > 1 else outer.statuses[0])
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer((address, port), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(cert, key)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


class TlsProxy:
    """Ends TLS in front of a plain server, as a reverse proxy does."""

    def __init__(self, directory, address, port, to):
        directory = pathlib.Path(directory)
        directory.mkdir(parents=True, exist_ok=True)
        self.ca_file, cert, key = make_tls(directory, address)
        self.url, self.to = f"https://{address}:{port}", to
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(cert, key)
        self.socket = socket.create_server((address, port))
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                client = self.socket.accept()[0]
            except OSError:
                return
            threading.Thread(target=self._one, args=(client,), daemon=True).start()

    def _one(self, client):
        with client, contextlib.suppress(OSError, ssl.SSLError), self.context.wrap_socket(client, server_side=True) as tls, \
                socket.create_connection(self.to) as server:
            server.sendall(tls.recv(65536))
            while data := server.recv(65536):
                tls.sendall(data)

    def stop(self):
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()


class Unbound:
    """The resolver the CA asks: no cache, no root but ours, every test zone a stub."""

    def __init__(self, directory, address, port, stubs):
        directory = pathlib.Path(directory)
        directory.mkdir(parents=True, exist_ok=True)
        self.address, self.port = address, port
        lines = [
            "server:", "  verbosity: 1", "  use-syslog: no", '  logfile: ""', "  do-daemonize: no", '  username: ""',
            '  chroot: ""', f'  directory: "{directory}"', '  pidfile: ""', f"  interface: {address}@{port}",
            "  access-control: 127.0.0.0/8 allow", f"  outgoing-interface: {address}", "  do-ip6: no", "  num-threads: 1",
            "  do-not-query-localhost: no", "  cache-max-ttl: 0", "  cache-max-negative-ttl: 0", "  infra-host-ttl: 0",
            "  infra-keep-probing: yes", "  use-caps-for-id: yes", "  qname-minimisation: yes", "  aggressive-nsec: no",
            '  module-config: "validator iterator"', "  outgoing-range: 256", "  msg-cache-size: 1m", "  rrset-cache-size: 1m",
            "  so-reuseport: no", "  minimal-responses: yes",
        ]
        # Unbound answers "test." itself (RFC 6761) unless told not to.
        lines += ['  local-zone: "test." nodefault']
        lines += [f'  domain-insecure: "{zone}"' for zone in stubs]
        lines += ["remote-control:", "  control-enable: no"]
        for zone, target in stubs.items():
            lines += ["stub-zone:", f'  name: "{zone}"', f"  stub-addr: {target}", "  stub-no-cache: yes"]
        config = directory / "unbound.conf"
        config.write_text("\n".join(lines) + "\n")
        self.process = Process("Unbound", ["unbound", "-d", "-p", "-c", str(config)], directory / "unbound.log")
        self.process.wait_for("answer", lambda: dns_query(address, port, "example.test", SOA, 0.2, recurse=True))

    def stop(self):
        self.process.stop()


class Knot:
    """The production name server: static zone files that Reeve cannot reach."""

    def __init__(self, directory, address, port, zones, *, root=True):
        self.directory, self.address, self.port = pathlib.Path(directory), address, port
        self.directory.mkdir(parents=True, exist_ok=True)
        self.zones = {zone: [] for zone in zones}
        self.serials = collections.Counter()
        if root:
            self.zones["."] = []
        for zone in self.zones:
            self._write(zone)
        config = [
            "server:", f"    rundir: {self.directory}", f"    listen: [ {address}@{port} ]",
            "    udp-workers: 1", "    tcp-workers: 1", "    background-workers: 1",
            "log:", "  - target: stderr", "    any: info",
            "database:", f"    storage: {self.directory}",
            "template:", "  - id: default", f"    storage: {self.directory}", "    zonefile-sync: -1",
            "    zonefile-load: whole", "    journal-content: none",
            "zone:",
        ]
        for zone in self.zones:
            config += [f'  - domain: "{zone}"', f"    file: {self._file(zone).name}"]
        path = self.directory / "knot.conf"
        path.write_text("\n".join(config) + "\n")
        self.process = Process("Knot", ["knotd", "-c", str(path)], self.directory / "knot.log")
        for zone in self.zones:
            self.process.wait_for(f"zone {zone}", lambda z=zone: self._serial_served(z) == self.serials[z])

    def _file(self, zone):
        return self.directory / ("root.zone" if zone == "." else f"{zone}.zone")

    def _write(self, zone):
        self.serials[zone] += 1
        apex = zone.rstrip(".") + "."
        lines = [f"{apex} 300 IN SOA ns.lab.test. hostmaster.lab.test. {self.serials[zone]} 3600 600 86400 1",
                 f"{apex} 300 IN NS ns.lab.test."]
        temporary = self._file(zone).with_suffix(".new")
        temporary.write_text("\n".join(lines + self.zones[zone]) + "\n")
        temporary.rename(self._file(zone))

    def _serial_served(self, zone):
        answer = dns_query(self.address, self.port, zone, SOA, 0.3)
        if answer is None or not answer.values(SOA):
            return None
        return int(answer.values(SOA)[0][-40:-32], 16)

    def zone_text(self, zone):
        return self._file(zone).read_text()

    def set(self, zone, *lines):
        """Replaces all records of the zone but SOA and NS, and waits until they are served."""
        self.zones[zone] = list(lines)
        self._write(zone)
        os.kill(self.process.pid, signal.SIGHUP)
        self.process.wait_for(f"reload of {zone}", lambda: self._serial_served(zone) == self.serials[zone])

    def cname(self, name, target, zone=None):
        """Publishes the one CNAME _acme-challenge.NAME -> target beside what the zone has; target None removes it."""
        zone = zone or max((z for z in self.zones if z != "." and (name == z or name.endswith("." + z))), key=len)
        owner = f"_acme-challenge.{name}."
        lines = [line for line in self.zones[zone] if line.split()[0] != owner]
        if target:
            lines.append(f"{owner} 300 IN CNAME {target.rstrip('.')}.")
        self.set(zone, *lines)

    def stop(self):
        self.process.stop()


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path, timeout):
        super().__init__("localhost", timeout=timeout)
        self.path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


Reply = collections.namedtuple("Reply", "status body headers")


class Reeve:
    """One Reeve home: `reeve init`, our reeve.toml, `reeve serve`."""

    def __init__(self, binary, directory, *, api, dns, zones, stubs, log_level="debug", threads=8):
        self.binary, self.home = pathlib.Path(binary).resolve(), pathlib.Path(directory)
        self.api_address, self.dns_address, self.zones, self.stubs = api, dns, zones, stubs
        self.log_level, self.threads = log_level, threads
        self.process = None
        if not self.binary.exists():
            raise LabError(f"{self.binary} does not exist; run `make build`")

    @property
    def url(self):
        return f"http://{self.api_address[0]}:{self.api_address[1]}"

    def init(self):
        self.home.mkdir(parents=True, exist_ok=True)
        run([self.binary, "init", "--home", self.home])
        self.write_config()

    def write_config(self, extra=""):
        def quoted(items):
            return "[" + ", ".join(f'"{i}"' for i in items) + "]"
        (self.home / "etc" / "reeve.toml").write_text(
            "[server]\n"
            f"listen = {quoted([f'{self.api_address[0]}:{self.api_address[1]}'])}\n"
            "[zone]\n"
            f"names = {quoted(self.zones)}\n"
            f"name_servers = {quoted([f'ns1.{self.zones[0]}={self.dns_address[0]}'])}\n"
            f'hostmaster = "hostmaster.{self.zones[0]}"\n'
            f"listen = {quoted([f'{self.dns_address[0]}:{self.dns_address[1]}'])}\n"
            "[resolver]\n"
            f"stub = {quoted([f'{zone}={target}' for zone, target in self.stubs.items()])}\n"
            "timeout_ms = 3000\n"
            "[worker]\n"
            f"threads = {self.threads}\n"
            "[log]\n"
            f'level = "{self.log_level}"\n' + extra)

    def serve(self, env=None, wait=True, wrapper=()):
        """wrapper: a command that ends by becoming the one behind it."""
        self.listening = self.home / "run" / "listening"
        self.listening.unlink(missing_ok=True)
        self.process = Process("Reeve", [*wrapper, str(self.binary), "serve", "--home", str(self.home)], self.home / "reeve.log", env)
        if wait:
            self.wait_serving()

    def wait_serving(self, timeout=30.0):
        """Until it serves an administrator too: the keeper opens a moment after the first answer."""
        self.process.wait_for("listening", lambda: self.listening.exists() and self.healthy() and self.open(), timeout)

    def open(self):
        try:
            return self.api("GET", "/v1/authorities", timeout=5).status == 200
        except (OSError, http.client.HTTPException):
            return False

    def healthy(self):
        try:
            return self.http("GET", "/healthz", timeout=2).status == 200
        except (OSError, http.client.HTTPException):
            return False

    def stop(self, timeout=15.0):
        return self.process.stop(timeout) if self.process else True

    def role_pids(self):
        """role -> pid, of this server only."""
        found = {}
        for pid, (parent, _, argv) in processes().items():
            if parent == self.process.pid and "--role" in argv[:-1]:
                found[argv[argv.index("--role") + 1]] = pid
        return found

    def log(self):
        path = self.home / "reeve.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def sanitizer_reports(self):
        return [line for line in self.log().splitlines() if SANITIZER.search(line)]

    # -- interfaces

    def _send(self, connection, method, path, body, headers):
        headers = dict(headers)
        data = None
        if body is not None:
            data = body if isinstance(body, (bytes, str)) else json.dumps(body)
            headers.setdefault("Content-Type", "application/json")
        try:
            connection.request(method, path, body=data, headers=headers)
            answer = connection.getresponse()
            raw = answer.read()
        finally:
            connection.close()
        kind = answer.headers.get("Content-Type", "")
        parsed = json.loads(raw) if "json" in kind and raw else raw.decode(errors="replace")
        return Reply(answer.status, parsed, answer.headers)

    def http(self, method, path, body=None, token=None, timeout=90, headers=None):
        """A request as strangers send it: over TCP, with a token or without."""
        headers = dict(headers or {})
        if token:
            headers["Authorization"] = f"Bearer {token}"
        return self._send(http.client.HTTPConnection(*self.api_address, timeout=timeout), method, path, body, headers)

    def api(self, method, path, body=None, project=None, timeout=90):
        """A request as the administrator: over the UNIX socket."""
        headers = {"Reeve-Project": project} if project else {}
        return self._send(UnixConnection(self.home / "run" / "reeve.sock", timeout), method, path, body, headers)

    def must(self, method, path, body=None, project=None, status=None):
        reply = self.api(method, path, body, project)
        if (reply.status not in status) if status else reply.status >= 300:
            raise LabError(f"{method} {path} {json.dumps(body)}: {reply.status} {json.dumps(reply.body, indent=1)}")
        return reply.body

    def cli(self, *args, input=None, timeout=120, env=None):
        return run([self.binary, *args, "--home", self.home], check=False, input=input, timeout=timeout, env=env)

    # -- what most tests do

    def add_authority(self, pebble, name="pebble", project=None, **members):
        body = {"name": name, "directory_url": pebble.url, "email": "ops@example.test", "ca_pem": pebble.ca_file.read_text(),
                "allow_addresses": [f"{pebble.address}/32"], **members}
        return self.must("POST", "/v1/authorities", body, project)

    def add_delegation(self, name, project=None, **members):
        return self.must("POST", "/v1/delegations", {"name": name, **members}, project)

    def issue(self, names, project=None, **members):
        """(certificate, order), both as they were right after the request."""
        reply = self.must("POST", "/v1/certificates", {"names": names, **members}, project)
        return reply["certificate"], reply["order"]

    def order(self, order_id, project=None):
        return self.must("GET", f"/v1/orders/{order_id}", project=project)

    def wait_order(self, order_id, until=lambda o: o["status"] != "running", timeout=60.0, project=None, patient=False):
        """The order once `until` holds. With patient, a server that is away for a moment is waited for."""
        deadline = time.monotonic() + timeout
        order = None
        while time.monotonic() < deadline:
            try:
                order = self.order(order_id, project)
            except (OSError, http.client.HTTPException, LabError, json.JSONDecodeError):
                if not patient:
                    raise
                time.sleep(0.1)
                continue
            if until(order):
                return order
            time.sleep(0.05)
        raise LabError(f"order {order_id}: not where it should be after {timeout:g} s: {json.dumps(order, indent=1)}")

    def add_deployment(self, name, kind, project=None, certificate=None, secret=None, **settings):
        body = {"name": name, "kind": kind, "settings": settings}
        body.update({k: v for k, v in (("certificate", certificate), ("secret", secret)) if v})
        return self.must("POST", "/v1/deployments", body, project)

    def deployment(self, name, project=None):
        return self.must("GET", f"/v1/deployments/{name}", project=project)

    def deliver(self, name, timeout=60.0, **body):
        """By hand, and the delivery once it has ended."""
        delivery = self.must("POST", f"/v1/deployments/{name}/run", body)
        return wait_until(f"the end of the delivery by {name}", lambda: self._ended(delivery["id"]), timeout)

    def _ended(self, delivery_id):
        delivery = self.must("GET", f"/v1/deliveries/{delivery_id}?wait=5")
        return delivery if delivery["ended_at"] else None

    def add_hook(self, name, text, mode=0o755):
        """An executable of the hooks directory."""
        hooks = self.home / "etc" / "hooks.d"
        hooks.mkdir(mode=0o755, exist_ok=True)
        path = hooks / name
        path.write_text(text)
        path.chmod(mode)
        return path

    def download(self, certificate, part="fullchain", project=None):
        query = urllib.parse.urlencode({"part": part})
        return self.must("GET", f"/v1/certificates/{urllib.parse.quote(certificate, safe='')}/download?{query}", project=project)

    def txt(self, owner):
        """The TXT values that the validation zone answers right now."""
        answer = dns_query(*self.dns_address, owner, TXT)
        if answer is None:
            raise LabError(f"the validation zone did not answer for {owner}")
        return answer.values(TXT)

    def wait_gone(self, order_id, timeout=30.0, project=None, patient=False):
        """The order once every ledger row is gone; then nothing may be in DNS either."""
        order = self.wait_order(order_id, lambda o: all(r["state"] == "gone" for r in o["txt_records"]), timeout, project, patient)
        for owner in {r["owner"] for r in order["txt_records"]}:
            left = self.txt(owner)
            if left and set(left) & {r["value"] for r in order["txt_records"] if r["owner"] == owner}:
                raise LabError(f"{owner} still answers {left}")
        return order


class Lab:
    """All of them in one address range; a context manager."""

    def __init__(self, binary=None, *, keep=False, ca="pebble", pebble=None, reeve=True, addresses=None, log_level="debug", threads=8,
                 zones=VALIDATION_ZONES, fake_zones=()):
        """zones: those that Reeve serves. fake_zones: those of fake providers, answered at where["fakes"] (fake_dns.py)."""
        self.binary = binary or os.environ.get("REEVE_BINARY") or ROOT / "build-test" / "reeve"
        self.keep = keep
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="reeve-lab-"))
        self.parts, self.homes, self.zones = [], 0, list(zones)
        # However the program ends: what was started is stopped.
        atexit.register(self.close)
        try:
            self._reserve(addresses)
            self.stubs = {".": self.at("knot"), **{z: self.at("knot") for z in ZONES}, DARK_ZONE: self.at("dark"),
                          **{z: self.at("dns") for z in zones}, **{z: self.at("fakes") for z in fake_zones}}
            self.knot = self._add(Knot(self.directory / "knot", *self.where["knot"], ZONES))
            self.unbound = self._add(Unbound(self.directory / "unbound", *self.where["unbound"], self.stubs))
            self.ca = self._add(CAS[ca](self.directory / "pebble", *self.where["pebble"], "%s:%d" % self.where["unbound"],
                                        **(pebble or {})))
            self.pebble = self.ca  # the name that most tests, which know no other CA, use
            self.options = {"log_level": log_level, "threads": threads}
            self.reeve = self.new_reeve(start=True) if reeve else None
        except BaseException:
            self.close()
            raise

    def _reserve(self, addresses):
        if addresses:
            self.lock, self.where = None, dict(addresses)
            return
        for _ in range(200):
            net = f"127.{random.randrange(64, 128)}.{random.randrange(256)}"
            self.lock = socket.socket()
            try:
                # Whoever holds port 5000 of .250 holds the range; the socket lives as long as the lab.
                self.lock.bind((f"{net}.250", 5000))
                self.where = {"knot": (f"{net}.1", 5301), "unbound": (f"{net}.2", 5302), "dns": (f"{net}.3", 5300),
                              "api": (f"{net}.3", 8080), "pebble": (f"{net}.4", 14000), "dark": (f"{net}.9", 5301),
                              "spare": (f"{net}.5", 14000), "tls": (f"{net}.6", 4430), "webhook": (f"{net}.7", 4431),
                              "fakes": (f"{net}.8", 5308), "staging": (f"{net}.10", 14000)}
                for address, port in [*self.where.values(), (self.where["pebble"][0], 15000), (self.where["staging"][0], 15000)]:
                    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
                        with socket.socket(socket.AF_INET, kind) as probe:
                            probe.bind((address, port))
                self.lock.listen(1)
                return
            except OSError:
                self.lock.close()
        raise LabError("no free range in 127.64.0.0/10")

    def at(self, name):
        """The component's address as Unbound and reeve.toml write it."""
        return "%s@%d" % self.where[name]

    def _add(self, part):
        self.parts.append(part)
        return part

    def new_reeve(self, start=True, env=None, **options):
        """A fresh home on the lab's addresses; the one before must have been stopped."""
        self.homes += 1
        reeve = Reeve(self.binary, self.directory / f"reeve{self.homes}", api=self.where["api"], dns=self.where["dns"],
                      zones=self.zones, stubs=self.stubs, **{**self.options, **options})
        self._add(reeve)
        reeve.init()
        if start:
            reeve.serve(env)
        return reeve

    def verify_chain(self, leaf_pem, chain_pem, purpose="sslserver"):
        """openssl's word, not Reeve's, that leaf and chain lead to this CA's root."""
        d = pathlib.Path(tempfile.mkdtemp(dir=self.directory))
        (d / "leaf.pem").write_text(leaf_pem)
        (d / "chain.pem").write_text(chain_pem)
        return run(["openssl", "verify", "-purpose", purpose, "-CAfile", self.ca.root_file(), "-untrusted", d / "chain.pem",
                    d / "leaf.pem"]).stdout

    def logs(self, limit=6000):
        out = []
        for path in sorted(self.directory.glob("*/*.log")):
            text = path.read_text(errors="replace")
            out.append(f"--- {path.parent.name}/{path.name}\n{text[-limit:]}")
        return "\n".join(out)

    def close(self):
        atexit.unregister(self.close)
        while self.parts:
            with contextlib.suppress(Exception):
                self.parts.pop().stop()
        if getattr(self, "lock", None):
            self.lock.close()
        if self.keep:
            print(f"kept: {self.directory}", file=sys.stderr)
        else:
            shutil.rmtree(self.directory, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


# --- certificates, by openssl's reading -----------------------------------------------------------

PEM_BLOCK = re.compile(r"-----BEGIN CERTIFICATE-----\n.*?-----END CERTIFICATE-----\n?", re.S)


def pem_blocks(text):
    return PEM_BLOCK.findall(text)


def pem_names(pem):
    """The subjectAltName DNS names, sorted."""
    text = run(["openssl", "x509", "-noout", "-ext", "subjectAltName"], input=pem).stdout
    return sorted(re.findall(r"DNS:([^,\s]+)", text))


def pem_serial(pem):
    return run(["openssl", "x509", "-noout", "-serial"], input=pem).stdout.strip().split("=")[1]


def certificate_public_key(pem):
    return run(["openssl", "x509", "-noout", "-pubkey"], input=pem).stdout


def private_public_key(pem):
    return run(["openssl", "pkey", "-pubout"], input=pem).stdout
