"""Settings of family `mixture`."""

from typing import Annotated, Literal

from pydantic import Field

from unroll.params.base import Name, Params


class MixtureParams(Params):
    """An entry of `mixtures`.

    Its members are other trained models, so it has a section of its own: its stages depend on theirs.
    """

    family: Literal["mixture"]
    tokenizer: Name
    """The tokenizer of both members."""
    first: Name
    """A key of `models`."""
    second: Name
    """A key of `models`."""
    iterations: Annotated[int, Field(ge=1, le=100_000)]
    """The maximum number of EM steps that fit the weights on the valid split."""
    tolerance: Annotated[float, Field(ge=0, le=1)]
    """EM ends when a step gains less than this, in nats per token."""
