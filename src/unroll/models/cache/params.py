"""Settings of family `cache`, and of the cache that `evaluate` adds to every language model."""

from typing import Annotated, Literal

from pydantic import Field

from unroll.params.base import Name, Params


class Cache(Params):
    """A unigram distribution over the recent tokens of a document (Kuhn and De Mori 1990)."""

    window: Annotated[int, Field(ge=1, le=1_000_000)]
    """The number of preceding tokens of the document that the cache holds."""
    decay: Annotated[float, Field(gt=0, le=1)]
    """A cached token has the weight decay^age; 1 gives all of them the same weight."""
    uniform: Annotated[float, Field(ge=0, le=1)]
    """The weight of the uniform distribution. Without it, a token that is not in the cache has probability zero."""


class CacheParams(Cache):
    """The cache as a language model of its own."""

    family: Literal["cache"]
    tokenizer: Name
    """The tokenizer of the text, a key of `tokenizers`."""
