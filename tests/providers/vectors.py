"""vectors: what the fakes sign with, against the examples that the providers publish with their rules."""
from fakes import signed

EDGEGRID = "EG1-HMAC-SHA256 client_token=akab-client-token-xxx-xxxxxxxxxxxxxxxx;access_token=akab-access-token-xxx-xxxxxxxxxxxxxxxx;" \
           "timestamp=20140321T19:34:21+0000;nonce=nonce-xx-xxxx-xxxx-xxxx-xxxxxxxxxxxx;"
EDGEGRID_HOST, EDGEGRID_SECRET = "akaa-baseurl-xxxxxxxxxxx-xxxxxxxxxxxxx.luna.akamaiapis.net", "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx="
TENCENT_BODY = '{"Limit": 1, "Filters": [{"Values": ["\\u672a\\u547d\\u540d"], "Name": "instance-name"}]}'
ALIYUN = {"Timestamp": "2016-02-23T12:46:24Z", "Format": "XML", "AccessKeyId": "testid", "Action": "DescribeRegions", "SignatureMethod": "HMAC-SHA1",
          "SignatureNonce": "3ee8c1b8-83d3-44af-a94f-4e0ad82fd6cf", "Version": "2014-05-26", "SignatureVersion": "1.0"}


def edgegrid(method, target, body=b""):
    return signed.EdgeDns.signature(method, EDGEGRID_HOST, target, body, EDGEGRID, "20140321T19:34:21+0000", EDGEGRID_SECRET)


VECTORS = [
    ("EdgeGrid, GET", lambda: edgegrid("GET", "/"), "tL+y4hxyHxgWVD30X3pWnGKHcPzmrIF+LThiAOhMxYU="),
    ("EdgeGrid, POST with a body", lambda: edgegrid("POST", "/testapi/v1/t3", b"datadatadatadatadatadatadatadata"), "hXm4iCxtpN22m4cbZb4lVLW5rhX8Ca82vCFqXzSTPe4="),
    ("Tencent TC3", lambda: signed.Tencent.signature([("content-type", "application/json; charset=utf-8"), ("host", "cvm.tencentcloudapi.com")], TENCENT_BODY.encode(),
                                                     "1551113065", "cvm", "Gu5t9xGARNpq86cd98joQYCN3EXAMPLE"),
     "72e494ea809ad7a8c8f7a4507b9bddcbaa8e581f516e8da2f66e2c5a96525168"),
    ("Aliyun RPC", lambda: signed.AliDns.signature("GET", ALIYUN, "testsecret"), "OLeaidS1JvxuMvnyHOwuJ+uX5qY="),
]


def wrong():
    """(what, given, published) of those that differ."""
    return [(name, make(), published) for name, make, published in VECTORS if make() != published]
