"""The secrets with which callbacks are signed, some of them one app's only."""

from __future__ import annotations

import re
from collections.abc import Sequence

from assembler.options import Options

_OF_ONE_APP = re.compile(r"([0-9]{1,20}):(.+)", re.DOTALL)


class Keys:
    """Keys of callbacks; they have no text of their own, so that none is ever shown."""

    def __init__(self, options: Options) -> None:
        given = [options.callback_key] if options.callback_key is not None else []
        self._secrets = [key.get_secret_value() for key in [*given, *options.callback_keys]]

    def __bool__(self) -> bool:
        return any(self._secrets)

    def of(self, app: str | None) -> Sequence[str]:
        """Every secret that may have signed a callback of this app."""
        fitting = []
        for secret in self._secrets:
            own = _OF_ONE_APP.fullmatch(secret)
            if own is None:
                fitting.append(secret)
            elif app is not None and own.group(1) == app:
                fitting.append(own.group(2))
        return fitting
