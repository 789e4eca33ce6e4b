#!/usr/bin/env python3
"""The crash test: kills Reeve at every durable commit and every external effect of an order, and looks what is left.

    tests/crash/run.py [--long] [--reeve build-test/reeve] [POINT…]

The binary lists its crash points; one that neither a plain order nor a changed certificate reaches is a failure. For each
point a fresh home issues an apex and its wildcard (for the points of edit and fail-over: an apex by the second authority,
since the first one fails, then its wildcard too by the first, in the place of a renewal that was under way), the process is killed there once (the worker alone; with everything at every second point, in
the long form at each), and afterwards: the order is issued, the CA issued exactly one certificate, no order was opened
twice unless the kill fell into the opening, key and certificate match, no TXT value is left in DNS or in the ledger, and
the certificate is in its directory, whole, and seen at the server that reads it there. Then the account gets a new key,
which the CA and the database have to agree about whatever died in between.

Then the same with a CA that validates the two names one after the other, killed where the first value goes while the second
must stay.
"""

import argparse
import concurrent.futures
import http.client
import json
import pathlib
import queue
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tools"))

import lab as lab_module  # noqa: E402
import scripted_ca  # noqa: E402

NAME = "crash.example.com"
TARGET = "_acme-challenge.validation.example.org"
# Between the request on the wire and its outcome on disk nobody can know whether the CA opened an order.
MAY_OPEN_TWICE = ("order.new-order.sent",)
PATIENCE_S = 60
CHANGES = ("certificate.edit.", "fail-over.")
# Reached for the first time when the value of one authorization goes before the other is final.
EARLY = ("order.await.commit-before", "order.await.commit-after", "cleanup.remove.intent-after", "cleanup.remove.done",
         "cleanup.remove.commit-after")


class Failed(Exception):
    """What was found after a kill, in one sentence."""


def insist(condition, text):
    if not condition:
        raise Failed(text)


def ready_order(reeve, pebble, deadline):
    """Asks for the certificate until the server has it, whatever dies meanwhile; (certificate id, order id)."""
    while time.monotonic() < deadline:
        try:
            if not reeve.must("GET", "/v1/authorities")["authorities"]:
                reeve.add_authority(pebble)
            if not reeve.must("GET", "/v1/deployments")["deployments"]:
                address, port = reeve.tls_address
                reeve.add_deployment("files", "files", directory=str(reeve.home / "target"), probe=f"{address}:{port}",
                                     allow_addresses=[f"{address}/32"])
            if not reeve.must("GET", "/v1/notifications")["notifications"]:
                reeve.must("POST", "/v1/notifications", {
                    "name": "hook", "kind": "webhook", "events": ["issued"],
                    "settings": {"url": reeve.hook.url, "ca_pem": reeve.hook.ca_file.read_text(),
                                 "allow_addresses": [f"{reeve.hook.server.server_address[0]}/32"]}})
            known = reeve.must("GET", "/v1/certificates")["certificates"]
            if not known:
                reeve.issue([NAME, "*." + NAME], domain_alias="validation.example.org")
                continue
            orders = reeve.must("GET", f"/v1/orders?certificate={known[0]['id']}")["orders"]
            if orders:
                insist(len(known) == 1 and len(orders) == 1, f"{len(known)} certificates and {len(orders)} orders for one request")
                return known[0]["id"], orders[0]["id"]
        except (OSError, http.client.HTTPException, lab_module.LabError, json.JSONDecodeError):
            revive(reeve)
            time.sleep(0.05)
    raise Failed("the request was never accepted")


def revive(reeve):
    """When everything died, start it again, with the same environment: REEVE_CRASH_ONCE keeps it alive now."""
    if not reeve.process.alive():
        reeve.process.kill()
        reeve.serve(reeve.crash_env)


def wait_for(reeve, order_id, what, condition, deadline):
    order = None
    while time.monotonic() < deadline:
        try:
            order = reeve.order(order_id)
            if condition(order):
                return order
            time.sleep(0.03)
        except (OSError, http.client.HTTPException, lab_module.LabError, json.JSONDecodeError):
            revive(reeve)
            time.sleep(0.05)
    raise Failed(f"{what}: not within {PATIENCE_S} s: {json.dumps(order, indent=1)}")


