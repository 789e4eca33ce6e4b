"""RFC 2136 has no fake: Knot and BIND themselves, with what only a DNS server can do wrong."""
import name_server

V1, V2 = ("%s%s" % (c * 3, "kZ4Yc-TtGx9wq_mB2vN7aLpRsEhUoIdJfX0135689") for c in "ab")
OWNER = "_acme-challenge.www.example.com"


def every_algorithm(c):
    for algorithm in name_server.ALGORITHMS:
        key = "writer-" + algorithm
        credentials = {"nameserver": "{origin}", "RFC2136_TSIG_KEY": key + ".", "DNSUPDATE_TSIG_SECRET": name_server.secret(key),
                       "tsig_algorithm": algorithm.upper() + "."}
        c.good("add", credentials=credentials)
        c.has(V1)
        c.good("remove", credentials=credentials)
        c.has()


def keys_that_do_not_fit(c):
    right = c.fake.credentials
    for change, words in (({"tsig_key": "nobody"}, "BADKEY"), ({"tsig_algorithm": "hmac-sha256"}, "BADKEY"),
                          ({"tsig_secret": name_server.secret("x")}, "BADSIG")):
        answer = c.bad("add", "provider-credential", credentials={**right, **change})
        # BIND calls a key of another algorithm a wrong signature.
        assert words in answer["text"] or ("tsig_algorithm" in change and "BADSIG" in answer["text"]), answer
        assert answer["hint"] and answer["class"] == "config"
    c.bad("add", "invalid-request", credentials={**right, "tsig_algorithm": "hmac-md5"})
    c.bad("add", "invalid-request", credentials={k: v for k, v in right.items() if k != "tsig_secret"})
    answer = c.bad("add", "provider-denied", credentials={"nameserver": "{origin}"})
    assert "without a key" in answer["text"], answer
    c.has()


def truncated_over_tcp(c):
    for action in ("add", "remove"):
        c.fake.forwarder.faults.append("truncate")
        before = len(c.fake.forwarder.seen)
        c.good(action)
        assert "tcp" in c.fake.forwarder.seen[before:], c.fake.forwarder.seen
    for i in range(40):
        c.fake.foreign(OWNER, "somebody-%02d-%s" % (i, "x" * 60))
    c.good("add")
    before = len(c.fake.forwarder.seen)
    assert c.good("present")["present"]
    assert "tcp" in c.fake.forwarder.seen[before:], "the set fits into no datagram"
    c.good("remove")
    assert len(c.fake.values(OWNER)) == 40


def lost_on_the_way(c):
    for fault, action, after in (("drop", "add", [V1]), ("deaf", "add", [V1, V2]), ("drop", "remove", [V2]), ("deaf", "remove", [])):
        value = V2 if after in ([V1, V2], []) else V1
        c.fake.forwarder.faults.append(fault)
        c.good(action, value)
        c.has(*after)


def answers_of_others(c):
    c.fake.forwarder.faults += ["other-id"]
    c.good("add")
    # Whoever cannot sign cannot say that it was done: what is there is asked for.
    for fault in ("corrupt", "unsigned"):
        c.fake.forwarder.faults += [fault, "any-" + fault]
        answer = c.bad("add", "provider-unavailable", V2, zone="example.com")
        assert answer["class"] == "temporary" and "sign" in answer["text"], answer
        c.fake.forwarder.faults.clear()
        c.good("remove", V2)
    c.fake.forwarder.faults += ["any-refuse-unsigned"]
    c.bad("add", "provider-denied", V2, zone="example.com")
    c.has(V1)


def cname_in_the_way(c):
    c.fake.foreign("_acme-challenge.alias.example.com", "elsewhere.test.", "CNAME")
    answer = c.bad("add", "provider-refused", owner="_acme-challenge.alias.example.com")
    assert "CNAME" in answer["text"] and answer["class"] == "config", answer
    c.good("remove", owner="_acme-challenge.alias.example.com")


def handed_over(c):
    c.fake.handed_over("sub.example.com", "example.com")
    answer = c.bad("add", "zone-not-found", owner="_acme-challenge.a.sub.example.com")
    assert "handed" in answer["text"], answer
    answer = c.bad("zone", "zone-not-found", zone="sub.example.com", owner="_acme-challenge.a.sub.example.com")
    answer = c.bad("add", "zone-not-found", zone="sub.example.com", owner="_acme-challenge.a.sub.example.com")
    assert "NOT" in answer["text"], answer


def unreachable(c):
    c.fake.stop()
    answer = c.ask("add", credentials={**c.fake.credentials, "nameserver": "127.0.0.1:1"})
    assert not answer["ok"] and answer["class"] == "temporary" and "nothing listens" in answer["text"], answer
    answer = c.ask("add", credentials={**c.fake.credentials, "nameserver": "127.0.0.2"})
    assert answer["problem"] == "address-refused" and "127.0.0.2/32" in answer["hint"], answer
    c.bad("add", "invalid-request", credentials={**c.fake.credentials, "nameserver": "a:b:c"})


def two_writers(c):
    """Additions and removals of others between ours: nothing is lost on either side."""
    for i in range(30):
        c.good("add", V1 if i % 2 else V2)
        if i % 10 == 0:
            c.fake.foreign(OWNER, "theirs-%d" % i)
        c.good("remove", V1 if i % 2 else V2)
    c.has("theirs-0", "theirs-10", "theirs-20")


OWN = [every_algorithm, keys_that_do_not_fit, truncated_over_tcp, lost_on_the_way, answers_of_others, cname_in_the_way, handed_over,
       unreachable, two_writers]


class Provider(name_server.Knot):
    id = "rfc2136"
    own = OWN


class Bind(name_server.Bind):
    id = "rfc2136"
    own = OWN
