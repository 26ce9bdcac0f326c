"""Settings of family `oracle`."""

from typing import Literal

from unroll.params.base import Name, Params


class OracleParams(Params):
    """An entry of `oracles`: the true distribution of a sampled corpus (source markov, hmm, pcfg or everyday-english).

    It is made from the parameters of the corpus and is not trained. Its stage also depends on the raw corpus, so it has
    a section of its own.
    """

    family: Literal["oracle"]
    tokenizer: Name
    """A tokenizer of type `word` with all symbols in its vocabulary (`min_count: 1`)."""
    corpus: Name
    """The corpus of this tokenizer."""
