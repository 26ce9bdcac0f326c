"""Family `cache`; the same numbers are the cache that `evaluate` adds to every model."""

from typing import Annotated, Literal

from pydantic import Field

from unroll.params.base import Name, Params


class Cache(Params):
    window: Annotated[int, Field(ge=1, le=1_000_000)]
    """Tokens of the document's past that are remembered."""
    decay: Annotated[float, Field(gt=0, le=1)]
    """A remembered token weighs decay^age; 1 weighs all alike."""
    uniform: Annotated[float, Field(ge=0, le=1)]
    """Share of the uniform distribution, without which a token that is not remembered is impossible."""


class CacheParams(Cache):
    family: Literal["cache"]
    tokens: Name
