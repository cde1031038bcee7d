"""The one base of every value that travels between rooms."""

from pydantic import BaseModel, ConfigDict


class Value(BaseModel):
    """A frozen value that is written as JSON and read back equal.

    Unknown keys are refused: a value on disk is our own, and a key we do not know means it is another version's.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
