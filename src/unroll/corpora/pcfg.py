"""`pcfg`: sentences of a random probabilistic context-free grammar in Chomsky's normal form.

The root S becomes A B; every other nonterminal becomes A B with probability `branching` and a word otherwise. As
branching is below one half, every derivation ends (the grammar is proper and consistent) and a sentence has
2 (1 - b) / (1 - 2 b) words on average.
"""

from pathlib import Path

import numpy as np

from unroll.corpora.sampled import Floats, Symbols, Table, write
from unroll.errors import UnrollError
from unroll.params.corpora import PcfgCorpus


def fetch(params: PcfgCorpus, seed: int, folder: Path) -> None:
    """Draw a grammar, sample sentences of it, write both into `folder`; the same bytes for the same seed."""
    generator = np.random.default_rng(seed)
    binary, emission = grammar(params, generator)
    mean = 2 * (1 - params.branching) / (1 - 2 * params.branching)
    tokens, sizes = sample(binary, emission, max(1, round(params.expected_tokens / mean)), generator)
    numbers = {"kind": "pcfg", "nonterminals": params.nonterminals, "symbols": params.vocabulary_size}
    write(folder, numbers, {"binary": binary, "emission": emission}, tokens, sizes)


def grammar(params: PcfgCorpus, generator: np.random.Generator) -> tuple[Floats, Floats]:
    """binary (N, N, N): p(A -> B C); emission (N, V): p(A -> w); each A sums to one over both. S is number 0."""
    others = params.nonterminals - 1
    if params.rules > others**2:
        raise UnrollError(
            f"corpora.*.rules: {params.nonterminals} nonterminals have only {others**2} pairs below the root, "
            f"fewer than {params.rules} rules; lower rules"
        )
    binary = np.zeros((params.nonterminals,) * 3)
    for parent in range(params.nonterminals):
        left, right = np.divmod(generator.choice(others**2, params.rules, replace=False), others)
        weights = generator.dirichlet(np.full(params.rules, params.rule_concentration))
        binary[parent, left + 1, right + 1] = weights * (params.branching if parent else 1.0)
    emission = generator.dirichlet(
        np.full(params.vocabulary_size, params.emission_concentration), size=params.nonterminals
    )
    emission *= 1 - params.branching
    emission[0] = 0.0
    return binary, emission


def sample(binary: Floats, emission: Floats, documents: int, generator: np.random.Generator) -> tuple[Symbols, Symbols]:
    """(tokens, sizes) of that many sentences, all derived at once: each round rewrites every nonterminal."""
    nonterminals, symbols = emission.shape
    table = Table(np.hstack([emission, binary.reshape(nonterminals, -1)]))
    # What is still being rewritten: symbols of all sentences in order; nonterminal A is the number -1 - A.
    form, owner = np.full(documents, -1), np.arange(documents)
    finished: list[tuple[Symbols, Symbols]] = []
    while len(form):
        at = np.flatnonzero(form < 0)
        rule = table.draw(-1 - form[at], generator)
        left, right = np.divmod(rule - symbols, nonterminals)
        grown = np.ones(len(form), dtype=np.int64)
        grown[at[rule >= symbols]] = 2
        form[at] = np.where(rule < symbols, rule, -1 - left)
        place = np.cumsum(grown) - grown  # where each symbol goes
        form, owner = np.repeat(form, grown), np.repeat(owner, grown)
        form[place[at[rule >= symbols]] + 1] = -1 - right[rule >= symbols]
        growing = np.zeros(documents, dtype=bool)
        growing[owner[form < 0]] = True
        done = ~growing[owner]
        finished.append((owner[done], form[done]))
        form, owner = form[~done], owner[~done]
    owners, tokens = (np.concatenate(parts) for parts in zip(*finished, strict=True))
    return tokens[np.argsort(owners, kind="stable")], np.bincount(owners, minlength=documents)
