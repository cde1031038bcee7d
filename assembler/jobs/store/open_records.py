"""Opening of the records as the settings say."""

from __future__ import annotations

from assembler.jobs.store.database import open_database
from assembler.jobs.store.records import Records
from assembler.options import Options, events_told
from assembler.times import MINUTE_MS, Ms


def load_records(options: Options) -> Records:
    """Open the database of the settings. Raises JobError where it cannot be reached, or a newer version made it."""
    settle = Ms(round(options.settle_minutes * MINUTE_MS))
    return Records(open_database(options), tells=events_told(options), settle=settle)