def one_order(lab, env, check=None, slow=False):
    """A fresh home, one order, everything looked at; the home's log is in the exception when something is wrong."""
    mark = lab.pebble.mark()
    ca = lab.ca if slow else lab.pebble
    lab.ca.offers_ari, lab.ca.rules, lab.ca.slow = False, [], frozenset(["*." + NAME])
    reeve = lab.new_reeve(start=False)
    reeve.crash_env, reeve.tls_address = env, lab.where["tls"]
    (reeve.home / "target").mkdir()
    address, port = lab.where["webhook"]
    reeve.hook = lab_module.WebhookServer(reeve.home / "hook", address, port + lab.homes)
    server = lab_module.TlsServer(*reeve.tls_address, reeve.home / "target" / NAME / "current")
    try:
        try:
            reeve.serve(env)
        except lab_module.LabError:
            revive(reeve)
        deadline = time.monotonic() + PATIENCE_S
        certificate, order_id = ready_order(reeve, ca, deadline)
        if slow:
            order = wait_for(reeve, order_id, "the removal of the first value",
                             lambda o: sorted(r["state"] for r in o["txt_records"]) == ["gone", "live"], deadline)
            left = wait_for_values(reeve, deadline)
            insist(left == [r["value"] for r in order["txt_records"] if r["state"] == "live"], f"{TARGET} answers {left}: {order}")
            lab.ca.slow = frozenset()
        order = wait_for(reeve, order_id, "the end of the order", lambda o: o["status"] != "running", deadline)
        insist(order["status"] == "issued", f"the order ended {order['status']}: {order['problem']}: {order['detail']}")
        order = wait_for(reeve, order_id, "the removal of the TXT values",
                         lambda o: o["txt_records"] and all(r["state"] == "gone" for r in o["txt_records"]), deadline)
        delivery = wait_for_delivery(reeve, deadline)
        insist(delivery["state"] == "done" and delivery["seen_at"], f"the delivery ended {json.dumps(delivery)}")
        insist(files_match(reeve.home / "target" / NAME / "current"), "the files of the target do not belong together")
        told = patiently(reeve, "the message", lambda: reeve.hook.requests, deadline)
        insist(len({headers["X-Reeve-Event"] for headers, _ in told}) == 1, "one event was told under several ids")
        if not slow:
            roll_over(reeve, deadline)
        # A kill behind the last commit may still be to come.
        if check is not None:
            lab_module.wait_until("the kill", check, 10)
        left = wait_for_values(reeve, deadline)
        insist(not left, f"{TARGET} still answers {left}")
        issued = lab.pebble.issued(mark)
        insist(len(issued) == 1, f"the CA issued {len(issued)} certificates")
        opened = lab.pebble.requests(mark)["order-plz"]
        allowed = 2 if env.get("REEVE_CRASH_AT") in MAY_OPEN_TWICE else 1
        # A CA that looked while the validation zone was away has closed that order; another one is right then.
        allowed += "set INVALID" in lab.pebble.process.text()[mark:]
        insist(opened <= allowed, f"newOrder was sent {opened} times")
        accounts = lab.pebble.requests(mark)["sign-me-up"]
        # Looking which key the CA knows is a newAccount too: after a kill, and at the end.
        insist(accounts <= 8, f"newAccount was sent {accounts} times")
        again = wait_for_certificate(reeve, certificate, deadline)
        leaf = lab_module.pem_blocks(again["fullchain"])[0]
        insist(lab_module.private_public_key(again["key"]) == lab_module.certificate_public_key(leaf), "key and certificate do not match")
        insist(int(lab_module.pem_serial(leaf), 16) == int(issued[0], 16), "the stored certificate is not the one that was issued")
        insist(reeve.must("GET", f"/v1/certificates/{certificate}")["version"] == 1, "more than one version")
        insist(reeve.stop(20), "did not stop on SIGTERM")
        insist(not reeve.sanitizer_reports(), "\n".join(reeve.sanitizer_reports()))
    except Exception as e:
        reeve.stop()
        raise Failed(f"{type(e).__name__}: {e}\n--- reeve.log\n{reeve.log()[-12000:]}\n--- pebble.log\n{lab.pebble.process.text()[mark:][-4000:]}") from e
    finally:
        reeve.stop()
        server.stop()


