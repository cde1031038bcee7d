"""Child process that joins and cuts files (``python -m assembler.media.mux.child join|cut ORDER.json``)."""

from __future__ import annotations

import errno
import gc
import sys
from pathlib import Path

from assembler.errors import MediaError
from assembler.media.mux.by_sample_table import join_by_sample_table
from assembler.media.mux.order import Cut, Join
from assembler.mp4.sample_tables import UnsupportedMp4


def join(order: Join) -> None:
    """Write the finished file; packets are demuxed only where their bytes cannot be copied by sample tables."""
    try:
        if order.by_libav:
            raise UnsupportedMp4("libav was asked for")
        join_by_sample_table(order)
    except UnsupportedMp4:
        from assembler.media.mux.by_packets import join_by_packets  # and with it libav, a third of such a process

        join_by_packets(order)


def cut(order: Cut) -> None:
    """Write the packets of one stretch to a file of its own."""
    from assembler.media.mux.by_packets import cut_packets

    cut_packets(order)


def main() -> int:
    """Carry out the order; a MediaError's sentence goes to standard error."""
    gc.disable()  # hundreds of thousands of small values and no cycles: collecting would take half of the time
    verb, path = sys.argv[1:3]
    text = Path(path).read_text("utf-8")
    try:
        if verb == "join":
            join(Join.from_json(text))
        else:
            cut(Cut.from_json(text))
    except (MediaError, OSError) as exc:
        print(exc, file=sys.stderr)
        return errno.ENOSPC if getattr(exc, "errno", None) == errno.ENOSPC else 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
