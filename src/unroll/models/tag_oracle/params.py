"""Settings of family `tag_oracle`."""

from typing import Literal

from unroll.params.base import Name, Params


class TagOracleParams(Params):
    """An entry of `oracles`: the exact posterior of the tags of corpus source toy-tags. No tagger is better on average.

    It is made from the grammar of the corpus and is not trained.
    """

    family: Literal["tag_oracle"]
    tokenizer: Name
    """A key of `tokenizers`, of type `tagged`."""
    corpus: Name
    """The corpus of this tokenizer. Its text must be as it was sampled: `lowercase: false`, and not `cleaning:
    letters`."""
