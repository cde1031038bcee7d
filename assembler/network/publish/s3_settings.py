"""Settings of object storage: the bucket and prefix of an output, and the configuration of its client."""

from __future__ import annotations

import os
import re
from typing import Any
from urllib.parse import urlsplit

from assembler.network.publish.card import refused
from assembler.options import Options

TIMES = {"timeout": "120s", "connect_timeout": "10s"}
"""Maximum times of one request, unless AWS_TIMEOUT or AWS_CONNECT_TIMEOUT say otherwise."""
TENCENT = ".myqcloud.com"
"""Domain of Tencent COS, which puts the bucket's name before the host."""
_BUCKET = re.compile(r"[a-z0-9][a-z0-9._-]{1,61}[a-z0-9]")


def bucket_and_root(output: str) -> tuple[str, str]:
    """Split ``s3://bucket/prefix``; raises PublishError where it is anything else."""
    try:
        parts = urlsplit(output)
        is_plain = "@" not in parts.netloc and not parts.query and not parts.fragment
    except ValueError:
        is_plain = False
    if not is_plain:
        raise refused(
            "ASSEMBLER_OUTPUT holds more than a bucket and a prefix",
            "Write s3://bucket/prefix; keys belong into AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.",
        )
    root = parts.path.strip("/")
    if not _BUCKET.fullmatch(parts.netloc) or (root and any(p in ("", ".", "..") for p in root.split("/"))):
        raise refused(
            f"{output!r} names no bucket and prefix", "Write s3://bucket/prefix, the bucket in small letters."
        )
    return parts.netloc, root


def client_config(bucket: str, options: Options) -> dict[str, Any]:
    """Build the configuration of obstore's client, beside what it reads from AWS_* variables itself."""
    config: dict[str, Any] = {name: value for name, value in TIMES.items() if f"AWS_{name.upper()}" not in os.environ}
    if options.s3_virtual_hosted is not None:
        config["virtual_hosted_style_request"] = options.s3_virtual_hosted
    if options.s3_endpoint is None:
        return config
    try:
        parts = urlsplit(options.s3_endpoint)
        host, port, has_secret = parts.hostname, parts.port, "@" in parts.netloc
    except ValueError:
        host, port, has_secret = None, None, False
    if not host or has_secret or parts.scheme not in ("http", "https") or parts.query:
        raise refused(
            "ASSEMBLER_S3_ENDPOINT is not an address of a storage", "Write such as https://storage.example.com."
        )
    is_tencent = host.endswith(TENCENT)
    is_virtual = is_tencent if options.s3_virtual_hosted is None else options.s3_virtual_hosted
    if is_virtual and not host.startswith(f"{bucket}."):
        host = f"{bucket}.{host}"
    region = re.search(r"(?:^|\.)cos\.([a-z0-9-]+)\.myqcloud\.com$", host)
    if region and not {"AWS_REGION", "AWS_DEFAULT_REGION"} & set(os.environ):
        config["region"] = region[1]
    place = (
        f"{parts.scheme}://{f'[{host}]' if ':' in host else host}{f':{port}' if port else ''}{parts.path.rstrip('/')}"
    )
    # under both names: the second one is stronger, and may be in the environment
    config |= {"endpoint": place, "aws_endpoint_url_s3": place, "virtual_hosted_style_request": is_virtual}
    if parts.scheme == "http":
        config["allow_http"] = True
    return config
