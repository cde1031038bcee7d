"""Question to a bucket that obstore cannot ask: whether a lifecycle rule removes what killed uploads leave in it.

obstore neither lists nor aborts multipart uploads of another process. The request is signed as AWS describes it
(Signature Version 4, header "Authorization"), with the keys of the environment.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
from datetime import UTC, datetime
from urllib.parse import urlsplit

import requests

from assembler.errors import PublishError
from assembler.network.http import open_session
from assembler.network.publish.card import refused
from assembler.network.publish.s3_settings import bucket_and_root, client_config
from assembler.options import Options

ASK_SECONDS = 10.0
"""Maximum time of the question, in s."""
MOST_BYTES = 2**20
"""Maximum size of the answer that is read, in bytes."""
_EMPTY = hashlib.sha256(b"").hexdigest()


def removes_parts(output: str, options: Options) -> bool:
    """Tell whether an enabled rule of the bucket aborts incomplete uploads below our prefix.

    Raises PublishError where that cannot be asked: no keys in the environment, not allowed, or no answer.
    """
    bucket, root = bucket_and_root(output)
    status, text = _ask(bucket, options)
    if status == 404 and "NoSuchLifecycleConfiguration" in text:
        return False
    if status != 200:
        raise refused(
            f"the storage does not tell the lifecycle rules of {bucket!r} (status {status})",
            "Allow s3:GetLifecycleConfiguration, or look at the rules in the storage's console.",
        )
    return any(_is_ours(rule, root) for rule in re.findall(r"<Rule>(.*?)</Rule>", text, re.DOTALL))


def _is_ours(rule: str, root: str) -> bool:
    prefix = re.search(r"<Prefix>([^<]*)</Prefix>", rule)
    is_for_us = not prefix or f"{root}/".startswith(prefix[1]) or not prefix[1]
    has_filter = re.search(r"<(Tag|ObjectSizeGreaterThan|ObjectSizeLessThan)>", rule)
    return (
        "<Status>Enabled</Status>" in rule
        and "<AbortIncompleteMultipartUpload>" in rule
        and is_for_us
        and not has_filter
    )


def _ask(bucket: str, options: Options) -> tuple[int, str]:
    config = client_config(bucket, options)
    region = config.get("region") or os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "us-east-1"
    is_virtual = bool(config.get("virtual_hosted_style_request", True))
    place = config.get("endpoint") or f"https://{f'{bucket}.' if is_virtual else ''}s3.{region}.amazonaws.com"
    parts = urlsplit(place)
    path = f"{parts.path}/" if is_virtual else f"{parts.path}/{bucket}"
    headers = _signed(parts.netloc, path, region)
    failure = None
    with open_session((parts.hostname or "",)) as session:
        try:
            url = f"{parts.scheme}://{parts.netloc}{path}?lifecycle="
            answer = session.get(url, headers=headers, stream=True, timeout=ASK_SECONDS)
            return answer.status_code, answer.raw.read(MOST_BYTES, decode_content=True).decode("utf-8", "replace")
        except (requests.RequestException, OSError) as exc:
            failure = type(exc).__name__
    raise PublishError(f"the storage of {bucket!r} does not answer ({failure})", hint="Look at ASSEMBLER_S3_ENDPOINT.")


def _signed(host: str, path: str, region: str) -> dict[str, str]:
    """Headers of ``GET path?lifecycle=``."""
    key, secret = os.environ.get("AWS_ACCESS_KEY_ID"), os.environ.get("AWS_SECRET_ACCESS_KEY")
    if not key or not secret:
        raise refused(
            "lifecycle rules are asked with keys of the environment only, and there are none",
            "Look at the rules in the storage's console, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.",
        )
    at = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    headers = {"host": host, "x-amz-content-sha256": _EMPTY, "x-amz-date": at}
    if token := os.environ.get("AWS_SESSION_TOKEN"):
        headers["x-amz-security-token"] = token
    names = ";".join(sorted(headers))
    lines = "".join(f"{name}:{headers[name]}\n" for name in sorted(headers))
    request = f"GET\n{path}\nlifecycle=\n{lines}\n{names}\n{_EMPTY}"
    scope = f"{at[:8]}/{region}/s3/aws4_request"
    text = f"AWS4-HMAC-SHA256\n{at}\n{scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
    derived = f"AWS4{secret}".encode()
    for word in scope.split("/"):
        derived = hmac.new(derived, word.encode(), hashlib.sha256).digest()
    signature = hmac.new(derived, text.encode(), hashlib.sha256).hexdigest()
    signed = f"AWS4-HMAC-SHA256 Credential={key}/{scope}, SignedHeaders={names}, Signature={signature}"
    return {**headers, "authorization": signed}
