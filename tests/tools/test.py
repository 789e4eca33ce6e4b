#!/usr/bin/env python3
"""`make test`: everything, one summary, last line `N passed, N failed`.

    tests/tools/test.py [--only build,peers,unit,lint,sim,integration,crash]

Builds with gcc (ASan, UBSan, warnings are errors) in build-test and with clang in build-clang, runs the unit tests, the
fuzz corpora, the lint, the simulator, the integration tests and the short form of the crash test. The newer peers are built
once into a cache (peers.py); without them their tests are skipped, with the reason. No test depends on one before it;
only without a binary there is nothing to run.
"""

import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(HERE))

import peers  # noqa: E402
import results as results_module  # noqa: E402

STAGES = ("build", "peers", "unit", "lint", "sim", "integration", "crash")
SANITIZERS = {
    "ASAN_OPTIONS": "detect_stack_use_after_return=1:abort_on_error=0:exitcode=99",
    "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1",
    "PYTHONDONTWRITEBYTECODE": "1",
}


def say(text):
    print(f"== {text}", flush=True)


def call(argv, env=None):
    return subprocess.run([str(a) for a in argv], stdin=subprocess.DEVNULL, cwd=ROOT, env={**os.environ, **(env or {})}).returncode


def clang():
    return next((c for c in ("clang-14", "clang-19", "clang") if shutil.which(c)), None)


def build(directory, compiler, *options):
    """Configures when that was not done, builds; True when it went without a warning."""
    path = ROOT / directory
    if not (path / "build.ninja").exists():
        shutil.rmtree(path, ignore_errors=True)
        if call(["meson", "setup", path, "--buildtype=debugoptimized", "-Dwerror=true", *options], {"CC": compiler}) != 0:
            return False
    return call(["ninja", "-C", path]) == 0


def stage_build(results):
    say("build: gcc, AddressSanitizer and UndefinedBehaviorSanitizer, warnings are errors")
    results.one(build("build-test", "gcc", "-Db_sanitize=address,undefined", "-Db_lundef=false"), "build: gcc with sanitizers")
    say("build: clang, warnings are errors")
    compiler = clang()
    results.one(compiler is not None and build("build-clang", compiler), "build: clang")


def stage_peers(_):
    say("peers: the newest Pebble and step-ca, from the cache or the Go module proxy")
    for name, seconds, reason in peers.build_all():
        say(f"peers: {name}: {reason or 'there'} ({seconds:.0f} s)")


def meson_tests(results, suites):
    """The tests of these suites, each TAP line counted; programs that speak no TAP count as one."""
    log = ROOT / "build-test" / "meson-logs" / "testlog.json"
    log.unlink(missing_ok=True)
    arguments = [a for s in suites for a in ("--suite", s)]
    code = call(["meson", "test", "-C", ROOT / "build-test", "--no-rebuild", "--print-errorlogs", *arguments], SANITIZERS)
    if not log.exists():
        results.one(False, f"meson test {' '.join(suites)}: exit code {code} and no log")
        return
    seen = 0
    for line in log.read_text().splitlines():
        test = json.loads(line)
        seen += 1
        output = test.get("stdout") or ""
        if "ok " in output and "1.." in output:
            results.tap(test["name"], output, test["returncode"])
        elif test["result"] == "SKIP":
            results.skipped.append((test["name"], output.strip() or "skipped by the test itself"))
        else:
            results.one(test["result"] == "OK", f"{test['name']}: {test['result']}")
    if seen == 0:
        results.one(False, f"meson test {' '.join(suites)}: no test ran")


def suites_of(directory):
    text = subprocess.run(["meson", "introspect", "--tests", directory], capture_output=True, text=True, cwd=ROOT).stdout
    return {s.split(":")[-1] for t in json.loads(text or "[]") for s in t["suite"]}


def stage_unit(results):
    say("unit tests, fuzz corpora, and every recipe against a fake of its provider")
    meson_tests(results, ["unit", "fuzz", "recipe"])


def stage_lint(results):
    say("lint")
    if (ROOT / "build-test" / "build.ninja").exists() and "lint" in suites_of("build-test"):
        meson_tests(results, ["lint"])
        return
    checks = sorted(p for p in HERE.glob("check-*") if os.access(p, os.X_OK))
    if not checks:
        results.one(False, "lint: there is no tests/tools/check-*")
    for check in checks:
        results.one(call([check]) == 0, f"lint: {check.name}")


def stage_sim(results):
    say("simulator, short form: many seeds as compiled by clang, a few with sanitizers")
    for directory, options in (("build-clang", []), ("build-test", ["--seeds", "15", "--from", "1000001", "--no-bugs"])):
        folder = ROOT / directory / "tests" / "sim"
        if not (folder / "reeve-sim").exists():
            results.one(False, f"sim: there is no {directory}/tests/sim/reeve-sim to run")
            continue
        results_module.run_programs(results, [(f"sim/{directory}", [sys.executable, str(ROOT / "tests" / "sim" / "run.py"),
                                               "--sim", str(folder / "reeve-sim"),
                                               "--planted", str(folder / "reeve-sim-planted"), *options])], 1, 600, SANITIZERS)


def stage_integration(results):
    say("integration tests: Pebble, Unbound, Knot and Reeve on loopback")
    sys.dont_write_bytecode = True
    programs = [(f"integration/{f.stem}", [sys.executable, str(f)]) for f in sorted((ROOT / "tests" / "integration").glob("test_*.py"))]
    results_module.run_programs(results, programs, 2, 300, {"REEVE_BINARY": str(ROOT / "build-test" / "reeve"), **SANITIZERS})


def stage_crash(results):
    say("crash test, short form")
    results_module.run_programs(results, [("crash", [sys.executable, str(ROOT / "tests" / "crash" / "run.py"),
                                                     "--reeve", str(ROOT / "build-test" / "reeve")])], 1, 600, SANITIZERS)


def main():
    parser = argparse.ArgumentParser(description="Builds and runs every test.")
    parser.add_argument("--only", default=",".join(STAGES), help="stages, comma separated: " + " ".join(STAGES))
    wanted = parser.parse_args().only.split(",")
    if not set(wanted) <= set(STAGES):
        parser.error("stages are " + " ".join(STAGES))
    results = results_module.Results()
    for stage in STAGES:
        if stage not in wanted:
            continue
        started = time.monotonic()
        if stage in ("integration", "crash") and not (ROOT / "build-test" / "reeve").exists():
            results.one(False, f"{stage}: there is no build-test/reeve to test")
            continue
        globals()[f"stage_{stage}"](results)
        say(f"{stage}: {time.monotonic() - started:.0f} s")
    sys.exit(results.close())


if __name__ == "__main__":
    main()