def one_late_order(lab, env, check=None):
    one_order(lab, env, check, slow=True)


def patiently(reeve, what, ask, deadline):
    """What `ask` gives once it gives something, whatever dies meanwhile."""
    while time.monotonic() < deadline:
        try:
            found = ask()
            if found:
                return found
            time.sleep(0.03)
        except (OSError, http.client.HTTPException, lab_module.LabError, json.JSONDecodeError):
            revive(reeve)
            time.sleep(0.05)
    raise Failed(f"{what}: not within {PATIENCE_S} s")


def one_change(lab, env, check=None):
    """A fresh home whose first authority fails: the second one issues. Then the first one is well, a renewal is under way there
    with its values published, and the names change."""
    mark = lab.pebble.mark()
    reeve = lab.new_reeve(start=False)
    reeve.crash_env = env
    deadline = time.monotonic() + 2 * PATIENCE_S
    wanted = [NAME, "*." + NAME]

    def the_certificate():
        names = {a["name"] for a in reeve.must("GET", "/v1/authorities")["authorities"]}
        for name, ca in (("first", lab.ca), ("second", lab.pebble)):
            if name not in names:
                reeve.add_authority(ca, name)
        known = reeve.must("GET", "/v1/certificates")["certificates"]
        if not known:
            reeve.issue([NAME], domain_alias="validation.example.org", fallback_authority="second", fallback_after="0")
        insist(len(known) <= 1, "one request made two certificates")
        return known[0] if known else None

    def under_way():
        newest = reeve.must("GET", f"/v1/orders?certificate={known['id']}")["orders"][0]
        if newest["status"] == "issued":
            reeve.must("POST", f"/v1/certificates/{known['id']}/renew", {})
        return newest["status"] == "running" and newest["problem"] == "connection" and newest

    def edited():
        certificate = reeve.must("GET", f"/v1/certificates/{known['id']}")
        if certificate["names"] != wanted:
            reeve.must("PATCH", f"/v1/certificates/{known['id']}", {"names": wanted})
        lab.ca.rules = []
        return certificate["names"] == wanted and certificate["version"] == 4 and certificate

    try:
        lab.ca.offers_ari, lab.ca.slow = True, frozenset()
        lab.ca.rules = [scripted_ca.only("POST /order-plz", lambda _: (503, "serverInternal", "down", {"Retry-After": "1"}))]
        try:
            reeve.serve(env)
        except lab_module.LabError:
            revive(reeve)
        known = patiently(reeve, "the certificate", the_certificate, deadline)
        known = patiently(reeve, "the version by the second authority",
                          lambda: (c := reeve.must("GET", f"/v1/certificates/{known['id']}"))["issued_by_fallback"] and c, deadline)
        # What the CA says of a validation is no failure of its own: the order stays where it is.
        lab.ca.rules = [scripted_ca.only("POST /chalZ/", lambda _: (400, "connection", "not yet", {"Retry-After": "60"}))]
        patiently(reeve, "a renewal under way", under_way, deadline)
        now = patiently(reeve, "the version with both names", edited, deadline)
        insist(now["issued_by"] == "first", "the first authority did not come back")
        if check is not None:
            lab_module.wait_until("the kill", check, 10)
        orders = patiently(reeve, "the orders", lambda: reeve.must("GET", f"/v1/orders?certificate={known['id']}")["orders"], deadline)
        ends = [(o["authority"], o["status"]) for o in orders]
        insist(ends == [("first", "issued"), ("first", "cancelled"), ("second", "issued"), ("first", "failed")], f"the orders ended {ends}")
        for order in orders:
            wait_for(reeve, order["id"], "the removal of the TXT values",
                     lambda o: all(r["state"] == "gone" for r in o["txt_records"]), deadline)
        insist(not wait_for_values(reeve, deadline), f"{TARGET} still answers")
        insist(len(lab.pebble.issued(mark)) == 2, f"the CA issued {len(lab.pebble.issued(mark))} certificates")
        again = wait_for_certificate(reeve, known["id"], deadline)
        leaf = lab_module.pem_blocks(again["fullchain"])[0]
        insist(lab_module.private_public_key(again["key"]) == lab_module.certificate_public_key(leaf), "key and certificate do not match")
        insist(lab_module.pem_names(leaf) == sorted(wanted), "the certificate is for other names")
        insist(reeve.stop(20), "did not stop on SIGTERM")
        insist(not reeve.sanitizer_reports(), "\n".join(reeve.sanitizer_reports()))
    except Exception as e:
        reeve.stop()
        raise Failed(f"{type(e).__name__}: {e}\n--- reeve.log\n{reeve.log()[-12000:]}\n--- pebble.log\n{lab.pebble.process.text()[mark:][-4000:]}") from e
    finally:
        reeve.stop()


