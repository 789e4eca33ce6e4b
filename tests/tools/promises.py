"""What must be so with every CA: a mixin for the classes that say which one."""

import lab

ALIAS = {"domain_alias": "validation.example.org"}


class Core:
    """What must be so with each of them; the classes below say with which."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.lab.knot.set("example.com", *(f"_acme-challenge{n}.example.com. 300 IN CNAME _acme-challenge.validation.example.org."
                                          for n in ("", ".one", ".two", ".three", ".rsa", ".window", ".count")))
        cls.lab.reeve.add_authority(cls.lab.ca, **cls.authority())

    @classmethod
    def authority(cls):
        return {}

    def issued(self, order):
        order = self.lab.reeve.wait_order(order["id"], timeout=90)
        self.assertEqual(order["status"], "issued", order)
        return self.lab.reeve.wait_gone(order["id"])

    def test_issue_and_renew_by_a_delegation(self):
        reeve = self.lab.reeve
        delegation = reeve.add_delegation("example.test")
        self.lab.knot.cname("example.test", delegation["target"])
        certificate, order = reeve.issue(["example.test"])
        self.issued(order)
        first = self.assert_certificate(certificate["id"], ["example.test"])
        self.issued(reeve.must("POST", f"/v1/certificates/{certificate['id']}/renew", {})["order"])
        second = self.assert_certificate(certificate["id"], ["example.test"])
        self.assertNotEqual(lab.pem_serial(first), lab.pem_serial(second))
        self.assertNotEqual(lab.certificate_public_key(first), lab.certificate_public_key(second))
        self.assertEqual(reeve.must("GET", f"/v1/certificates/{certificate['id']}")["version"], 2)

    def test_apex_and_wildcard_by_an_alias(self):
        certificate, order = self.lab.reeve.issue(["example.com", "*.example.com"], **ALIAS)
        self.assertEqual(len({r["value"] for r in self.issued(order)["txt_records"]}), 2)
        self.assert_certificate(certificate["id"], ["*.example.com", "example.com"])

    def test_several_at_once_and_an_rsa_key(self):
        names = ["one.example.com", "two.example.com", "three.example.com"]
        several, first = self.lab.reeve.issue(names, **ALIAS)
        rsa, second = self.lab.reeve.issue(["rsa.example.com"], key_type="rsa2048", **ALIAS)
        self.issued(first)
        self.issued(second)
        self.assert_certificate(several["id"], names)
        leaf = self.assert_certificate(rsa["id"], ["rsa.example.com"])
        self.assertIn("rsaEncryption", lab.run(["openssl", "x509", "-noout", "-text"], input=leaf).stdout)

    def test_a_name_that_the_ca_cannot_validate_says_why(self):
        # Reeve sees the delegation; the CA asks when the value has gone, because its zone is not the one that was verified.
        reeve = self.lab.reeve
        self.lab.knot.cname("b.com", "_acme-challenge.validation.example.org")
        _, order = reeve.issue(["b.com"], **ALIAS)
        self.issued(order)
        self.lab.knot.cname("b.com", "_acme-challenge.elsewhere.validation.example.org")
        # Verified a moment ago, so it is believed, and the CA is the one that finds out.
        certificate = reeve.must("GET", "/v1/certificates")["certificates"]
        certificate = next(c for c in certificate if c["name"] == "b.com")
        order = reeve.must("POST", f"/v1/certificates/{certificate['id']}/renew", {})["order"]
        order = reeve.wait_order(order["id"], timeout=120)
        if order["status"] != "issued":  # a CA that uses the validation of a moment ago again does not look
            self.assertEqual(order["status"], "failed", order)
            self.assertIn("b.com", order["detail"])
            self.assertTrue(order["hint"], order)
        self.assertEqual(reeve.must("GET", f"/v1/certificates/{certificate['id']}")["version"], 1 + (order["status"] == "issued"))
        reeve.wait_gone(order["id"])
