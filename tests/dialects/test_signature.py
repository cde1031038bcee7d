from __future__ import annotations

import json
import re

import pytest

from assembler.dialects.signature import Signature, check, sign
from assembler.errors import InputError
from assembler.times import WallMs
from dialects.bodies import VENDOR, vendor

EVENT_KEY = "Xz4ZgayTr7rMgWQrH"
V1_KEY = "9016607A382749C69D4F4B00C61DD083"
BEFORE = WallMs(1_500_000_000_000)
PRINTED = sorted(p.name for p in VENDOR.glob("online-record-*.json"))


def event(signature: object, expire_time: object) -> bytes:
    return json.dumps({"EventType": "X", "Sign": signature, "ExpireTime": expire_time}).encode()


@pytest.mark.parametrize(
    ("key", "expire_time", "signature"),
    [
        (EVENT_KEY, 1588040109, "a2dabb362a9b811c0e26953a6276a41c"),
        (V1_KEY, 1548247837, "5400bac77ba6467a8f8ac056f1769f45"),
    ],
)
def test_the_two_true_pairs_of_the_vendor(key: str, expire_time: int, signature: str) -> None:
    assert sign(key, expire_time) == signature
    assert check(event(signature, expire_time), keys=[key], now=BEFORE) is Signature.VALID
    query = {"sign": signature, "expire_time": str(expire_time), "random": "1", "sdkappid": "2"}
    assert check(b'{"callback_type": "record_started"}', query=query, keys=[key], now=BEFORE) is Signature.VALID


def test_the_pair_printed_on_the_page_is_the_rule() -> None:
    text = vendor("event-2020-sign-pair.txt").decode()
    key, expire_time = re.findall(r"^\w+ = (\w+)$", text, re.MULTILINE)
    assert text.rstrip().endswith(f"= {sign(key, expire_time)}")


def test_the_signed_example_of_2020_is_true() -> None:
    assert check(vendor("event-2020-ppt2h5-progress.json"), keys=[EVENT_KEY], now=BEFORE) is Signature.VALID


def test_all_six_printed_examples_are_signed() -> None:
    assert len([name for name in PRINTED if b'"Sign"' in vendor(name)]) == 6


@pytest.mark.parametrize("name", PRINTED)
def test_the_printed_examples_of_the_event_pages_fail(name: str) -> None:
    assert check(vendor(name), keys=[EVENT_KEY, V1_KEY], now=BEFORE) is Signature.WRONG


def test_the_printed_v1_callback_fails() -> None:
    query = dict(re.findall(r"(sign|expire_time)=(\w+)", vendor("v1-callback-record-finished.txt").decode()))
    body = vendor("v1-callback-record-finished.json")
    assert check(body, query=query, keys=[V1_KEY], now=BEFORE) is Signature.WRONG


def test_a_signature_is_valid_until_its_last_second() -> None:
    body = event(sign("k", 1000), 1000)
    assert check(body, keys=["k"], now=WallMs(1_000_000)) is Signature.VALID
    assert check(body, keys=["k"], now=WallMs(1_000_001)) is Signature.EXPIRED


def test_a_wrong_signature_is_wrong_even_if_it_expired() -> None:
    assert check(event("0" * 32, 1000), keys=["k"], now=WallMs(2_000_000)) is Signature.WRONG


def test_any_of_several_keys_may_have_signed() -> None:
    body = event(sign("second", 2_000_000_000), 2_000_000_000)
    assert check(body, keys=["first", "second", "third"], now=BEFORE) is Signature.VALID
    assert check(body, keys=["first", "third"], now=BEFORE) is Signature.WRONG
    assert check(body, keys=[], now=BEFORE) is Signature.WRONG


def test_an_empty_key_proves_nothing() -> None:
    assert check(event(sign("", 2_000_000_000), 2_000_000_000), keys=[""], now=BEFORE) is Signature.WRONG


def test_an_expire_time_written_as_text_is_the_same() -> None:
    assert check(event(sign("k", 2_000_000_000), "2000000000"), keys=["k"], now=BEFORE) is Signature.VALID


def test_a_sign_in_the_body_is_not_overruled_by_the_query() -> None:
    query = {"sign": sign("k", 2_000_000_000), "expire_time": "2000000000"}
    assert check(event("0" * 32, 2_000_000_000), query=query, keys=["k"], now=BEFORE) is Signature.WRONG


@pytest.mark.parametrize("body", [b'{"EventType": "X"}', event("", 1), event(None, 1), event(sign("k", 1), None)])
def test_half_a_signature_is_none(body: bytes) -> None:
    assert check(body, keys=["k"], now=BEFORE) is Signature.MISSING


@pytest.mark.parametrize("expire_time", ["", " 1", "-5", "1e9", 1e300, True, [], "٣", "9" * 5000, "\ud800"])
def test_an_absurd_expire_time_is_never_valid(expire_time: object) -> None:
    answer = check(event(sign("k", str(expire_time)), expire_time), keys=["k"], now=BEFORE)
    assert answer in (Signature.WRONG, Signature.MISSING)


@pytest.mark.parametrize("given", ["ä", "\ud800", "x" * 10_000, 5, ["a"]])
def test_an_absurd_sign_is_never_valid(given: object) -> None:
    answer = check(event(given, 2_000_000_000), keys=["k"], now=BEFORE)
    assert answer in (Signature.WRONG, Signature.MISSING)


def test_a_body_that_is_no_json_is_bad_input() -> None:
    with pytest.raises(InputError, match="not JSON"):
        check(b"sign me", keys=["k"], now=BEFORE)
