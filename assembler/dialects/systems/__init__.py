"""Dialects of other recording systems: one file and one row each."""

from assembler.dialects.dialect import Dialect
from assembler.dialects.systems.agora import AGORA
from assembler.dialects.systems.daily import DAILY
from assembler.dialects.systems.livekit import LIVEKIT
from assembler.dialects.systems.trtc import TRTC
from assembler.dialects.systems.twilio import TWILIO
from assembler.dialects.systems.vonage import VONAGE
from assembler.dialects.systems.zego import ZEGO

SYSTEMS: tuple[Dialect, ...] = (ZEGO, TRTC, LIVEKIT, VONAGE, DAILY, TWILIO, AGORA)
"""Dialects of other recording systems."""
