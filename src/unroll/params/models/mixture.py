"""Family `mixture`."""

from typing import Annotated, Literal

from pydantic import Field

from unroll.params.base import Name, Params


class MixtureParams(Params):
    """Its members are other models, so it stands in a section of its own (`mixtures`), not in ModelParams."""

    family: Literal["mixture"]
    tokens: Name
    """The members' too."""
    first: Name
    """A key of `models`."""
    second: Name
    iterations: Annotated[int, Field(ge=1, le=100_000)]
    """EM steps that fit the weights on the valid split, at most."""
    tolerance: Annotated[float, Field(ge=0, le=1)]
    """EM ends when a step gains less than this, in nats per token."""