def scenarios(point):
    if point.startswith(CHANGES):
        return [one_change]
    return [one_order, one_late_order][:1 + (point in EARLY)]


def wait_for_delivery(reeve, deadline):
    """The one delivery, when it has ended; at every look `current` is whole or not there yet."""
    target = reeve.home / "target" / NAME
    while time.monotonic() < deadline:
        try:
            if (target / "current").exists():
                insist(files_match(target / "current"), "the files of the target do not belong together")
            deliveries = reeve.deployment("files")["deliveries"]
            insist(len(deliveries) <= 1, f"{len(deliveries)} deliveries of one version")
            if deliveries and deliveries[0]["ended_at"]:
                return deliveries[0]
            time.sleep(0.03)
        except (OSError, http.client.HTTPException, lab_module.LabError, json.JSONDecodeError):
            revive(reeve)
            time.sleep(0.05)
    raise Failed(f"the delivery did not end: {json.dumps(reeve.deployment('files'), indent=1)}")


def roll_over(reeve, deadline):
    """One new key for the account, asked for once; afterwards the CA knows the one that is stored."""
    def operations(kind):
        return [o for o in reeve.must("GET", "/v1/operations")["operations"] if o["kind"] == kind]

    while time.monotonic() < deadline:
        try:
            rollovers = operations("account-rollover")
            insist(len(rollovers) <= 1, f"{len(rollovers)} rollovers of one request")
            if not rollovers:
                reeve.must("POST", "/v1/authorities/pebble/account/rollover", {})
            elif rollovers[0]["ended_at"]:
                insist(rollovers[0]["state"] == "done", f"the rollover ended {json.dumps(rollovers[0])}")
                if not operations("account-find"):
                    reeve.must("POST", "/v1/authorities/pebble/account/find", {})
                found = operations("account-find")[0]
                if found["ended_at"]:
                    insist(found["state"] == "done" and found["report"]["status"] == "valid" and
                           found["report"]["thumbprint"] == rollovers[0]["report"]["thumbprint"], f"the account is {json.dumps(found)}")
                    return
            time.sleep(0.05)
        except (OSError, http.client.HTTPException, lab_module.LabError, json.JSONDecodeError):
            revive(reeve)
            time.sleep(0.05)
    raise Failed("the rollover did not end")


def files_match(directory):
    leaf = lab_module.pem_blocks((directory / "fullchain.pem").read_text())[0]
    return lab_module.private_public_key((directory / "privkey.pem").read_text()) == lab_module.certificate_public_key(leaf)


def wait_for_values(reeve, deadline):
    """The values in DNS; a server that just died is given time to come back."""
    while time.monotonic() < deadline:
        try:
            return reeve.txt(TARGET)
        except lab_module.LabError:
            revive(reeve)
            time.sleep(0.05)
    raise Failed("the validation zone does not answer")


