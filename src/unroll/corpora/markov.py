"""Source `markov`: text of a Markov chain of order k whose transition rows are drawn from a Dirichlet distribution."""

from pathlib import Path

import numpy as np

from unroll.corpora.sampled import (
    CategoricalRows,
    Floats,
    Symbols,
    active_documents,
    draw_distributions,
    draw_lengths,
    numbered,
    to_documents,
    write_corpus,
)
from unroll.errors import UnrollError
from unroll.params.corpora import MarkovCorpus

MAX_PROBABILITIES = 50_000_000
"""The maximum size of the transition matrix."""


def fetch(params: MarkovCorpus, folder: Path) -> None:
    """Draw a chain, sample documents from it and write both into the folder.

    Raises:
        UnrollError: The transition matrix is too large.
    """
    generator = np.random.default_rng(params.seed)
    contexts = (params.vocabulary_size + 1) ** params.order
    if contexts * params.vocabulary_size > MAX_PROBABILITIES:
        raise UnrollError(
            f"corpora.*.order: a chain of order {params.order} over {params.vocabulary_size} symbols has more than "
            f"{MAX_PROBABILITIES} probabilities; lower order or vocabulary_size"
        )
    transition = draw_distributions(contexts, params.vocabulary_size, params.concentration, generator)
    lengths = draw_lengths(params.expected_tokens, params.stop_probability, generator)
    tokens = sample(transition, params.order, lengths, generator)
    settings = {
        "kind": "markov",
        "order": params.order,
        "vocabulary_size": params.vocabulary_size,
        "stop_probability": params.stop_probability,
    }
    documents = to_documents(numbered(params.vocabulary_size), tokens, lengths)
    write_corpus(folder, settings, {"transition": transition}, documents)


def sample(transition: Floats, order: int, lengths: Symbols, generator: np.random.Generator) -> Symbols:
    """Sample documents.

    Args:
        transition: The probabilities ((V + 1)^k, V) of the next symbol after each context. The number of a context is
            its k symbols read in base V + 1. Symbol V fills the contexts at the start of a document.
        order: The order k of the chain.
        lengths: The lengths of the documents (D,).
        generator: The source of randomness.

    Returns:
        The symbols of all documents, one document after the other.
    """
    contexts, symbols = transition.shape
    rows, tokens = CategoricalRows(transition), np.empty(lengths.sum(), dtype=np.int64)
    context = np.full(len(lengths), contexts - 1)
    documents, starts = active_documents(lengths)
    for position, active in enumerate(documents):
        symbol = rows.draw(context[active], generator)
        tokens[starts[active] + position] = symbol
        context[active] = (context[active] * (symbols + 1) + symbol) % contexts
    return tokens
