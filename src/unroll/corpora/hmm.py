"""Source `hmm`: text of a hidden Markov model whose rows are drawn from Dirichlet distributions."""

from pathlib import Path

import numpy as np

from unroll.corpora.sampled import (
    CategoricalRows,
    Floats,
    Symbols,
    active_documents,
    draw_distributions,
    draw_lengths,
    normalize,
    numbered,
    to_documents,
    write_corpus,
)
from unroll.params.corpora import HmmCorpus


def fetch(params: HmmCorpus, folder: Path) -> None:
    """Draw a hidden Markov model, sample documents from it and write both into the folder."""
    generator = np.random.default_rng(params.seed)
    states, symbols = params.states, params.vocabulary_size
    transition = draw_distributions(states, states, params.transition_concentration, generator)
    emission = draw_distributions(states, symbols, params.emission_concentration, generator)
    initial = normalize(stationary_distribution(transition))
    lengths = draw_lengths(params.expected_tokens, params.stop_probability, generator)
    tokens = sample(initial, transition, emission, lengths, generator)
    settings = {
        "kind": "hmm",
        "states": params.states,
        "vocabulary_size": params.vocabulary_size,
        "stop_probability": params.stop_probability,
    }
    arrays = {"initial": initial, "transition": transition, "emission": emission}
    documents = to_documents(numbered(params.vocabulary_size), tokens, lengths)
    write_corpus(folder, settings, arrays, documents)


def sample(
    initial: Floats, transition: Floats, emission: Floats, lengths: Symbols, generator: np.random.Generator
) -> Symbols:
    """Sample documents.

    Args:
        initial: The probabilities of the first state (S,).
        transition: The probabilities of the next state (S, S).
        emission: The probabilities of the symbols of each state (S, V).
        lengths: The lengths of the documents (D,).
        generator: The source of randomness.

    Returns:
        The symbols of all documents, one document after the other.
    """
    next_states, symbols = CategoricalRows(transition), CategoricalRows(emission)
    tokens = np.empty(lengths.sum(), dtype=np.int64)
    state = CategoricalRows(initial[None]).draw(np.zeros(len(lengths), dtype=np.int64), generator)
    documents, starts = active_documents(lengths)
    for position, active in enumerate(documents):
        tokens[starts[active] + position] = symbols.draw(state[active], generator)
        state[active] = next_states.draw(state[active], generator)
    return tokens


def stationary_distribution(transition: Floats) -> Floats:
    """Return the distribution p (S,) with p = p A for the transition matrix A (S, S)."""
    states = len(transition)
    equations = np.vstack([transition.T - np.eye(states), np.ones(states)])
    solution = np.linalg.lstsq(equations, np.append(np.zeros(states), 1.0), rcond=None)[0]
    solution = np.maximum(solution, 0.0)
    return solution / solution.sum()
