"""`hmm`: text of a hidden Markov model whose rows are drawn from Dirichlet distributions."""

from pathlib import Path

import numpy as np

from unroll.corpora.sampled import Floats, Symbols, Table, columns, lengths, write
from unroll.params.corpora import HmmCorpus


def fetch(params: HmmCorpus, seed: int, folder: Path) -> None:
    """Draw a model, sample documents of it, write both into `folder`; the same bytes for the same seed."""
    generator = np.random.default_rng(seed)
    transition = generator.dirichlet(np.full(params.states, params.transition_concentration), size=params.states)
    emission = generator.dirichlet(np.full(params.vocabulary_size, params.emission_concentration), size=params.states)
    initial = stationary(transition)
    sizes = lengths(params.expected_tokens, params.stop_probability, generator)
    tokens = sample(initial, transition, emission, sizes, generator)
    numbers = {
        "kind": "hmm",
        "states": params.states,
        "symbols": params.vocabulary_size,
        "end": params.stop_probability,
    }
    write(folder, numbers, {"initial": initial, "transition": transition, "emission": emission}, tokens, sizes)


def sample(
    initial: Floats, transition: Floats, emission: Floats, sizes: Symbols, generator: np.random.Generator
) -> Symbols:
    """Documents of the given sizes, end to end: (S,), (S, S), (S, V) -> symbols."""
    move, emit = Table(transition), Table(emission)
    tokens = np.empty(sizes.sum(), dtype=np.int64)
    state = Table(initial[None]).draw(np.zeros(len(sizes), dtype=np.int64), generator)
    documents, starts = columns(sizes)
    for position, active in enumerate(documents):
        tokens[starts[active] + position] = emit.draw(state[active], generator)
        state[active] = move.draw(state[active], generator)
    return tokens


def stationary(transition: Floats) -> Floats:
    """The distribution p = p A (S,): every position of a document that begins with it has the same distribution."""
    states = len(transition)
    equations = np.vstack([transition.T - np.eye(states), np.ones(states)])
    solution = np.linalg.lstsq(equations, np.append(np.zeros(states), 1.0), rcond=None)[0]
    solution = np.maximum(solution, 0.0)
    return solution / solution.sum()
