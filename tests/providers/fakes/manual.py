"""A person has no interface: without a resolver to look with nothing is believed (the rest is in the integration tests)."""
import fake


class Provider(fake.Fake):
    id = "manual"
    shared = ()

    def may(self, request):
        return None


def nobody_looks(c):
    for action in ("add", "remove", "present"):
        answer = c.bad(action, "unavailable")
        assert answer["class"] == "temporary", answer


Provider.own = [nobody_looks]
