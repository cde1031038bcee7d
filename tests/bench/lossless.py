"""Our own command line with a lossless encoder: the composite to which pictures are compared."""

from __future__ import annotations

from dataclasses import replace

from assembler.choices import Quality
from assembler.cli.main import main
from assembler.media.encoders import ENCODERS

OPTIONS = (("preset", "ultrafast"), ("qp", "0"))

if __name__ == "__main__":
    ENCODERS["x264"] = replace(ENCODERS["x264"], qualities=dict.fromkeys(Quality, OPTIONS), by_imagery={})
    main()
