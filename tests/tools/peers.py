#!/usr/bin/env python3
"""Newer peers than the distribution has: Pebble 2.10 and step-ca, built once from the Go module proxy.

    tests/tools/peers.py [--timeout SECONDS] [NAME…]

They go to ${XDG_CACHE_HOME:-~/.cache}/reeve-tests/<name>-<version>/; a test asks find() and skips itself with the reason
when there is none. Where modules come from is the machine's own setting (GOPROXY). Nothing here makes a test run fail:
the reason of a build that did not succeed is kept beside the lock until the next build.
"""

import argparse
import collections
import fcntl
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
GO_MIN = (1, 24)
TIMEOUT_S = 600

# main: a program of ours around the module's packages; None: the module's own command.
Peer = collections.namedtuple("Peer", "module version command main")
PEERS = {
    "pebble": Peer("github.com/letsencrypt/pebble/v2", "v2.10.1", "cmd/pebble", None),
    "step-ca": Peer("github.com/smallstep/certificates", "v0.30.2", None, "step_ca.go"),
}


class Missing(Exception):
    """There is no such peer on this machine; the text is the reason that a skipped test gives."""


def place(name):
    cache = os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache"
    return pathlib.Path(cache) / "reeve-tests" / f"{name}-{PEERS[name].version}"


def find(name):
    """The program, or Missing."""
    program, reason = place(name) / name, place(name) / "reason"
    if os.access(program, os.X_OK):
        return program
    said = reason.read_text().strip() if reason.exists() else "it was not built: run tests/tools/peers.py"
    raise Missing(f"no {name} {PEERS[name].version}: {said}")


def go_version():
    go = shutil.which("go")
    if go is None:
        raise Missing("there is no Go toolchain")
    text = subprocess.run([go, "env", "GOVERSION"], capture_output=True, text=True, timeout=60).stdout.strip()
    found = re.match(r"go(\d+)\.(\d+)", text)
    if found is None or (int(found[1]), int(found[2])) < GO_MIN:
        raise Missing(f"Go {GO_MIN[0]}.{GO_MIN[1]} or newer is needed, this is {text or 'none that answers'}")


def go(arguments, directory, env, deadline):
    """One go command, with all it started, for as long as there is time."""
    child = subprocess.Popen(["go", *arguments], cwd=directory, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, text=True, errors="replace", start_new_session=True)
    try:
        text, _ = child.communicate(timeout=max(0.1, deadline - time.monotonic()))
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)
        child.communicate()
        raise Missing(f"`go {arguments[0]}` was not done in time") from None
    if child.returncode != 0:
        lines = [line for line in text.splitlines() if line and not line.startswith("go: downloading")]
        raise Missing(f"`go {' '.join(arguments)}`: {' '.join(lines[-3:])[:400] or f'exit code {child.returncode}'}")


def compile_peer(name, target, deadline):
    """The program is renamed into its place, so that what is there is whole."""
    peer = PEERS[name]
    go_version()
    with tempfile.TemporaryDirectory(prefix=".build-", dir=target) as work:
        work = pathlib.Path(work)
        env = {**os.environ, "GOFLAGS": "-mod=mod -trimpath", "GOBIN": str(work / "bin"), "GOTOOLCHAIN": "local", "GOWORK": "off"}
        (work / "bin").mkdir()
        if peer.main is None:
            go(["install", f"{peer.module}/{peer.command}@{peer.version}"], work, env, deadline)
        else:
            shutil.copy(HERE / peer.main, work / "main.go")
            go(["mod", "init", f"reeve.test/{name}"], work, env, deadline)
            go(["get", f"{peer.module}@{peer.version}"], work, env, deadline)
            go(["build", "-o", f"bin/{name}", "."], work, env, deadline)
        (work / "bin" / name).rename(target / name)


def build(name, timeout_s):
    """Builds what is not there; whoever comes second waits for the first. Missing when it did not succeed."""
    target, deadline = place(name), time.monotonic() + timeout_s
    try:
        target.mkdir(parents=True, exist_ok=True)
        with open(target / "lock", "w") as lock:
            while True:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() > deadline:
                        raise Missing("somebody else has been building it for too long") from None
                    time.sleep(0.2)
            if os.access(target / name, os.X_OK):
                return
            reason = target / "reason"
            reason.unlink(missing_ok=True)
            try:
                compile_peer(name, target, deadline)
            except Missing as e:
                reason.write_text(f"{e}\n")
                raise
    except OSError as e:
        raise Missing(str(e)) from None


def build_all(names=(), timeout_s=TIMEOUT_S):
    """[(name, seconds, reason or None)]; the time is for all of them together."""
    done, deadline = [], time.monotonic() + timeout_s
    for name in names or PEERS:
        started, reason = time.monotonic(), None
        try:
            build(name, deadline - started)
        except Missing as e:
            reason = str(e)
        done.append((name, time.monotonic() - started, reason))
    return done


def main():
    parser = argparse.ArgumentParser(description="Builds the peers that the distribution does not have.")
    parser.add_argument("--timeout", type=int, default=TIMEOUT_S, help="seconds for all of them (default: %(default)s)")
    parser.add_argument("names", nargs="*", choices=[*PEERS, []], help=" ".join(PEERS))
    args = parser.parse_args()
    missing = 0
    for name, seconds, reason in build_all(args.names, args.timeout):
        print(f"{name} {PEERS[name].version}: {reason or place(name)} ({seconds:.0f} s)", flush=True)
        missing += reason is not None
    sys.exit(1 if missing else 0)


if __name__ == "__main__":
    main()
