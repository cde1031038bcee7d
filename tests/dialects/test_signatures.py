"""Callbacks of other systems: each is believed when its own system signed it, and no other one."""

from __future__ import annotations

import base64
import hashlib
import json
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from livekit import api
from pydantic import SecretStr

from assembler.dialects import DIALECTS
from assembler.dialects.signature import sign
from assembler.dialects.systems import SYSTEMS
from assembler.dialects.systems.signatures import SIGNATURES, read_headers, sign_agora, sign_trtc, sign_zego
from assembler.jobs.intake.check_callback import Judged, judge, kept
from assembler.jobs.web.keys import Keys
from assembler.options import Options
from assembler.times import WallMs

SAMPLES = Path(__file__).parents[2] / "fixtures" / "systems"
KEY, SECRET = "APIkey1", "a secret of thirty-two characters"
AT = WallMs(1_790_000_100_000)


def raw(name: str, **changes: Any) -> bytes:
    return json.dumps({**json.loads((SAMPLES / f"{name}.json").read_text("utf-8")), **changes}).encode()


TRTC, LIVEKIT, AGORA = raw("trtc-311"), raw("livekit-egress_ended"), raw("agora-uploaded-31")


def zego(key: str, at: int = AT // 1000) -> bytes:
    return raw("zego-callback-1", timestamp=str(at), signature=sign_zego(key, str(at), "123456"))


def token(body: bytes, secret: str = SECRET, **claims: Any) -> str:
    """A header as a server of LiveKit makes it, by its own library."""
    made = api.AccessToken(KEY, secret).with_sha256(base64.b64encode(hashlib.sha256(body).digest()).decode())
    return made.with_ttl(timedelta(minutes=5)).to_jwt()


def judged(body: bytes, headers: dict[str, str], at: int = AT, **settings: str) -> Judged:
    options = Options(**{name: tuple(map(SecretStr, value.split(","))) for name, value in settings.items()})  # type: ignore[arg-type]  # by name
    given = read_headers({name.lower(): value for name, value in headers.items()})
    found = judge(body, given, Keys(options), WallMs(at))
    if found.status == 403:
        again = judge(body, kept(given), Keys(options), WallMs(at))
        assert again == found, "what is kept of a refused one is enough to judge it again"
    return found


def reason(*given: Any, **settings: Any) -> str:
    return judged(*given, **settings).reason


def test_every_system_has_a_row_and_every_row_its_setting() -> None:
    assert {row.system for row in SIGNATURES} == {"", *(system.name for system in SYSTEMS)}
    assert {row.system for row in SIGNATURES} <= {"", *(dialect.name for dialect in DIALECTS)}
    assert all((row.check is None) == (row.setting == "") for row in SIGNATURES)
    assert {row.setting for row in SIGNATURES if row.setting} <= set(Options.model_fields)


class TestTrtc:
    def test_its_header_covers_the_body_and_names_the_app(self) -> None:
        headers = {"Sign": sign_trtc(SECRET, TRTC), "SdkAppId": "1400000000"}
        found = judged(TRTC, headers, trtc_callback_keys=f"other,{SECRET}")
        assert found == Judged(200, "", "1400000000", "-m9-TASK")
        assert reason(TRTC + b" ", headers, trtc_callback_keys=SECRET) == "the signature is wrong"
        assert reason(TRTC, {"SdkAppId": "1"}, trtc_callback_keys=SECRET) == "the signature is missing"

    def test_a_key_of_one_app_opens_for_no_other(self) -> None:
        headers = {"Sign": sign_trtc(SECRET, TRTC), "SdkAppId": "1400000000"}
        assert reason(TRTC, headers, trtc_callback_keys=f"1400000000:{SECRET}") == ""
        assert reason(TRTC, headers, trtc_callback_keys=f"1500000000:{SECRET}") == "the signature is wrong"


class TestZego:
    def test_its_body_is_signed_for_an_hour(self) -> None:
        assert judged(zego(SECRET), {}, zego_callback_keys=f"1234567890:{SECRET}").status == 200
        assert reason(zego("other"), {}, zego_callback_keys=SECRET) == "the signature is wrong"
        assert reason(zego(SECRET, AT // 1000 - 3601), {}, zego_callback_keys=SECRET) == "the signature is expired"
        assert reason(raw("zego-callback-1", signature=""), {}, zego_callback_keys=SECRET) == "the signature is missing"


class TestLiveKit:
    def ask(self, header: str, body: bytes = LIVEKIT, at: int = 0) -> str:
        now = at or int(time.time() * 1000)
        return reason(body, {"Authorization": header}, now, livekit_callback_keys=f"{KEY}:{SECRET}")

    def test_what_its_own_library_signs_is_believed_and_its_own_library_believes_the_same(self) -> None:
        header = token(LIVEKIT)
        receiver = api.WebhookReceiver(api.TokenVerifier(KEY, SECRET))
        assert receiver.receive(LIVEKIT.decode(), header).event == "egress_ended"
        assert self.ask(header) == ""
        assert self.ask(f"Bearer {header}") == ""
        with pytest.raises(Exception, match="hash"):
            receiver.receive(LIVEKIT.decode() + " ", header)
        assert self.ask(header, LIVEKIT + b" ") == "the signature is wrong"

    def test_another_secret_key_algorithm_or_time_is_not(self) -> None:
        header = token(LIVEKIT)
        assert self.ask(token(LIVEKIT, "another secret of thirty-two chars")) == "the signature is wrong"
        assert self.ask("") == "the signature is missing"
        assert self.ask("no token") == "the signature is missing"
        assert self.ask(header, at=int(time.time() * 1000) + 400_000) == "the signature is expired"
        assert self.ask(header, at=1) == "the signature is expired"
        head = base64.urlsafe_b64encode(b'{"alg":"none"}').decode().rstrip("=")
        assert self.ask(f"{head}.{header.split('.')[1]}.") == "the signature is wrong"
        assert self.ask("[.[.[") == self.ask("\u00e9.\u00e9.=") == "the signature is wrong"
        now = int(time.time() * 1000)
        assert "wrong" in reason(LIVEKIT, {"Authorization": header}, now, livekit_callback_keys=f"APIother:{SECRET}")


def test_agoras_own_example_is_the_rule() -> None:
    example = (
        '{"eventMs":1560408533119,"eventType":10,"noticeId":"4eb720f0-8da7-11e9-a43e-53f411c2761f",'
        '"notifyMs":1560408533119,"payload":{"a":"1","b":2},"productId":1}'
    )
    assert sign_agora("secret", example.encode()) == "033c62f40f687675f17f0f41f91a40c71c0f134c"
    headers = {"Agora-Signature": sign_agora(SECRET, AGORA)}
    assert reason(AGORA, headers, agora_callback_keys=SECRET) == ""
    assert reason(AGORA + b" ", headers, agora_callback_keys=SECRET) == "the signature is wrong"


@pytest.mark.parametrize("body", [TRTC, zego(SECRET), LIVEKIT, AGORA], ids=["trtc", "zego", "livekit", "agora"])
def test_the_key_of_one_system_opens_for_no_other(body: bytes) -> None:
    signed = json.dumps({**json.loads(body), "Sign": sign(SECRET, 4_000_000_000), "ExpireTime": 4_000_000_000})
    assert "names no key" in reason(signed.encode(), {}, callback_keys=SECRET)
    assert judged(body, {}).status == 200, "without any key all are believed, as ever"


@pytest.mark.parametrize("name", ["vonage-archive", "daily-event", "twilio-recordings"])
def test_what_has_no_webhook_is_signed_as_any_result_of_a_program_of_the_school(name: str) -> None:
    body = raw(name, Sign=sign(SECRET, 4_000_000_000), ExpireTime=4_000_000_000)
    assert judged(body, {}, callback_keys=SECRET).status == 200
    assert reason(raw(name), {}, callback_keys=SECRET) == "the signature is missing"


def test_a_token_of_another_kind_is_not_kept() -> None:
    assert read_headers({"authorization": "Bearer a-token-of-ours", "sign": "x"}) == {"header:sign": "x"}
