"""Addresses of files that their system tells by name only: below a base that somebody names (``--media-base``)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from urllib.parse import quote, urlsplit

from assembler.errors import InputError
from assembler.network.download.limits import split_url
from assembler.network.download.slices import with_parts
from assembler.options import Options
from assembler.recording import Recording, Segment

SIGNED_FOR = timedelta(hours=12)
"""Time for which an address in a bucket is signed."""


def with_places(recording: Recording, options: Options) -> Recording:
    """Tell where each file lies that the result names without an address: in slices in the media folder, or below
    ``media_base``. Raises what ``with_parts`` and ``with_addresses`` do."""
    return with_addresses(with_parts(recording, options.media_dir), options)


def with_addresses(recording: Recording, options: Options) -> Recording:
    """Give files without an address one below ``media_base``, none where a name leads out of it.

    Raises InputError for a base that is none, PublishError where a bucket's settings are wrong or the extra is missing.
    """
    if options.media_base is None or all(segment.url or segment.parts for segment in recording.segments):
        return recording
    address = _addresses(options.media_base, options)
    segments = (
        s if s.url or s.parts or not _is_below(_name(s)) else s.model_copy(update={"url": address(_name(s))})
        for s in recording.segments
    )
    return recording.model_copy(update={"segments": tuple(segments)})


def part_addresses(segment: Segment, options: Options) -> Callable[[str], str]:
    """Tell how to address the parts of a segment's playlist: beside it, signed where it lies in a bucket of
    ``media_base``. Raises what ``with_addresses`` does."""
    base, url = options.media_base, segment.url or ""
    if base is None or not base.startswith("s3://"):
        return lambda name: beside(url, name)
    address, folder = _addresses(base, options), _name(segment).rpartition("/")[0]
    if address(_name(segment)).partition("?")[0] != url.partition("?")[0]:
        return lambda name: beside(url, name)
    return lambda name: address(f"{folder}/{name}".lstrip("/"))


def beside(url: str, name: str) -> str:
    """Address a file beside another, without what signs the other."""
    parts = split_url(url)
    return f"{parts.scheme}://{parts.netloc}{parts.path.rpartition('/')[0]}/{quote(name)}"


def _is_below(name: str) -> bool:
    return not {"", ".", ".."} & {*name.split("/")}


def _name(segment: Segment) -> str:
    return f"{segment.source_id}.{segment.format}" if segment.format else segment.source_id


def _addresses(base: str, options: Options) -> Callable[[str], str]:
    if base.startswith("s3://"):
        from assembler.network.publish.s3 import Bucket

        bucket = Bucket.opened(base.rstrip("/"), options)
        return lambda name: bucket.sign(f"{bucket.root}/{name}".lstrip("/"), SIGNED_FOR)
    try:
        parts = urlsplit(base)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in ("http", "https") or not parts.netloc or parts.query or parts.fragment:
        raise InputError(
            f"{base.partition('?')[0]!r} is no place of files",
            hint="Write such as https://bucket.example.com/folder, or s3://bucket/folder; keys are AWS_*.",
        )
    return lambda name: f"{base.rstrip('/')}/{quote(name)}"
