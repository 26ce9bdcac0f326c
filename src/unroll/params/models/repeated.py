"""Models trained again with another seed."""

from typing import Annotated

from pydantic import Field

from unroll.params.base import Name, Params


class RepeatedParams(Params):
    """An entry of `models` again, all but the seed the same: how much of a difference is the luck of the beginning."""

    family: Name
    """Of the model; DVC wants to know it."""
    tokens: Name
    """Likewise."""
    model: Name
    """A key of `models`."""
    seed: Annotated[int, Field(ge=0, lt=2**32)]
    """In place of `seed`, for whatever is random in training; the partition stays the same."""
