"""What every section of params.yaml has in common."""

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class Params(BaseModel):
    """Immutable and strict: unknown keys, wrong types, NaN and infinities are refused, nothing has a default."""

    # A schema is built when it is first used: a verb of one small model never waits for those of all families.
    model_config = ConfigDict(strict=True, frozen=True, extra="forbid", allow_inf_nan=False, defer_build=True)


Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=40)]
"""A key of `corpora`, `tokens` or `models`: it becomes a folder name and a shell word, so only a-z, 0-9 and _."""

Share = Annotated[float, Field(ge=0, lt=1)]
Probability = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=1, le=10**9)]
Size = Annotated[int, Field(ge=1, le=65536)]


def nearest(name: str, names: Iterable[str]) -> str:
    """A hint for a misspelt name: "; did you mean lstm?", or what there is to choose from."""
    close = get_close_matches(name, names := list(names), n=1)
    return f"; did you mean {close[0]}?" if close else f"; choose one of {', '.join(names)}"
