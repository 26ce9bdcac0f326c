"""`markov`: text of a Markov chain of order k whose rows are drawn from a Dirichlet distribution."""

from pathlib import Path

import numpy as np

from unroll.corpora.sampled import Floats, Symbols, Table, columns, lengths, write
from unroll.errors import UnrollError
from unroll.params.corpora import MarkovCorpus

_LARGEST = 50_000_000
"""Probabilities a chain may have."""


def fetch(params: MarkovCorpus, seed: int, folder: Path) -> None:
    """Draw a chain, sample documents of it, write both into `folder`; the same bytes for the same seed."""
    generator = np.random.default_rng(seed)
    contexts = (params.vocabulary_size + 1) ** params.order
    if contexts * params.vocabulary_size > _LARGEST:
        raise UnrollError(
            f"corpora.*.order: a chain of order {params.order} over {params.vocabulary_size} symbols has more than {_LARGEST} "
            "probabilities; lower order or symbols"
        )
    transition = generator.dirichlet(np.full(params.vocabulary_size, params.concentration), size=contexts)
    sizes = lengths(params.expected_tokens, params.stop_probability, generator)
    tokens = sample(transition, params.order, sizes, generator)
    numbers = {
        "kind": "markov",
        "order": params.order,
        "symbols": params.vocabulary_size,
        "end": params.stop_probability,
    }
    write(folder, numbers, {"transition": transition}, tokens, sizes)


def sample(transition: Floats, order: int, sizes: Symbols, generator: np.random.Generator) -> Symbols:
    """Documents of the given sizes, end to end. Row c of `transition` ((V + 1)^k, V) is the distribution after the
    context c, its last k symbols read as a number of base V + 1; before a document stand k symbols V."""
    contexts, symbols = transition.shape
    table, tokens = Table(transition), np.empty(sizes.sum(), dtype=np.int64)
    context = np.full(len(sizes), contexts - 1)
    documents, starts = columns(sizes)
    for position, active in enumerate(documents):
        symbol = table.draw(context[active], generator)
        tokens[starts[active] + position] = symbol
        context[active] = (context[active] * (symbols + 1) + symbol) % contexts
    return tokens
