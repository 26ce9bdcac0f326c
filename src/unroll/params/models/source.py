"""Family `source`."""

from typing import Literal

from unroll.params.base import Name, Params


class SourceParams(Params):
    """The true source of a sampled corpus (markov, hmm, pcfg). It has nothing to learn and is made of the corpus' own
    parameters, so it stands in a section of its own (`truths`), not in ModelParams."""

    family: Literal["source"]
    tokens: Name
    """Of level word, all symbols in the vocabulary (min_count: 1)."""
    corpus: Name
    """The corpus of these tokens: its source (markov, hmm, pcfg) is the model."""
