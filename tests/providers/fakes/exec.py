"""Programs of the user's own, run for real by the hook role: lego's EXEC_PATH and certbot's hooks."""
import os
import shutil
import tempfile

import fake

V1, V2 = ("%s%s" % (c * 3, "kZ4Yc-TtGx9wq_mB2vN7aLpRsEhUoIdJfX0135689") for c in "ab")
OWNER = "_acme-challenge.www.example.com"

# As such scripts are: values in a file per name, what they were given beside it.
COMMON = """#!/bin/sh
set -eu
test -d "$STORE"
{ echo "$0 $*"; env | sort; ls /proc/self/fd | tr '\\n' ' '; } > "$STORE/seen"
"""
LEGO = COMMON + """
file="$STORE/$2txt"
touch "$file"
case $1 in
present) grep -qxF -e "$3" "$file" || echo "$3" >> "$file";;
cleanup) grep -vxF -e "$3" "$file" > "$file.new" || true; mv "$file.new" "$file";;
*) exit 3;;
esac
"""
AUTH = COMMON + """
file="$STORE/_acme-challenge.$CERTBOT_DOMAIN.txt"
touch "$file"
grep -qxF -e "$CERTBOT_VALIDATION" "$file" || echo "$CERTBOT_VALIDATION" >> "$file"
"""
CLEANUP = COMMON + """
file="$STORE/_acme-challenge.$CERTBOT_DOMAIN.txt"
grep -vxF -e "$CERTBOT_VALIDATION" "$file" > "$file.new" || true
mv "$file.new" "$file"
"""
FAILS = """#!/bin/sh
echo "the zone is locked, token hunter2-secret"
exit 7
"""
SLEEPS = """#!/bin/sh
sleep 30
"""


class Provider(fake.Fake):
    id = "exec"
    lists = False
    shared = ()
    directory = None

    @classmethod
    def programs(cls):
        cls.directory = tempfile.mkdtemp(prefix="reeve-exec-")
        where = os.path.join(cls.directory, "hooks.d", "dns")
        os.makedirs(where, 0o755)
        for name, text in (("lego.sh", LEGO), ("auth", AUTH), ("cleanup", CLEANUP), ("fails", FAILS), ("sleeps", SLEEPS), ("open", LEGO),
                           ("../above", LEGO)):
            path = os.path.join(where, name)
            with open(path, "w", encoding="utf-8") as f:
                f.write(text)
            os.chmod(path, 0o777 if name == "open" else 0o755)
        return cls.directory

    def __init__(self):
        super().__init__()
        self.store = tempfile.mkdtemp(dir=self.directory)
        self.environment = "STORE=%s\n\nAPI_TOKEN=hunter2-secret" % self.store
        self.credentials = {"EXEC_PATH": "lego.sh", "environment": self.environment}

    def serve(self, pem, key):
        del pem, key
        self.origin = "exec"
        return self

    def shutdown(self):
        pass

    def server_close(self):
        shutil.rmtree(self.store)

    def values(self, name):
        path = os.path.join(self.store, name + ".txt")
        if not os.path.exists(path):
            return []
        with open(path, encoding="utf-8") as f:
            return sorted(f.read().split())

    def seen(self):
        with open(os.path.join(self.store, "seen"), encoding="utf-8") as f:
            return f.read()


def as_lego(c):
    c.good("add", V1)
    c.good("add", V2)
    c.good("add", V1)
    c.has(V1, V2)
    seen = c.fake.seen()
    assert "/hooks.d/dns/lego.sh present %s. %s\n" % (OWNER, V1) in seen and "API_TOKEN=hunter2-secret" in seen, seen
    assert not [line for line in seen.splitlines() if line.startswith(("HOME=", "REEVE_", "LD_", "USER="))], seen
    assert set(seen.splitlines()[-1].split()) <= {"0", "1", "2", "3"}, "descriptors: " + seen
    c.good("remove", V1)
    c.good("remove", V1)
    c.has(V2)
    c.bad("present", "not-supported")
    assert c.good("zone", zone="example.com")["zone"] == "example.com"


def as_certbot(c):
    credentials = {"mode": "certbot", "auth_hook": "auth", "cleanup_hook": "cleanup", "environment": c.fake.environment}
    c.good("add", V1, credentials=credentials)
    c.good("add", V2, credentials=credentials)
    c.has(V1, V2)
    seen = c.fake.seen()
    assert "CERTBOT_DOMAIN=www.example.com\n" in seen and "CERTBOT_VALIDATION=" + V2 in seen, seen
    c.good("remove", V1, credentials=credentials)
    c.has(V2)
    c.bad("add", "zone-not-found", V1, owner="target.example.com", credentials=credentials)
    without = {k: v for k, v in credentials.items() if k != "cleanup_hook"}
    c.good("remove", V2, credentials=without)
    c.has(V2)


def programs_that_fail(c):
    def answer(name, **more):
        return c.ask("add", credentials={**c.fake.credentials, "EXEC_PATH": name, **more})
    failed = answer("fails")
    assert failed["class"] == "temporary" and "exit code 7" in failed["text"] and "the zone is locked" in failed["hint"], failed
    assert "hunter2" not in str(failed), "a secret in the answer"
    late = answer("sleeps", timeout_s="1")
    assert late["problem"] == "timeout" and late["class"] == "temporary", late
    absent = answer("absent")
    assert absent["class"] == "config" and "there is no" in absent["text"], absent
    assert answer("open")["class"] == "config", "others may write it"
    for name in ("../above", "/bin/sh", ".hidden", "above"):
        refused = answer(name)
        assert not refused["ok"] and refused["class"] in ("input", "config"), (name, refused)


def environments(c):
    for line in ("LD_PRELOAD=/tmp/x", "PATH=/tmp", "BASH_ENV=/tmp/x", "no equals", "1A=b", "A-B=c"):
        c.bad("add", "invalid-request", credentials={"EXEC_PATH": "lego.sh", "environment": line})
    c.bad("add", "invalid-request", credentials={"EXEC_PATH": "lego.sh", "environment": "\n".join("A%d=b" % i for i in range(70))} |
          {"EXEC_MODE": "other"})
    c.has()


Provider.own = [as_lego, as_certbot, programs_that_fail, environments]
