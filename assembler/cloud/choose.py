"""Choice between the generations of the API, by the credentials that are there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from assembler.cloud import Api
from assembler.cloud.client import KEYS, Cloud
from assembler.errors import InputError
from assembler.options import Options


def choose_api(options: Options, wanted: Api | None) -> Api:
    """Find the generation to ask: the wanted one, else the one whose credentials are there.

    Raises InputError where they are missing, or where both are there and none was named.
    """
    missing = [name for name in KEYS if not os.environ.get(name)]
    there = {Api.V1: bool(options.tickey and options.tickey.get_secret_value()), Api.V3: not missing}
    if options.sdk_app_id is None:
        raise InputError("the app is not named", hint="Set ASSEMBLER_SDK_APP_ID to its SdkAppId.")
    if len(missing) == 1 and wanted is not Api.V1 and not (wanted is None and there[Api.V1]):
        raise InputError(f"{missing[0]} is not set", hint=f"Generation 3 of the API takes it and {KEYS[0]} together.")
    usable = [api for api, is_there in there.items() if is_there and wanted in (None, api)]
    if len(usable) == 2:
        raise InputError("credentials of both generations are set", hint="Add --api v1 or --api v3.")
    if not usable:
        names = {Api.V1: "ASSEMBLER_TICKEY", Api.V3: " and ".join(KEYS)}
        raise InputError(
            f"there are no credentials for {f'--api {wanted}' if wanted else 'the API'}",
            hint=f"Set {names[wanted] if wanted else f'{names[Api.V1]} (generation 1), or {names[Api.V3]} (3)'}.",
        )
    return usable[0]


@contextmanager
def open_cloud(options: Options, wanted: Api | None = None) -> Iterator[Cloud]:
    """Open a client of the generation that ``choose_api`` finds."""
    match choose_api(options, wanted):
        case Api.V1:
            from assembler.cloud.v1 import open_v1

            with open_v1(options) as v1:
                yield v1
        case Api.V3:
            from assembler.cloud.v3 import open_v3

            yield open_v3(options)
