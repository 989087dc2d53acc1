"""Single calls of the API, signed as the older SDKs do it (RPC v1, HMAC-SHA1)."""

import base64
import hashlib
import hmac
import json
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from typing import Any

VERSION = "2016-01-20"


class Refused(Exception):
    """The server answered with an error."""


def _encoded(text: str) -> str:
    return urllib.parse.quote(text, safe="-_.~")


def call(address: str, action: str, **parameters: str) -> dict[str, Any]:
    """The answer of a call by the built-in access key."""
    return json.loads(call_raw(address, action, **parameters))


def call_raw(address: str, action: str, **parameters: str) -> bytes:
    """The bytes of the answer."""
    every = parameters | {
        "Action": action,
        "Version": VERSION,
        "AccessKeyId": "test",
        "SignatureMethod": "HMAC-SHA1",
        "SignatureVersion": "1.0",
        "SignatureNonce": str(uuid.uuid4()),
        "Timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }
    canonical = "&".join(f"{_encoded(name)}={_encoded(value)}" for name, value in sorted(every.items()))
    text = f"POST&%2F&{_encoded(canonical)}"
    every["Signature"] = base64.b64encode(hmac.digest(b"test&", text.encode(), hashlib.sha1)).decode()
    request = urllib.request.Request(f"http://{address}/", urllib.parse.urlencode(every).encode(), method="POST")
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=60) as answer:
            return answer.read()
    except urllib.error.HTTPError as error:
        raise Refused(f"{action}: {error.code} {error.read()[:300]!r}") from error


def get(address: str, path: str) -> bytes:
    """What is at a path."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"http://{address}{path}", timeout=60) as answer:
        return answer.read()
