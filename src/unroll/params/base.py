"""The base class of all settings, and types of their values."""

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class Params(BaseModel):
    """Settings that are immutable and strict.

    Unknown keys, wrong types, NaN and infinities are refused. Nothing has a default.
    """

    # A schema is built when it is first used, so that a command for one family does not build the schemas of all.
    model_config = ConfigDict(strict=True, frozen=True, extra="forbid", allow_inf_nan=False, defer_build=True)


Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=40)]
"""A key of a section. It becomes a folder name and a word of a shell command, so it has only a-z, 0-9 and _."""

Share = Annotated[float, Field(ge=0, lt=1)]
"""A fraction less than 1."""
Probability = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=1, le=10**9)]
Size = Annotated[int, Field(ge=1, le=65536)]


def suggest(name: str, names: Iterable[str]) -> str:
    """Return a hint for a misspelled name.

    Args:
        name: The name.
        names: The names to choose from.

    Returns:
        "; did you mean ...?" with the nearest name if there is one, otherwise "; choose one of ..." with all names.
    """
    close = get_close_matches(name, names := list(names), n=1)
    return f"; did you mean {close[0]}?" if close else f"; choose one of {', '.join(names)}"
