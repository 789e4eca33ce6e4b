#!/usr/bin/env python3
"""`make bench`: measures the release build and appends a dated section to docs/benchmarks.md. Never a timed test.

    tests/bench/bench.py [--orders 200] [--no-write]

CPU is user + system time of every Reeve process from /proc, children included, before and after. The CA is Pebble
with NOSLEEP=1 NONCEREJECT=0 AUTHZREUSE=0, on the same cores as Reeve.
"""

import argparse
import concurrent.futures
import datetime
import os
import pathlib
import platform
import shutil
import sqlite3
import statistics
import subprocess
import sys
import time

sys.dont_write_bytecode = True
ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "tools"))

import lab as lab_module  # noqa: E402
import scripted_ca  # noqa: E402

TICK_MS = 1000 / os.sysconf("SC_CLK_TCK")


def cpu_ms_of(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    # utime, stime and those of children that ended (the resolver's, one per look-up).
    return sum(int(f) for f in fields[11:15]) * TICK_MS


def reeve_pids(reeve):
    return {"supervisor": reeve.process.pid, **reeve.role_pids()}


def cpu_ms(reeve):
    """role -> milliseconds so far."""
    return {role: cpu_ms_of(pid) for role, pid in reeve_pids(reeve).items()}


def spent(before, after):
    return {role: after[role] - before.get(role, 0) for role in after}


def pss_mib(reeve):
    total = 0
    for pid in reeve_pids(reeve).values():
        for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                total += int(line.split()[1])
    return total / 1024


def fsync_ms(directory):
    path = pathlib.Path(directory) / "fsync"
    samples = []
    with open(path, "wb") as f:
        for _ in range(200):
            f.write(b"x" * 4096)
            began = time.perf_counter()
            os.fdatasync(f.fileno())
            samples.append((time.perf_counter() - began) * 1000)
    path.unlink()
    return statistics.median(samples)


def machine(directory):
    cpu = next((line.split(":", 1)[1].strip() for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines()
                if line.startswith("model name")), platform.machine())
    memory = int(pathlib.Path("/proc/meminfo").read_text().split()[1]) // (1 << 20)
    system = next((line.split("=", 1)[1].strip('"') for line in pathlib.Path("/etc/os-release").read_text().splitlines()
                   if line.startswith("PRETTY_NAME")), "Linux")
    return (f"{cpu}, {os.cpu_count()} cores, {memory} GiB, {system}, Linux {platform.release().split('-')[0]}, "
            f"fdatasync of 4 KiB {fsync_ms(directory):.2f} ms (median)")


def build():
    path = ROOT / "build-release"
    if not (path / "build.ninja").exists():
        subprocess.run(["meson", "setup", path, "--buildtype=release"], cwd=ROOT, check=True, stdout=sys.stderr)
    subprocess.run(["ninja", "-C", path, "reeve"], cwd=ROOT, check=True, stdout=sys.stderr)
    return path / "reeve"


COPIED = {  # table -> how the columns that name a row change; the others stay as they are
    "certificates": {"id": "'c' || n", "name": "'s' || n || '.example.com'", "names": "'s' || n || '.example.com'"},
    "certificate_routes": {"certificate_id": "'c' || n"},
    "versions": {"id": "'v' || n", "certificate_id": "'c' || n"},
    "orders": {"id": "'o' || n", "certificate_id": "'c' || n", "version_id": "'v' || n"},
    "renewals": {"certificate_id": "'c' || n"},
    "jobs": {"id": "NULL", "subject": "'c' || n", "wake_at": "wake_at + 60 * 86400000 + n * 1000 % 2592000000"},
}
ROW_OF = {"certificates": "id = :certificate", "certificate_routes": "certificate_id = :certificate",
          "versions": "certificate_id = :certificate AND number = 1", "renewals": "certificate_id = :certificate",
          "orders": "certificate_id = :certificate AND version_id IN (SELECT id FROM versions WHERE number = 1)",
          "jobs": "kind = 'renewal-info' AND subject = :certificate AND state = 'active'"}


def copy_certificates(path, count):
    """Until there are `count` of them."""
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA synchronous = OFF")
        there = db.execute("SELECT COUNT(*) FROM certificates WHERE id LIKE 'c%' AND LENGTH(id) < 12").fetchone()[0]
        certificate = db.execute("SELECT id FROM certificates WHERE name = 'warm.example.com'").fetchone()[0]
        for table, changes in COPIED.items():
            columns = [row[1] for row in db.execute(f"PRAGMA table_info({table})")]
            values = ", ".join(changes.get(c, c) for c in columns)
            db.execute(f"WITH RECURSIVE numbers(n) AS (SELECT {there + 1} UNION ALL SELECT n + 1 FROM numbers WHERE n < {count})"
                       f" INSERT INTO {table} ({', '.join(columns)}) SELECT {values} FROM numbers, {table} WHERE {ROW_OF[table]}",
                       {"certificate": certificate})
    db.close()


def say(text):
    print(text, file=sys.stderr, flush=True)


class Bench:
    def __init__(self, lab, orders):
        self.lab, self.reeve, self.orders = lab, lab.reeve, orders
        self.rows = []

    def row(self, what, value, note=""):
        self.rows.append((what, value, note))
        say(f"{what}: {value} {note}")

    def prepare(self):
        """One verified delegation per order."""
        self.reeve.add_authority(self.lab.pebble)
        self.names = [f"n{i}.example.com" for i in range(self.orders)] + [f"lone{i}.example.com" for i in range(30)] + ["warm.example.com"]
        self.lab.knot.set("example.com", *(self.reeve.add_delegation(name)["record"] for name in self.names))
        for name in self.names:
            checked = self.reeve.must("POST", f"/v1/delegations/{name}/check")
            if checked["health"] != "verified":
                raise lab_module.LabError(f"{name}: {checked}")
        self.wait(self.reeve.issue(["warm.example.com"])[1])

    def wait(self, order):
        done = self.reeve.wait_order(order["id"], timeout=300)
        if done["status"] != "issued":
            raise lab_module.LabError(f"order {order['id']}: {done}")
        return done

    def settle(self, orders):
        """Removal of the TXT values is part of a certificate's cost."""
        for order in orders:
            self.reeve.wait_gone(order["id"], 60)

    def lone(self):
        cost, wall = [], []
        for i in range(30):
            before = sum(cpu_ms(self.reeve).values())
            began = time.perf_counter()
            reply = self.reeve.must("POST", "/v1/certificates", {"names": [f"lone{i}.example.com"]})
            order = reply["order"]
            seen = order["row_version"]
            # A long poll costs what a person waiting costs, not what a tight loop does.
            while order["status"] == "running":
                order = self.reeve.must("GET", f"/v1/orders/{order['id']}?wait=20&seen={seen}")
                seen = order["row_version"]
            wall.append((time.perf_counter() - began) * 1000)
            if order["status"] != "issued":
                raise lab_module.LabError(str(order))
            time.sleep(0.05)
            cost.append(sum(cpu_ms(self.reeve).values()) - before)
        self.row("wall time of a lone warm order, one name (median)", f"{statistics.median(wall):.0f} ms",
                 f"from the request to its end; best {min(wall):.0f} ms, worst {max(wall):.0f} ms of 30")
        self.row("CPU of a lone warm order, all roles (mean)", f"{statistics.mean(cost):.1f} ms", "the waiting reader included")

    def crowd(self):
        pebble_pid = self.lab.pebble.process.pid
        before, pebble_before, mark = cpu_ms(self.reeve), cpu_ms_of(pebble_pid), self.lab.pebble.mark()
        began = time.perf_counter()
        started = [self.reeve.issue([name])[1] for name in self.names[:self.orders]]
        deadline = time.monotonic() + 600
        # Few questions while it runs: they would be counted too.
        while time.monotonic() < deadline:
            if all(self.reeve.order(order["id"])["status"] != "running" for order in (started[-1], started[len(started) // 2])):
                break
            time.sleep(0.25)
        finished = time.perf_counter() - began
        after, pebble_after = cpu_ms(self.reeve), cpu_ms_of(pebble_pid)
        done = [self.wait(order) for order in started]
        self.settle(done)
        roles = spent(before, after)
        total = sum(roles.values())
        parts = ", ".join(f"{role} {ms / self.orders:.2f}" for role, ms in sorted(roles.items(), key=lambda x: -x[1]))
        self.row("CPU per certificate, all roles", f"{total / self.orders:.2f} ms",
                 f"{self.orders} one-name orders asked for at once, 16 worker threads; per role: {parts}")
        self.row("Reeve's CPU in relation to Pebble's", f"{100 * total / (pebble_after - pebble_before):.0f} %", "the same orders")
        self.row("certificates per second", f"{self.orders / finished:.0f}", "the same orders; Pebble, Unbound and Knot on the same cores")
        self.row("ACME requests per certificate", f"{statistics.mean(o['requests'] for o in done):.2f}",
                 f"{self.lab.pebble.posts(mark)} for {self.orders} in Pebble's log; newNonce: {self.lab.pebble.requests(mark)['nonce-plz']}")

    def hundred(self):
        """One certificate of a hundred names, at a CA that takes 20 ms for each answer."""
        names = [f"h{i}.example.test" for i in range(100)]
        self.lab.knot.set("example.test", *(self.reeve.add_delegation(name)["record"] for name in names))
        for name in names:
            self.reeve.must("POST", f"/v1/delegations/{name}/check")
        ca = self.lab._add(scripted_ca.ScriptedCA(self.lab.directory / "scripted", *self.lab.where["spare"], self.lab.pebble))
        ca.offers_ari, ca.rules = False, [lambda *_: time.sleep(0.02)]
        self.reeve.add_authority(ca, name="slow")
        wall = []
        for _ in range(3):
            began = time.perf_counter()
            self.wait(self.reeve.issue(names, authority="slow")[1])
            wall.append(time.perf_counter() - began)
        self.row("a hundred names, 20 ms for each answer (best of 3)", f"{min(wall):.2f} s", "205 requests; through the scripted CA, which has Pebble behind it")

    def flights(self):
        """k in flight all the time: each waits for its order before it asks for the next."""
        for k in (1, 8, 64):
            names = self.names[:16] if k == 1 else self.names[:max(64, self.orders // 2)]
            before, commits, began = cpu_ms(self.reeve), self.commits(), time.perf_counter()
            with concurrent.futures.ThreadPoolExecutor(k) as pool:
                for order in pool.map(lambda name: self.reeve.wait_order(self.renewed(name)["id"], timeout=300), names):
                    if order["status"] != "issued":
                        raise lab_module.LabError(str(order))
            seconds, roles = time.perf_counter() - began, spent(before, cpu_ms(self.reeve))
            self.row(f"renewals, {k} in flight", f"{len(names) / seconds:.0f} a second",
                     f"{len(names)} orders; {sum(roles.values()) / len(names):.2f} ms CPU each, all roles, their waiting readers included; "
                     f"{(self.commits() - commits) / len(names):.1f} commits each")

    def renewed(self, name):
        return self.reeve.must("POST", f"/v1/certificates/{name}/renew", {})["order"]

    def commits(self):
        """Write transactions since the start of the worker."""
        text = self.reeve.must("GET", "/metrics")
        return next(int(line.split()[1]) for line in text.splitlines() if line.startswith("reeve_store_commits_total "))

    def memory(self):
        time.sleep(2)
        self.row("memory, proportional set size of all roles, idle", f"{pss_mib(self.reeve):.1f} MiB", f"after {len(self.names)} certificates")

    def cold_start(self):
        self.row("cold start to serving (median of 7)", f"{self.started_ms():.0f} ms", f"{len(self.names)} certificates stored; until an administrator's request is answered")

    def started_ms(self):
        samples = []
        for _ in range(7):
            self.reeve.stop()
            began = time.perf_counter()
            self.reeve.serve(wait=False)
            while not (self.reeve.listening.exists() and self.reeve.healthy() and self.reeve.open()):
                time.sleep(0.001)
            samples.append((time.perf_counter() - began) * 1000)
        return statistics.median(samples)

    def stored(self, counts):
        """The same with many certificates: each is a copy of one that was issued, not due for months."""
        for count in counts:
            store = self.reeve.home / "var" / "reeve.db"
            self.reeve.stop()
            copy_certificates(store, count)
            size = sum(p.stat().st_size for p in store.parent.glob("reeve.db*")) / (1 << 20)
            self.row(f"cold start to serving, {count:,} certificates (median of 7)", f"{self.started_ms():.0f} ms", f"a database of {size:,.0f} MiB")
            time.sleep(3)
            before = self.worker_ns()
            time.sleep(41)
            self.row(f"the worker with nothing due, {count:,} certificates", f"{(self.worker_ns() - before) / 2e6:.2f} ms CPU a look",
                     "two looks of the dispatcher and everything else in 41 s, halved")
            began = time.perf_counter()
            for _ in range(100):
                self.reeve.must("GET", "/v1/certificates?limit=100")
            self.row(f"a page of 100, {count:,} certificates", f"{(time.perf_counter() - began) * 10:.1f} ms", "mean of 100, one after the other")

    def worker_ns(self):
        """CPU time with all its threads, to the nanosecond."""
        tasks = pathlib.Path(f"/proc/{self.reeve.role_pids()['worker']}/task")
        return sum(int((t / "schedstat").read_text().split()[0]) for t in tasks.iterdir())

    def load(self, *args):
        tool = self.lab.directory / "load"
        if not tool.exists():
            lab_module.run(["cc", "-O2", "-D_GNU_SOURCE", "-o", tool, ROOT / "tests" / "bench" / "load.c"])
        rate, p50, p99, bad = lab_module.run([tool, *args], timeout=120).stdout.split()
        if int(bad):
            raise lab_module.LabError(f"load {args}: {bad} wrong answers")
        return float(rate), float(p50), float(p99)

    def answers(self):
        """NODATA for a TXT question, SOA in the authority section: the same work on both sides, by turns."""
        self.lab.knot.set("b.com", "nodata.b.com. 300 IN A 192.0.2.1")
        ours, knots = [], []
        for _ in range(5):
            for samples, at, name in ((ours, self.lab.where["dns"], "_acme-challenge.validation.example.org"),
                                      (knots, self.lab.where["knot"], "nodata.b.com")):
                samples.append(self.load("dns", at[0], at[1], name, 16, 2)[0])
        mine, theirs = statistics.median(ours), statistics.median(knots)
        self.row("validation-zone answers per second", f"{mine:,.0f}",
                 f"{100 * mine / theirs:.0f} % of Knot's {theirs:,.0f} in the same run (UDP, the asking program on the same cores; Knot: one UDP worker)")

    def reads(self):
        token = self.reeve.must("POST", "/v1/tokens", {"name": "bench"})["token"]
        for path in ("/v1/certificates/n0.example.com", "/v1/certificates?limit=100"):
            rate, p50, p99 = self.load("http", *self.reeve.api_address, path, token, 5, 16)
            self.row(f"API reads per second, `GET {path}`", f"{rate:,.0f}", f"p50 {p50 / 1000:.1f} ms, p99 {p99 / 1000:.1f} ms; 16 connections, plain HTTP")

    def section(self, revision, where):
        lines = [f"## {datetime.date.today().isoformat()}, {revision}", "", f"Machine: {where}.", "",
                 "Command: `make bench` (release build; Pebble 2.4.0 with NOSLEEP=1 NONCEREJECT=0 AUTHZREUSE=0).", "",
                 "| what | measured | how |", "|---|---|---|"]
        lines += [f"| {what} | {value} | {note} |" for what, value, note in self.rows]
        return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description="Measures Reeve.")
    parser.add_argument("--orders", type=int, default=200)
    parser.add_argument("--stored", type=int, nargs="*", default=[1000, 100000, 1000000], help="certificates in the database")
    parser.add_argument("--no-write", action="store_true", help="print the section only")
    args = parser.parse_args()
    binary = build()
    git = shutil.which("git")
    revision = "unknown revision"
    if git:
        done = lab_module.run([git, "-C", ROOT, "describe", "--always", "--dirty"], check=False)
        revision = done.stdout.strip() or revision
    with lab_module.Lab(binary, log_level="info", threads=16) as lab:
        where = machine(lab.directory)
        bench = Bench(lab, args.orders)
        bench.prepare()
        bench.lone()
        bench.crowd()
        bench.flights()
        bench.hundred()
        bench.memory()
        bench.cold_start()
        bench.reads()
        bench.answers()
        bench.stored(args.stored)
        text = bench.section(revision, where)
    print(text)
    if not args.no_write:
        path = ROOT / "docs" / "benchmarks.md"
        if not path.exists():
            path.write_text("# Benchmarks\n\nWhat `make bench` measured, newest last. Targets are in the architecture's budgets; none of this is a test.\n")
        with open(path, "a") as f:
            f.write("\n" + text)
        say(f"appended to {path.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
