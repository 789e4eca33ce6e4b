"""Counts what TAP says, and prints the closing line of the two runners."""

import concurrent.futures
import os
import re
import signal
import subprocess
import sys
import time

_LINE = re.compile(r"^(not )?ok\b\s*\d*\s*-?\s*([^#]*)(#\s*(skip|todo)\S*\s*(.*))?$", re.I)


class Results:
    def __init__(self):
        self.passed, self.failed, self.skipped, self.failures = 0, 0, [], []

    def one(self, ok, name):
        if ok:
            self.passed += 1
        else:
            self.failed += 1
            self.failures.append(name)

    def tap(self, name, text, code):
        """Counts the lines of one program. Death, a short plan or no test at all is a failure of its own."""
        count, bad, plan = 0, 0, None
        for line in text.splitlines():
            planned = re.match(r"^1\.\.(\d+)", line)
            if planned:
                # cmocka prints one plan per group.
                plan = (plan or 0) + int(planned[1])
                continue
            match = _LINE.match(line)
            if not match:
                continue
            count += 1
            case = f"{name}: {match[2].strip()}"
            if match[4] and match[4].lower() == "skip":
                self.skipped.append((case, match[5] or "no reason given"))
            else:
                self.one(not match[1], case)
                bad += bool(match[1])
        if count == 0:
            self.one(False, f"{name}: no test ran (exit code {code})")
        elif plan is not None and count < plan:
            self.one(False, f"{name}: {count} of {plan} tests ran (exit code {code})")
        elif code != 0 and bad == 0:
            self.one(False, f"{name}: exit code {code}")

    def close(self):
        """Prints the summary; the exit code."""
        for case, reason in self.skipped:
            print(f"skipped: {case}: {reason}")
        for case in self.failures:
            print(f"FAILED: {case}")
        skipped = f", {len(self.skipped)} skipped" if self.skipped else ""
        print(f"{self.passed} passed, {self.failed} failed{skipped}", flush=True)
        return 0 if self.failed == 0 and self.passed > 0 else 1


def run_programs(results, programs, parallel, timeout, env=None):
    """programs: [(name, argv)]. Each is the leader of a group; its output is shown when it ended."""
    def one(item):
        name, argv = item
        started = time.monotonic()
        child = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                 errors="replace", env={**os.environ, **(env or {})}, start_new_session=True)
        try:
            text, _ = child.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            # SIGINT first, so that a lab can stop what it started.
            os.killpg(child.pid, signal.SIGINT)
            try:
                text, _ = child.communicate(timeout=30)
            except subprocess.TimeoutExpired:
                os.killpg(child.pid, signal.SIGKILL)
                text, _ = child.communicate()
            text += f"\nnot ok - stopped after {timeout} s\n"
        return name, text, child.returncode, time.monotonic() - started

    with concurrent.futures.ThreadPoolExecutor(parallel) as pool:
        for future in concurrent.futures.as_completed([pool.submit(one, p) for p in programs]):
            name, text, code, seconds = future.result()
            print(f"== {name} ({seconds:.0f} s, exit code {code})")
            sys.stdout.write(text if code else "".join(line + "\n" for line in text.splitlines() if not line.startswith("#")))
            sys.stdout.flush()
            results.tap(name, text, code)
