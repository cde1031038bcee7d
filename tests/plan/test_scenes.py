"""Pictures over frames: runs, lanes and the parts of a copy say of every frame what the scenes say."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from assembler.layout.builtin import BUILTIN
from assembler.plan.scenes import Holding, Visible, build_lanes, drawing_order, find_runs, without_gaps
from assembler.times import Frame, PlayMs

