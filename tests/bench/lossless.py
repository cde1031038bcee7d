"""Our own command line with a lossless encoder: the composite to which pictures are compared."""

from __future__ import annotations

from assembler.cli import main
from assembler.media.encoders import ENCODERS, Encoder

OPTIONS = (("c:v", "libx264"), ("preset", "ultrafast"), ("qp", "0"), ("pix_fmt", "yuv420p"))

if __name__ == "__main__":
    ENCODERS["x264"] = Encoder("x264", OPTIONS)
    main()
