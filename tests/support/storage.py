"""Object storage on loopback: a real implementation of S3 (moto), with a door in front of it that can be told to
misbehave, request by request."""

from __future__ import annotations

import logging
import socket
import struct
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import boto3  # type: ignore[import-untyped]  # it has no types
import requests
from botocore.config import Config  # type: ignore[import-untyped]  # it has no types
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

Rule = Callable[[dict[str, Any]], str | None]
"""Looks at a request; the status line that is answered instead of asking the storage, or None."""
BUCKET = "lessons"
KEYS = {"AWS_ACCESS_KEY_ID": "a-key-id", "AWS_SECRET_ACCESS_KEY": "a-s3cret-key", "AWS_REGION": "us-east-1"}


class Storage:
    """One that runs, with an empty bucket called ``lessons``."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.port = port
        self.rules: list[Rule] = []
        self.asked: list[tuple[str, str, str]] = []
        """Method, path and query of every request."""

    def empty(self) -> None:
        self.rules.clear()
        requests.post(f"{self.url}/moto-api/reset", timeout=10).raise_for_status()
        self._client = boto3.client(
            "s3", endpoint_url=self.url, aws_access_key_id="reader", aws_secret_access_key="reader",
            region_name="us-east-1", config=Config(s3={"addressing_style": "path"}),
        )  # fmt: skip
        self._client.create_bucket(Bucket=BUCKET)
        self.asked.clear()

    def put(self, key: str, content: bytes) -> None:
        """As somebody else does it."""
        self._client.put_object(Bucket=BUCKET, Key=key, Body=content)

    def rule(self, prefix: str, **action: Any) -> None:
        """Set the bucket's only lifecycle rule."""
        rules = [{"ID": "one", "Status": "Enabled", "Filter": {"Prefix": prefix}, **action}]
        self._client.put_bucket_lifecycle_configuration(Bucket=BUCKET, LifecycleConfiguration={"Rules": rules})

    def remove(self, key: str) -> None:
        self._client.delete_object(Bucket=BUCKET, Key=key)

    def get(self, key: str) -> bytes | None:
        try:
            return bytes(self._client.get_object(Bucket=BUCKET, Key=key)["Body"].read())
        except self._client.exceptions.NoSuchKey:
            return None

    def kind(self, key: str) -> str:
        return str(self._client.head_object(Bucket=BUCKET, Key=key)["ContentType"])

    def names(self) -> list[str]:
        found = self._client.list_objects_v2(Bucket=BUCKET)
        return sorted(one["Key"] for one in found.get("Contents", []))

    def uploads(self) -> int:
        """How many are begun, and neither complete nor aborted."""
        return len(self._client.list_multipart_uploads(Bucket=BUCKET).get("Uploads", []))

    def parts(self) -> int:
        """How many parts of files were sent."""
        return sum(method == "PUT" and "partNumber" in query for method, _, query in self.asked)


@contextmanager
def serving() -> Iterator[Storage]:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    storage_itself = DomainDispatcherApplication(create_backend_app)

    def door(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        path, query = environ["PATH_INFO"], environ["QUERY_STRING"]
        if not path.startswith("/moto-api"):
            storage.asked.append((environ["REQUEST_METHOD"], path, query))
        for rule in storage.rules:
            status = rule(environ)
            if status is not None:
                environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
                start(status, [("Content-Length", "0")])
                return [b""]
        answered: Iterable[bytes] = storage_itself(environ, start)
        return answered

    server = make_server("127.0.0.1", 0, door, threaded=True)
    storage = Storage(server.port)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield storage
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def first(count: int, status: str, *, method: str = "PUT") -> Rule:
    """The first requests of this kind fail."""
    left = [count]

    def rule(environ: dict[str, Any]) -> str | None:
        if environ["REQUEST_METHOD"] != method or not left[0]:
            return None
        left[0] -= 1
        return status

    return rule


class Wire:
    """A relay to a port, which cuts connections behind so many bytes, so many times."""

    def __init__(self, to: int, *, after: int, times: int) -> None:
        self._to, self._after, self.left = to, after, times
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self) -> Wire:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                ours, _ = self._listener.accept()
            except OSError:
                return
            there = socket.create_connection(("127.0.0.1", self._to))
            for source, target in ((ours, there), (there, ours)):
                threading.Thread(target=self._pass_on, args=(source, target), daemon=True).start()

    def _pass_on(self, source: socket.socket, target: socket.socket) -> None:
        passed = 0
        with suppress(OSError):
            while data := source.recv(65536):
                passed += len(data)
                if passed > self._after and self.left > 0:
                    self.left -= 1
                    source.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    source.close()
                    break
                target.sendall(data)
        for end in (target, source):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
