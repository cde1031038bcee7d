"""One POST to the owner's backend: signed, to that host only, and never waited for long."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from receiver import Answer, Backend, hang_up, listening, silence

from assembler.errors import InputError
from assembler.network import notify
from assembler.network.notify import check_notify, receiving, sign
from assembler.options import Options

README = (Path(__file__).parent.parent.parent / "README.md").read_text("utf-8")
BODY = '{"job": "课"}'.encode()


@pytest.fixture
def backend() -> Iterator[Backend]:
    with listening() as backend:
        yield backend


def options(backend: Backend, **changes: Any) -> Options:
    told = backend.settings() | changes
    return Options(**{name: value for name, value in told.items() if value is not None})


def tell(backend: Backend, *answers: Answer, **changes: Any) -> str:
    backend.answers += answers
    with receiving(options(backend, **changes)) as receiver:
        return receiver.tell("d1", BODY)


def test_a_notice_arrives_as_it_was_written(backend: Backend) -> None:
    assert tell(backend) == ""
    (came,) = backend.came
    assert (came.path, came.body, came.delivery) == ("/hook?token=t0ken", BODY, "d1")
    assert came.headers["Content-Type"] == "application/json"


def test_the_readmes_lines_verify_it_and_nothing_else(backend: Backend) -> None:
    tell(backend)
    code = next(part for part in re.findall(r"```python\n(.*?)```", README, re.DOTALL) if "is_genuine" in part)
    room: dict[str, Any] = {}
    exec(code, room)
    is_genuine: Callable[[str, dict[str, str], bytes], bool] = room["is_genuine"]
    headers = backend.came[0].headers
    assert is_genuine("5hared", headers, BODY)
    assert not is_genuine("other", headers, BODY)
    assert not is_genuine("5hared", headers, BODY + b" ")
    old = str(int(time.time()) - 3600)
    replayed = {"X-Assembler-Timestamp": old, "X-Assembler-Signature": sign("5hared", old, BODY)}
    assert not is_genuine("5hared", headers | replayed, BODY)


def test_the_signature_is_the_one_openssl_makes() -> None:
    assert sign("key", "1", b"{}") == "sha256=1ba6b8171186efc613e8bcc0cbdab2748f24984d7c5a84faa2637afa0e40d224"


@pytest.mark.parametrize("status", [400, 401, 404, 410, 500, 503])
def test_whatever_is_not_2xx_was_not_taken(backend: Backend, status: int) -> None:
    assert tell(backend, status) == f"127.0.0.1 answers {status}"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(backend: Backend, status: int) -> None:
    assert "is not followed" in tell(backend, status)
    assert [came.path for came in backend.came] == ["/hook?token=t0ken"]


def test_a_silent_receiver_is_given_up(backend: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notify, "TIMEOUT", (1.0, 0.3))
    begun = time.monotonic()
    assert tell(backend, silence(1)) == "127.0.0.1 did not answer in time"
    assert time.monotonic() - begun < 0.9


def test_a_cut_wire_is_told(backend: Backend) -> None:
    assert "127.0.0.1" in tell(backend, hang_up)


def test_a_private_address_is_asked_only_where_it_is_allowed(backend: Backend) -> None:
    said = tell(backend, allow_hosts=None)
    assert "not a public address" in said
    assert "ASSEMBLER_ALLOW_HOSTS" in said
    assert backend.came == []


def test_neither_the_address_nor_the_secret_is_told_to_anybody(
    backend: Backend, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    said = tell(backend, 500) + tell(backend, hang_up) + tell(backend, allow_hosts=None) + caplog.text
    assert "t0ken" not in said + repr(options(backend))
    assert "5hared" not in said + repr(options(backend))
    assert "5hared" not in str(backend.came)


class TestSettings:
    def test_nobody_need_be_told(self) -> None:
        check_notify(Options())

    @pytest.mark.parametrize("url", ["ftp://host/x", "host/5ecret", "https://", "https://[x", "http://u:5ecret@h:x/"])
    def test_what_is_no_address_is_refused_without_repeating_it(self, url: str) -> None:
        with pytest.raises(InputError, match="ASSEMBLER_NOTIFY_URL") as caught:
            check_notify(Options(notify_url=SecretStr(url), notify_secret=SecretStr("s")))
        assert "5ecret" not in str(caught.value) + caught.value.hint

    @pytest.mark.parametrize("secret", [None, ""])
    def test_the_secret_is_needed(self, secret: str | None) -> None:
        given = None if secret is None else SecretStr(secret)
        with pytest.raises(InputError, match="without ASSEMBLER_NOTIFY_SECRET"):
            check_notify(Options(notify_url=SecretStr("https://host/x"), notify_secret=given))
