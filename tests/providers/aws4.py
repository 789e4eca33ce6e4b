"""AWS Signature Version 4 as the server checks it, written from the documentation, apart from the client's."""
import hashlib
import hmac
import urllib.parse


def encode(text, safe=""):
    return urllib.parse.quote(text, safe=safe + "-._~")


def signature(method, raw_path, raw_query, headers, body, secret, region, service, signed, date):
    query = "&".join("%s=%s" % p for p in sorted((encode(k), encode(v)) for k, v in
                                                 urllib.parse.parse_qsl(raw_query, keep_blank_values=True)))
    lines = "".join("%s:%s\n" % (n, " ".join((headers.get(n) or "").split())) for n in signed.split(";"))
    canonical = "\n".join([method, encode(raw_path or "/", "/"), query, lines, signed, hashlib.sha256(body).hexdigest()])
    scope = "%s/%s/%s/aws4_request" % (date[:8], region, service)
    to_sign = "\n".join(["AWS4-HMAC-SHA256", date, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    key = ("AWS4" + secret).encode()
    for part in scope.split("/"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return hmac.new(key, to_sign.encode(), hashlib.sha256).hexdigest()
