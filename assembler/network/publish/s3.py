"""A finished playback to a bucket of object storage: Amazon's S3, or one that speaks like it. The only obstore.

What S3 promises decides the way. An object appears when its upload is complete and not before, in one piece or in many
parts: so everything is uploaded under its own name, and needs no temporary one. (To copy and delete a temporary one
would be two steps, and a copy ends at 5 GiB.) A failed or stopped upload is aborted. What a killed process had sent
stays out of sight until the bucket's own rule removes it (README).

Exceptions of obstore hold URLs and whole answers: they are translated where they arise, raised outside their
``except``, and only the storage's own error code is passed on.
"""

from __future__ import annotations

import mimetypes
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from assembler.errors import PublishError
from assembler.network.publish.card import CARD, Card, is_in_place, read_card, refused
from assembler.network.publish.s3_settings import bucket_and_root, client_config
from assembler.options import Options
from assembler.processes import Stop, Stopped

if TYPE_CHECKING:
    from obstore.store import S3Store

MIB = 1024 * 1024
"""Bytes of a mebibyte."""
PART_BYTES = 8 * MIB
"""Size of one part of a large file, in bytes. Storages take 5 MiB to 5 GiB, and 10,000 parts."""
MOST_PARTS = 9000
"""Maximum number of parts that we make of a file (storages take 10,000)."""
AT_ONCE = 4
"""Maximum number of parts under way at once: with the one being read, all that is in memory."""
RETRIES = 6
"""Maximum number of times that obstore repeats a request."""
RETRY_SECONDS = 60.0
"""Maximum time for which obstore repeats what fails with 5xx or a cut wire, in s; then the job's own tries go on."""

T = TypeVar("T")


class _Later(Exception):
    """Raised where a later revision came to the same place while we uploaded."""


def check_bucket(output: str, options: Options) -> None:
    """Check a bucket without asking it; raises PublishError where the extra is missing or the settings are wrong."""
    Bucket.opened(output, options)


def put_in_bucket(
    made: Path, assets: Path, output: str, below: str, card: Card, options: Options, stop: Stop,
    claim: Callable[[], object],
) -> str:  # fmt: skip
    """A row of DESTINATIONS.

    The card is looked at first, and again before the file appears. Two that finish in the same instant are not
    noticed: conditional writes are not known to every storage.
    """
    bucket = Bucket.opened(output, options)
    folder = f"{bucket.root}/{below}".lstrip("/")
    target = f"{folder}/{made.name}"

    def find_card() -> Card | None:
        known = bucket.find_card(folder)
        if is_in_place(known, card, bucket.address(folder)):
            raise _Later
        return known

    def check_and_claim() -> None:
        find_card()
        claim()

    try:
        if find_card() == card and bucket.find_size(target) == made.stat().st_size:
            return bucket.address(target)
        for source in sorted(p for p in assets.rglob("*") if p.is_file()):
            bucket.put(source, f"{folder}/{assets.name}/{source.relative_to(assets).as_posix()}", stop)
        bucket.put(made, target, stop, before_it_appears=check_and_claim)
        bucket.put_bytes(f"{folder}/{CARD}", card.model_dump_json(indent=1).encode())
    except _Later:
        pass
    except OSError as exc:
        raise PublishError(
            f"{made} cannot be read: {exc.strerror}", hint="Look at the disk of ASSEMBLER_HOME."
        ) from exc
    return bucket.address(target)


def drop_from_bucket(place: str, assets: str, job: str, options: Options, is_half: bool) -> bool:
    """Remove a playback with what lies beside it, the card last, where that is this job's, or a half one has none."""
    bucket = Bucket.opened(place.rpartition("/")[0], options)
    card = bucket.find_card(bucket.root)
    if not (is_half if card is None else card.job == job):
        return False
    video = f"{bucket.root}/{place.rpartition('/')[2]}"
    for key in (video, *bucket.list_keys(f"{bucket.root}/{assets}/"), f"{bucket.root}/{CARD}"):
        bucket.delete(key)
    return True


