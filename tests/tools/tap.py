"""Runs the unittest cases of a file and reports them as TAP; used by every tests/integration/test_*.py.

A failed case shows the lab's logs (class attribute `lab`). A sanitizer report in any Reeve log of the lab is a failure
of its own, because a role that dies of one is restarted and the test may pass all the same.
"""

import os
import signal
import sys
import time
import traceback
import unittest

import lab as lab_module
import peers


class Case(unittest.TestCase):
    """A class with one lab for all its cases; `options` go to Lab()."""

    options = {}
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        try:
            cls.lab = lab_module.Lab(**cls.options)
        except peers.Missing as e:
            raise unittest.SkipTest(str(e)) from None

    @classmethod
    def tearDownClass(cls):
        cls.lab.close()

    # -- assertions that many files share

    def assert_problem(self, reply, status, code, *words):
        """An RFC 9457 problem with this code, whose sentence or hint has these words."""
        self.assertEqual(reply.status, status, reply.body)
        self.assertEqual(reply.body["type"], f"urn:reeve:problem:{code}", reply.body)
        text = f"{reply.body.get('detail', '')} {reply.body.get('hint', '')}"
        for word in words:
            self.assertIn(word, text)

    def assert_certificate(self, certificate, names, project=None):
        """Stored, for exactly these names, chain verified by openssl, key matching. Returns the leaf."""
        reeve = self.lab.reeve
        blocks = lab_module.pem_blocks(reeve.download(certificate, "fullchain", project))
        self.assertGreaterEqual(len(blocks), 2)
        self.lab.verify_chain(blocks[0], "".join(blocks[1:]))
        self.assertEqual(lab_module.pem_names(blocks[0]), sorted(names))
        key = reeve.download(certificate, "key", project)
        self.assertEqual(lab_module.private_public_key(key), lab_module.certificate_public_key(blocks[0]))
        return blocks[0]


class _Result(unittest.TestResult):
    def __init__(self):
        super().__init__()
        self.count = 0
        self.bad = 0
        self.started = time.monotonic()

    def _line(self, ok, test, suffix=""):
        self.count += 1
        self.bad += not ok
        seconds = time.monotonic() - self.started
        sys.stdout.write(f"{'ok' if ok else 'not ok'} {self.count} - {self._name(test)}{suffix}\n# {seconds:.1f} s\n")
        sys.stdout.flush()

    @staticmethod
    def _name(test):
        return test if isinstance(test, str) else test.id().removeprefix("__main__.")

    def _failed(self, test, error):
        self._line(False, test)
        for line in "".join(traceback.format_exception(*error)).splitlines():
            print(f"# {line}")
        running = getattr(getattr(test, "test_case", test), "lab", None)
        if running is not None:
            for line in running.logs().splitlines():
                print(f"# {line}")
        sys.stdout.flush()

    def startTest(self, test):
        super().startTest(test)
        self.started = time.monotonic()

    def addSuccess(self, test):
        self._line(True, test)

    def addError(self, test, err):
        self._failed(test, err)

    def addFailure(self, test, err):
        self._failed(test, err)

    def addSubTest(self, test, subtest, err):
        # A case with a failed part gets no addSuccess; this is the only call that tells.
        if err is not None:
            self._failed(subtest, err)

    def addExpectedFailure(self, test, err):
        self._failed(test, err)

    def addUnexpectedSuccess(self, test):
        self._line(False, test)

    def addSkip(self, test, reason):
        self._line(True, test, f" # SKIP {reason}")


class _Suite(unittest.TestSuite):
    """Looks for sanitizer reports before a class gives up its lab."""

    def _tearDownPreviousClass(self, test, result):
        previous = getattr(result, "_previousTestClass", None)
        if previous is not None and previous is not test.__class__:
            running = getattr(previous, "lab", None)
            if running is not None and running.directory.exists():
                reports = []
                for part in running.parts:
                    if isinstance(part, lab_module.Reeve):
                        if not part.stop():
                            reports.append("reeve did not stop on SIGTERM")
                        reports += part.sanitizer_reports()
                ok = not reports
                result._line(ok, f"{previous.__name__}.sanitizers_and_stop")
                if not ok:
                    for line in (reports + running.logs(30000).splitlines()):
                        print(f"# {line}")
        super()._tearDownPreviousClass(test, result)


def main():
    """For `if __name__ == "__main__"` of a test file; arguments pick cases by a part of their name."""
    module = sys.modules["__main__"]
    loader = unittest.TestLoader()
    loader.suiteClass = _Suite
    suite = loader.loadTestsFromModule(module)
    wanted = sys.argv[1:]
    if wanted:
        cases = [c for group in suite for c in group if any(w in c.id() for w in wanted)]
        suite = _Suite(cases)
    # As Ctrl-C: unwinds, and the lab is closed on the way out.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    result = _Result()
    print(f"# {os.path.basename(sys.argv[0])}")
    suite.run(result)
    print(f"1..{result.count}")
    sys.exit(0 if result.bad == 0 and result.count > 0 else 1)
