#!/usr/bin/env python3
"""Runs the simulator and its planted bugs, as TAP.

    tests/sim/run.py --sim BUILD/tests/sim/reeve-sim --planted BUILD/tests/sim/reeve-sim-planted [--long] [--seeds N]

Short: a few hundred seeds of the clean build find nothing, and three planted bugs are found. Long: tens of thousands of
seeds, all planted bugs, and two years of many certificates.
"""

import argparse
import os
import re
import subprocess
import sys
import time

# Each planted bug, what it is (README.md says more), and within how many seeds it must be found.
BUGS = {
    1: ("commits are not synced", 400),
    2: ("a stale fence is accepted", 400),
    3: ("a value is published before its intent", 20),
    4: ("a challenge is answered again blindly", 200),
    5: ("the order is not woken after a repeated answer", 200),
    6: ("the values of a failed order stay", 100),
    7: ("the certificate is not compared with the key", 200),
    8: ("finalize is sent before the request is stored", 20),
    9: ("no back-off", 400),
    10: ("a removal is believed after a crash", 400),
}
SHORT_BUGS = (3, 6, 8)
JOBS = str(os.cpu_count() or 1)


def simulate(binary, *arguments):
    started = time.monotonic()
    done = subprocess.run([binary, "--jobs", JOBS, *map(str, arguments)], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    return done.returncode, done.stdout.strip(), time.monotonic() - started


class Tap:
    def __init__(self):
        self.count = self.failed = 0

    def case(self, ok, name, text=""):
        self.count += 1
        self.failed += not ok
        print(f"{'ok' if ok else 'not ok'} {self.count} - {name}", flush=True)
        for line in text.splitlines() if not ok else ():
            print(f"# {line}", flush=True)


def main():
    parser = argparse.ArgumentParser(description="Runs the simulator and its planted bugs.")
    parser.add_argument("--sim", required=True)
    parser.add_argument("--planted", required=True)
    parser.add_argument("--long", action="store_true")
    parser.add_argument("--seeds", type=int, help="of the clean build; 250, or 20000 with --long")
    parser.add_argument("--years", type=int, default=10000, help="certificates of the two years of --long")
    parser.add_argument("--no-bugs", action="store_true", help="leave the planted bugs out")
    parser.add_argument("--from", dest="first", type=int, default=1)
    options = parser.parse_args()
    tap = Tap()

    seeds = options.seeds or (20000 if options.long else 250)
    code, output, took = simulate(options.sim, "--seeds", seeds, "--from", options.first)
    tap.case(code == 0, f"{seeds} seeds find nothing ({took:.0f} s, {60 * seeds / took:.0f} a minute)",
             "\n".join(output.splitlines()[-20:]) + "\nagain: reeve-sim --seed N --verbose")
    for bug in () if options.no_bugs else BUGS if options.long else SHORT_BUGS:
        text, most = BUGS[bug]
        code, output, took = simulate(options.planted, "--planted", bug, "--seeds", most, "--stop")
        found = re.search(r"^seed (\d+): (.*)$", output, re.M)
        tap.case(code == 1 and found is not None, f"planted bug {bug} is found: {text} ({took:.0f} s)", output)
    if options.long:
        code, output, took = simulate(options.sim, "--years", options.years)
        tap.case(code == 0, f"two years of {options.years} certificates ({took:.0f} s)", output)
        for line in output.splitlines():
            print(f"# {line}", flush=True)
    print(f"1..{tap.count}", flush=True)
    return 1 if tap.failed else 0


if __name__ == "__main__":
    sys.exit(main())
