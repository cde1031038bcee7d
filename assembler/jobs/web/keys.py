"""The secrets with which callbacks are signed, some of them one app's only."""

from __future__ import annotations

import re
from collections.abc import Sequence

from pydantic import SecretStr

from assembler.dialects.systems.signatures import SIGNATURES
from assembler.options import Options

_OF_ONE_APP = re.compile(r"([0-9]{1,20}):(.+)", re.DOTALL)
_OF_ONE_KEY = re.compile(r"([0-9A-Za-z]{1,40}):(.+)", re.DOTALL)


class Keys:
    """Keys of callbacks; they have no text of their own, so that none is ever shown."""

    def __init__(self, options: Options) -> None:
        self._secrets: dict[str, list[str]] = {}
        for name in filter(None, (row.setting for row in SIGNATURES)):
            given: Sequence[SecretStr] = getattr(options, name)
            self._secrets[name] = [key.get_secret_value() for key in given]
        if options.callback_key is not None:
            self._secrets["callback_keys"].insert(0, options.callback_key.get_secret_value())

    def __bool__(self) -> bool:
        return any(any(secrets) for secrets in self._secrets.values())

    def has(self, setting: str) -> bool:
        """True if a setting names a key."""
        return any(self._secrets[setting])

    def of(self, app: str | None, setting: str) -> Sequence[str]:
        """Every secret of a setting that may have signed a callback of this app."""
        fitting = []
        pattern = _OF_ONE_KEY if setting == "livekit_callback_keys" else _OF_ONE_APP
        for secret in self._secrets[setting]:
            own = pattern.fullmatch(secret)
            if own is None:
                fitting.append(secret)
            elif app is not None and own.group(1) == app:
                fitting.append(own.group(2))
        return fitting
