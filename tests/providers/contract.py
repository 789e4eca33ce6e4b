#!/usr/bin/env python3
"""contract: every recipe against a fake of its provider, through the real engine: contract.py DRIVER [ID...].

The same cases for all, providers side by side; what one cannot do is declared in its fake, and the declaration is checked. Output is TAP.
"""
import concurrent.futures
import importlib
import json
import os
import pkgutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import fake as fakes_base  # noqa: E402
import fakes  # noqa: E402
import vectors  # noqa: E402

V1, V2, V3 = ("%s%s" % (c * 3, "kZ4Yc-TtGx9wq_mB2vN7aLpRsEhUoIdJfX0135689") for c in "abc")
OWNER = "_acme-challenge.www.example.com"


class Driver:
    def __init__(self, path, folder=None, programs=None):
        self.process = subprocess.Popen([path, folder or ""] + ([programs] if programs else []), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, **line):
        self.process.stdin.write(json.dumps(line) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise AssertionError("the driver ended: %s" % self.process.wait())
        return json.loads(answer)

    def close(self):
        self.process.stdin.close()
        return self.process.wait()


class Case:
    """One provider under test: a fake of its own, an engine that remembers nothing."""

    def __init__(self, driver, provider, pem, key):
        self.driver, self.pem = driver, pem
        self.fake = provider()
        self.server = self.fake.serve(pem, key)
        self.fake.zone("example.com")
        driver.ask(do="forget")

    def ask(self, do, value=V1, owner=OWNER, credentials=None, timeout_ms=3000, **more):
        credentials = {k: v.replace("{origin}", self.fake.origin) for k, v in (credentials or self.fake.credentials).items()}
        self.fake.ready()
        if self.fake.origin.startswith("http"):
            more["base_url"] = self.fake.origin + self.fake.base_path
        return self.driver.ask(do=do, provider=self.fake.id, owner=owner, value=value, credentials=credentials, allow="127.0.0.1/32",
                               ca_file=self.pem, timeout_ms=timeout_ms, **more)

    def good(self, do, *args, **more):
        answer = self.ask(do, *args, **more)
        assert answer["ok"], "%s: %s" % (do, answer)
        return answer

    def bad(self, do, problem, *args, **more):
        answer = self.ask(do, *args, **more)
        assert not answer["ok"] and answer["problem"] == problem, "%s: %s instead of %s" % (do, answer, problem)
        for value in (more.get("credentials") or self.fake.credentials).values():
            if "secret" in value or "token" in value or "key" in value:
                assert value not in answer["text"] + answer["hint"], "a secret in %s" % answer
        return answer

    def has(self, *values, owner=OWNER):
        assert self.fake.values(owner) == sorted(values), "%s has %s" % (owner, self.fake.values(owner))

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def add_and_remove(c):
    c.good("add")
    c.has(V1)
    assert c.good("present")["present"] and not c.good("present", V2)["present"]
    c.good("add")
    c.has(V1)
    c.good("add", V2)
    c.has(V1, V2)
    c.good("remove")
    c.has(V2)
    c.good("remove")
    c.has(V2)
    c.good("remove", V2)
    c.has()
    c.good("remove", V2)


def foreign_values_stay(c):
    c.fake.foreign(OWNER, "somebody-elses")
    c.fake.foreign("_acme-challenge.example.com", V1)
    c.fake.foreign("example.com", "v=spf1 -all")
    c.good("add")
    c.has(V1, "somebody-elses")
    c.good("remove")
    c.has("somebody-elses")
    c.has(V1, owner="_acme-challenge.example.com")
    c.has("v=spf1 -all", owner="example.com")


def configured_zone(c):
    assert c.good("zone", zone="example.com")["zone"] == "example.com"
    c.good("add", zone="example.com")
    c.has(V1)
    c.bad("add", "invalid-request", zone="example.org")


def zone_not_found(c):
    answer = c.bad("add", "zone-not-found", owner="_acme-challenge.www.example.org")
    assert answer["class"] == "config" and answer["hint"]


def nested_zones(c):
    c.fake.zone("b.example.com")
    c.fake.zone("ample.com")  # a suffix of letters, not of labels
    for owner, zone in (("_acme-challenge.a.b.example.com", "b.example.com"), ("_acme-challenge.xb.example.com", "example.com"),
                        ("_acme-challenge.b.example.com", "b.example.com")):
        assert c.good("zone", owner=owner)["zone"] == zone
        c.good("add", owner=owner)
        assert [r.value for r in c.fake.zones[zone].records if r.name == owner] == [V1]
        c.good("remove", owner=owner)
        c.has(owner=owner)


def apex_and_depth(c):
    c.fake.zone("_acme-challenge.target.example.com")
    for owner in ("_acme-challenge.target.example.com", "_acme-challenge.a.b.c.example.com"):
        c.good("add", owner=owner)
        c.good("add", V2, owner=owner)
        c.has(V1, V2, owner=owner)
        c.good("remove", owner=owner)
        c.has(V2, owner=owner)
        c.good("remove", V2, owner=owner)
        c.has(owner=owner)


def names_beyond_ascii(c):
    c.fake.zone("xn--bcher-kva.example")
    owner = "_acme-challenge.xn--mnchen-3ya.xn--bcher-kva.example"
    c.good("add", owner=owner)
    c.has(V1, owner=owner)
    c.good("remove", owner=owner)
    c.has(owner=owner)


def wrong_credential(c):
    answer = c.bad("add", "provider-credential", credentials=c.fake.wrong)
    assert answer["class"] == "config"
    c.has()


def missing_permission(c):
    if not c.fake.read_only:
        return
    answer = c.bad("add", "provider-denied" if getattr(c.fake, "says_denied", True) else "provider-credential",
                   credentials=c.fake.read_only)
    assert answer["class"] == "config" and answer["hint"]
    c.has()


def retry_after(c):
    c.good("zone")
    c.fake.fail("before", c.fake.limited(7), any=True)
    answer = c.ask("add")
    assert not answer["ok"] and answer["class"] == "temporary" and answer["retry_after_s"] == 7, answer
    before = len(c.fake.requests)
    answer = c.ask("add")
    assert not answer["ok"] and answer["class"] == "temporary" and 5 <= answer["retry_after_s"] <= 7, answer
    assert len(c.fake.requests) == before, "a request in spite of Retry-After"
    c.has()
    c.driver.ask(do="forget")
    c.good("add")
    c.has(V1)


def broken_then_fine(c):
    for action, after in (("add", [V1]), ("remove", [])):
        c.fake.fail("before", fakes_base.Answer(500, "<html>oops</html>"))
        answer = c.ask(action)
        assert not answer["ok"] and answer["class"] == "temporary", answer
        c.good(action)
        c.has(*after)
        c.fake.fail("before", fakes_base.Answer(503, c.fake.error(503, "maintenance")), any=True)
        answer = c.ask(action)
        assert not answer["ok"] and answer["class"] == "temporary", answer


def done_but_not_heard(c):
    c.good("zone")
    c.fake.fail("hang", seconds=3)
    c.good("add", timeout_ms=2000)
    c.has(V1)
    c.fake.fail("after", fakes_base.Answer(502, "<html>bad gateway</html>"))
    c.good("add", V2)
    c.has(V1, V2)
    c.fake.fail("hang", seconds=3)
    c.good("remove", timeout_ms=2000)
    c.has(V2)
    c.fake.fail("after", fakes_base.Answer(500, c.fake.error(500, "internal")))
    c.good("remove", V2)
    c.has()


def many_zones(c):
    for i in range(260):
        c.fake.zone("z%03d.example.net" % i)
    c.good("add", owner="_acme-challenge.z259.example.net")
    c.has(V1, owner="_acme-challenge.z259.example.net")
    c.good("remove", owner="_acme-challenge.z259.example.net")
    c.has(owner="_acme-challenge.z259.example.net")


def many_records(c):
    zone = c.fake.zones["example.com"]
    for i in range(260):
        c.fake.put(zone, "h%03d.example.com" % i, "text")
    c.good("add")
    for i in range(260):
        c.fake.put(zone, "i%03d.example.com" % i, "text")
    c.good("add")
    c.has(V1)
    c.good("remove")
    c.has()


def others_write_too(c):
    c.good("add")
    c.fake.before_write = lambda: c.fake.foreign(OWNER, V3)
    c.good("add", V2)
    if getattr(c.fake, "compares", False) or not getattr(c.fake, "replaces", False):
        c.has(V1, V2, V3)
    else:
        c.has(V1, V2)  # declared: such an interface cannot know of V3
        c.fake.foreign(OWNER, V3)

    def lose():
        zone = c.fake.zones["example.com"]
        zone.records = [r for r in zone.records if r.value != "late"]
    if getattr(c.fake, "replaces", False) and not getattr(c.fake, "compares", False):
        c.fake.after_write = lose
        c.good("add", "late")
        c.has(V1, V2, V3, "late")
        c.good("remove", "late")
    c.good("remove")
    c.good("remove", V2)
    c.has(V3)


def session_ends_early(c):
    if not getattr(c.fake, "expire", None):
        return
    c.good("add")
    c.fake.expire()
    c.good("add", V2)
    c.has(V1, V2)


CASES = [add_and_remove, foreign_values_stay, configured_zone, zone_not_found, nested_zones, apex_and_depth, names_beyond_ascii, wrong_credential,
         missing_permission, retry_after, broken_then_fine, done_but_not_heard, many_zones, many_records, others_write_too,
         session_ends_early]


# An interface that lists nothing is only told what to do.

def told_and_told_again(c):
    owner = c.fake.owner
    c.good("add", owner=owner)
    c.has(V1, owner=owner)
    c.good("add", owner=owner)
    c.has(V1, owner=owner)
    answer = c.bad("present", "not-supported", owner=owner)
    assert answer["class"] == "permanent", answer
    c.good("add", V2, owner=owner)
    c.has(*([V1, V2] if c.fake.holds == 0 else [V2]), owner=owner)
    c.good("remove", owner=owner) if c.fake.holds == 0 else None
    c.good("remove", V2, owner=owner)
    c.has(owner=owner)
    c.good("remove", V2, owner=owner)


def told_of_other_names(c):
    deep = c.fake.owner.replace("www.", "a.b.c.")
    c.good("add", owner=deep)
    c.has(V1, owner=deep)
    c.good("remove", owner=deep)
    c.has(owner=deep)
    if c.fake.elsewhere:
        answer = c.bad("add", "zone-not-found", owner=c.fake.elsewhere)
        assert answer["class"] == "config" and answer["hint"]


def told_wrongly(c):
    answer = c.bad("add", "provider-credential", owner=c.fake.owner, credentials=c.fake.wrong)
    assert answer["class"] == "config"
    c.has(owner=c.fake.owner)


def told_to_wait(c):
    c.fake.fail("before", c.fake.limited(7), any=True)
    answer = c.ask("add", owner=c.fake.owner)
    assert not answer["ok"] and answer["class"] == "temporary" and answer["retry_after_s"] == 7, answer
    before = len(c.fake.requests)
    answer = c.ask("add", owner=c.fake.owner)
    assert answer["class"] == "temporary" and len(c.fake.requests) == before, answer
    c.driver.ask(do="forget")
    c.good("add", owner=c.fake.owner)


def told_while_broken(c):
    for action, after in (("add", [V1]), ("remove", [])):
        for _ in range(2):  # once more at once, then it is said
            c.fake.fail("before", fakes_base.Answer(500, "<html>oops</html>"), any=True)
        answer = c.ask(action, owner=c.fake.owner)
        assert not answer["ok"] and answer["class"] == "temporary", answer
        c.good(action, owner=c.fake.owner)
        c.driver.ask(do="forget")
        c.has(*after, owner=c.fake.owner)


def told_and_not_heard(c):
    c.fake.fail("hang", seconds=2, any=True)
    c.good("add", timeout_ms=1000, owner=c.fake.owner)
    c.has(V1, owner=c.fake.owner)
    c.fake.fail("after", fakes_base.Answer(502, "<html>bad gateway</html>"), any=True)
    c.good("remove", owner=c.fake.owner)
    c.has(owner=c.fake.owner)


CALLS_CASES = [told_and_told_again, told_of_other_names, told_wrongly, told_to_wait, told_while_broken, told_and_not_heard]


# A whole zone is written back: only what was read, and never less.

def whole_zone_is_guarded(c):
    zone = c.fake.zones["example.com"]
    before = [(r.name, r.kind, r.value, r.ttl) for r in zone.records]
    assert len(before) > 2
    c.good("add")
    c.good("remove")
    assert [(r.name, r.kind, r.value, r.ttl) for r in zone.records] == before
    c.driver.ask(do="forget")
    zone.records = []
    answer = c.bad("add", "provider-refused")
    assert answer["class"] == "config" and answer["hint"]
    assert not zone.records, "an empty zone was written"


def providers():
    """Every class with an id of its own."""
    for module in pkgutil.iter_modules(fakes.__path__):
        for one in vars(importlib.import_module("fakes." + module.name)).values():
            if isinstance(one, type) and one.__module__ == "fakes." + module.name and one.__dict__.get("id"):
                yield one


def declared(provider):
    """What the recipe says of its limits is what the fake behaves like."""
    with open(os.path.join(HERE, "..", "..", "providers", provider.id + ".json"), encoding="utf-8") as f:
        recipe = json.load(f)
    rrset, calls = recipe.get("rrset", {}), recipe.get("calls")
    said = {"lists": calls is None, "holds": (calls or {}).get("holds", 0), "replaces": bool(rrset) and not rrset.get("compares", False), "compares": rrset.get("compares", False),
            "whole": rrset.get("whole", False)}
    if "native" in recipe:  # what it cannot do is in its functions
        said["lists"] = provider.lists
    does = {k: getattr(provider, k, False) for k in said}
    does["replaces"] = does["replaces"] and not does["compares"]
    return "" if said == does else "# the recipe says %s, the fake does %s" % (said, does)


def cases_of(provider):
    cases = CASES if provider.lists else CALLS_CASES
    if provider.shared is not None:
        cases = [c for c in cases if c.__name__ in provider.shared]
    return cases + ([whole_zone_is_guarded] if getattr(provider, "whole", False) else []) + provider.own


def run(path, provider, pem, key, lines):
    """All cases of one provider, with an engine of its own; what is said of them goes to `lines`."""
    name, missing = provider.name or provider.id, provider.missing()
    if missing:
        lines.append(("ok", "%s # SKIP %s" % (name, missing), ""))
        return
    driver = Driver(path, programs=provider.programs() if provider.programs else None)
    for case in cases_of(provider):
        c = Case(driver, provider, pem, key)
        try:
            case(c)
            assert not c.fake.violations, c.fake.violations
            lines.append(("ok", "%s %s" % (name, case.__name__), ""))
        except Exception as e:  # noqa: BLE001
            lines.append(("not ok", "%s %s" % (name, case.__name__), "# %r\n# violations: %s\n# requests: %s" %
                          (e, c.fake.violations[:3], c.fake.requests[-8:])))
        finally:
            c.close()
    why = declared(provider)
    lines.append(("not ok" if why else "ok", "%s declares what it cannot do" % provider.id, why))
    ended = driver.close()
    lines.append(("ok" if ended == 0 else "not ok", "%s: the engine ends cleanly" % name, "# %s" % ended))


def main(path, *ids):
    driver = Driver(path)
    known = set(driver.ask(do="list")) - {"ok"}
    driver.close()
    tested = [p for p in providers() if not ids or p.id in ids]
    results = {p: [] for p in tested}
    with tempfile.TemporaryDirectory() as folder:
        pem, key = fakes_base.certificate(folder)
        # What takes time is waiting: for budgets, for time-outs.
        with concurrent.futures.ThreadPoolExecutor(12) as pool:
            for done in [pool.submit(run, path, p, pem, key, results[p]) for p in tested]:
                done.result()
    lines = [line for p in tested for line in results[p]]
    if not ids:
        missing = sorted(known ^ {p.id for p in tested})
        lines.append(("not ok" if missing else "ok", "every recipe has a fake, every fake a recipe", "# " + ", ".join(missing)))
        wrong = vectors.wrong()
        lines.append(("not ok" if wrong else "ok", "the fakes' signatures are those of the published examples", "# %s" % wrong))
    for number, (verdict, text, why) in enumerate(lines, 1):
        print("%s %d - %s%s" % (verdict, number, text, "\n" + why if verdict != "ok" else ""))
    print("1..%d" % len(lines))
    return 1 if any(verdict != "ok" for verdict, _, _ in lines) else 0


sys.exit(main(*sys.argv[1:]))