class Bucket(NamedTuple):
    """A place in object storage."""

    name: str
    """The bucket."""
    root: str
    """Beginning of all our names in it, without slashes around it; "" for none."""
    store: S3Store
    """Client of the storage."""

    @classmethod
    def opened(cls, output: str, options: Options) -> Bucket:
        """Open a bucket without asking it. Raises PublishError where the extra is missing or the settings cannot be
        meant."""
        name, root = bucket_and_root(output)
        try:
            from obstore.store import S3Store
        except ImportError as exc:
            raise refused(
                "publishing to object storage needs the extra `s3`", "Install it: pip install 'assembler[s3]'."
            ) from exc
        config = client_config(name, options)
        backoff = {"init_backoff": timedelta(milliseconds=200), "max_backoff": timedelta(seconds=10), "base": 2}
        retry: Any = {
            "max_retries": RETRIES, "retry_timeout": timedelta(seconds=RETRY_SECONDS), "backoff": backoff,
        }  # fmt: skip
        return cls(name, root, _asked(name, lambda: S3Store(name, retry_config=retry, **config)))

    def address(self, key: str) -> str:
        """Return the address of an object, for people."""
        return f"s3://{self.name}/{key}"

    def sign(self, key: str, lasts: timedelta) -> str:
        """Sign an address from which an object can be fetched; nobody is asked."""
        import obstore

        return str(_asked(self.name, lambda: obstore.sign(self.store, "GET", key, expires_in=lasts)))

    def find_card(self, folder: str) -> Card | None:
        """Read the card below a folder; None where there is none."""
        import obstore

        key = f"{folder}/{CARD}"
        raw = _found(self.name, lambda: bytes(obstore.get(self.store, key).bytes()))
        return None if raw is None else read_card(raw, self.address(key))

    def find_size(self, key: str) -> int | None:
        """Return the size of an object in bytes; None where there is none."""
        import obstore

        return _found(self.name, lambda: int(obstore.head(self.store, key)["size"]))

    def list_keys(self, prefix: str) -> list[str]:
        """List the keys that begin with a prefix."""
        import obstore

        found = _asked(self.name, lambda: obstore.list(self.store, prefix).collect())
        return [str(one["path"]) for one in found]

    def delete(self, key: str) -> None:
        """Remove an object; one that is not there is no error."""
        import obstore

        _asked(self.name, lambda: obstore.delete(self.store, key))

    def put_bytes(self, key: str, content: bytes) -> None:
        """Upload a small object in one request."""
        import obstore

        _asked(self.name, lambda: obstore.put(self.store, key, content, attributes=_kind(key), use_multipart=False))

    def put(self, source: Path, key: str, stop: Stop, *, before_it_appears: Callable[[], object] = bool) -> None:
        """Upload a file in parts; what ``before_it_appears`` raises, or ``stop``, aborts it."""
        import obstore

        size = source.stat().st_size
        if size <= PART_BYTES:
            content = source.read_bytes()
            _check(stop)
            before_it_appears()
            self.put_bytes(key, content)
            return
        part = max(PART_BYTES, -(-size // MOST_PARTS))

        # The parts are read inside of obstore's own loop, in which it cannot be called again: hence the other thread.
        def parts() -> Iterator[bytes]:
            while content := file.read(part):
                _check(stop)
                yield content
            pool.submit(before_it_appears).result()
            _check(stop)

        with source.open("rb") as file, ThreadPoolExecutor(1) as pool:
            _asked(
                self.name,
                lambda: obstore.put(
                    self.store, key, parts(), attributes=_kind(key), use_multipart=True, chunk_size=part,
                    max_concurrency=AT_ONCE,
                ),
            )  # fmt: skip


def _check(stop: Stop) -> None:
    if stop.is_set():
        raise Stopped


def _kind(key: str) -> Any:
    """Return the type that a browser is told."""
    return {"Content-Type": mimetypes.guess_type(key)[0] or "application/octet-stream"}


def _found(bucket: str, call: Callable[[], T]) -> T | None:
    """Return the answer, as ``_asked``; None where the bucket is there, but not what was asked for."""

    def call_or_none() -> T | None:
        try:
            return call()
        except FileNotFoundError as exc:
            if "NoSuchBucket" in str(exc):
                raise
            return None

    return _asked(bucket, call_or_none)


def _asked(bucket: str, call: Callable[[], T]) -> T:
    """Return the result of ``call``; whatever obstore raises in it comes out as PublishError."""
    from obstore.exceptions import BaseError

    try:
        return call()
    except (BaseError, FileNotFoundError, ValueError) as exc:
        failure = _translated(exc, bucket)
    raise failure


def _translated(exc: Exception, bucket: str) -> PublishError:
    from obstore.exceptions import GenericError, PermissionDeniedError, UnauthenticatedError

    text = str(exc)
    code = re.search(r"<Code>(\w{1,60})</Code>", text)
    status = re.search(r"status code: (\d{3})", text)
    number = int(status[1]) if status else None
    said = f" ({code[1] if code else number})" if code or number else ""
    if "169.254.169.254" in text or "169.254.170.2" in text:  # where obstore looks for keys if it was given none
        return refused("there are no keys for the object storage", "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.")
    if isinstance(exc, FileNotFoundError):
        return refused(
            f"the object storage has no bucket {bucket!r}{said}", "Make it, or look at ASSEMBLER_OUTPUT and AWS_REGION."
        )
    if isinstance(exc, PermissionDeniedError | UnauthenticatedError):
        return refused(
            f"the object storage denies access to {bucket!r}{said}",
            "Look at AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, and whether they may get and put objects there.",
        )
    if not isinstance(exc, GenericError) or (number is not None and number < 500 and number not in (408, 429)):
        return refused(
            f"the object storage refuses what is asked of {bucket!r}{said}",
            "Look at AWS_REGION, ASSEMBLER_S3_ENDPOINT and ASSEMBLER_S3_VIRTUAL_HOSTED.",
        )
    how = f"fails{said}" if number else "cannot be reached, or cuts the connection"
    return PublishError(f"the object storage of {bucket!r} {how}", hint="It is tried again; look at the storage.")
