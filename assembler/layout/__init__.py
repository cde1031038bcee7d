"""Layout: WHERE; the canvas, and who is seen in which of its slots when."""

from assembler.layout.arrange import arrange, find_layout
from assembler.layout.builtin import LAYOUTS
from assembler.layout.custom import load_custom
from assembler.layout.fit import pictured_size

__all__ = ["LAYOUTS", "arrange", "find_layout", "load_custom", "pictured_size"]