def wait_for_certificate(reeve, certificate, deadline):
    while True:
        try:
            return {part: reeve.download(certificate, part) for part in ("fullchain", "key")}
        except (OSError, http.client.HTTPException, lab_module.LabError):
            if time.monotonic() > deadline:
                raise
            revive(reeve)
            time.sleep(0.05)


class Report:
    def __init__(self):
        self.lock, self.count, self.bad = threading.Lock(), 0, 0

    def line(self, ok, name, text=""):
        with self.lock:
            self.count += 1
            self.bad += not ok
            print(f"{'ok' if ok else 'not ok'} {self.count} - {name}")
            for line in text.splitlines():
                print(f"# {line}")
            sys.stdout.flush()


def main():
    parser = argparse.ArgumentParser(description="Kills Reeve at every crash point.")
    parser.add_argument("--reeve", default=str(lab_module.ROOT / "build-test" / "reeve"))
    parser.add_argument("--long", action="store_true", help="every point with everything killed too, three rounds")
    parser.add_argument("--parallel", type=int, default=2)
    parser.add_argument("points", nargs="*")
    args = parser.parse_args()
    report = Report()

    points = lab_module.run([args.reeve, "crash-points"]).stdout.split()
    if len(points) < 10:
        report.line(False, "the binary lists its crash points", f"{points}")
    unknown = set(args.points) - set(points)
    if unknown:
        parser.error(f"not a crash point: {' '.join(sorted(unknown))}")

    labs = queue.SimpleQueue()
    opened = []

    def make_lab():
        lab = lab_module.Lab(args.reeve, reeve=False)
        lab.knot.cname(NAME, TARGET)
        lab.ca = lab._add(scripted_ca.SlowCA(lab.directory / "scripted", *lab.where["spare"], lab.pebble))
        opened.append(lab)
        labs.put(lab)
        return lab

    def attempt(name, env_of, scenario):
        lab = labs.get()
        try:
            env, check = env_of(lab)
            scenario(lab, env, check)
            report.line(True, name)
        except Exception as e:  # noqa: BLE001: whatever it is, this point failed and the others go on
            report.line(False, name, str(e))
        finally:
            labs.put(lab)

    def plain(lab):
        trace = lab.directory / "trace"
        return {"REEVE_CRASH_TRACE": str(trace)}, None

    def crash(point, everything, number):
        def env_of(lab):
            once = lab.directory / f"once-{number}"
            env = {"REEVE_CRASH_AT": point, "REEVE_CRASH_ONCE": str(once)}
            if everything:
                env["REEVE_CRASH_ALL"] = "1"
            return env, once.exists
        return env_of

    try:
        first = make_lab()
        attempt("a plain order", plain, one_order)
        attempt("a changed certificate", plain, one_change)
        trace = first.directory / "trace"
        reached = set(trace.read_text().split()) if trace.exists() else set()
        for point in points:
            if point not in reached:
                report.line(False, f"{point} is reached", "neither a plain order nor a changed certificate comes there")
        for point in reached - set(points):
            report.line(False, f"{point} is listed", "the trace names it, `reeve crash-points` does not")

        for _ in range(args.parallel - 1):
            make_lab()
        runs = []
        for round_number in range(3 if args.long else 1):
            for i, point in enumerate(points):
                if point not in reached or (args.points and point not in args.points):
                    continue
                for scenario in scenarios(point):
                    runs.append((point, False, scenario))
                    if args.long or i % 2 == round_number % 2 or args.points:
                        runs.append((point, True, scenario))
        with concurrent.futures.ThreadPoolExecutor(args.parallel) as pool:
            for number, (point, everything, scenario) in enumerate(runs):
                pool.submit(attempt, f"{point}, {'everything' if everything else 'the worker'} killed{', one name late' if scenario is one_late_order else ''}",
                            crash(point, everything, number), scenario)
    except Exception as e:  # noqa: BLE001
        report.line(False, "the lab", f"{type(e).__name__}: {e}")
    finally:
        for lab in opened:
            lab.close()
    print(f"1..{report.count}")
    sys.exit(0 if report.bad == 0 and report.count > 0 else 1)


if __name__ == "__main__":
    main()
