"""Source `pcfg`: sentences of a random probabilistic context-free grammar in Chomsky normal form.

The root S becomes A B. Every other nonterminal becomes A B with probability b (`branching`) and a word otherwise. Since
b is below one half, the grammar is consistent: every derivation ends with probability 1, and a sentence has
2 (1 - b) / (1 - 2 b) words on average.
"""

from pathlib import Path

import numpy as np

from unroll.corpora.sampled import (
    CategoricalRows,
    Floats,
    Symbols,
    draw_distributions,
    numbered,
    to_documents,
    write_corpus,
)
from unroll.errors import UnrollError
from unroll.params.corpora import PcfgCorpus


def fetch(params: PcfgCorpus, folder: Path) -> None:
    """Draw a grammar, sample sentences from it and write both into the folder.

    Raises:
        UnrollError: There are too few nonterminals for the rules.
    """
    generator = np.random.default_rng(params.seed)
    binary, emission = draw_grammar(params, generator)
    mean_length = 2 * (1 - params.branching) / (1 - 2 * params.branching)
    tokens, lengths = sample(
        *to_rules(binary), emission, max(1, round(params.expected_tokens / mean_length)), generator
    )
    settings = {"kind": "pcfg", "nonterminals": params.nonterminals, "vocabulary_size": params.vocabulary_size}
    documents = to_documents(numbered(params.vocabulary_size), tokens, lengths)
    write_corpus(folder, settings, {"binary": binary, "emission": emission}, documents)


def draw_grammar(params: PcfgCorpus, generator: np.random.Generator) -> tuple[Floats, Floats]:
    """Draw the rules and their probabilities. Nonterminal 0 is the root S.

    Returns:
        The probabilities p(A -> B C) (N, N, N) and p(A -> w) (N, V). For each A, both together sum to one.

    Raises:
        UnrollError: There are too few nonterminals for the rules.
    """
    others = params.nonterminals - 1
    if params.rules > others**2:
        raise UnrollError(
            f"corpora.*.rules: {params.nonterminals} nonterminals have only {others**2} pairs below the root, "
            f"fewer than {params.rules} rules; lower rules"
        )
    binary = np.zeros((params.nonterminals,) * 3)
    for parent in range(params.nonterminals):
        left, right = np.divmod(generator.choice(others**2, params.rules, replace=False), others)
        weights = draw_distributions(1, params.rules, params.rule_concentration, generator)[0]
        binary[parent, left + 1, right + 1] = weights * (params.branching if parent else 1.0)
    emission = draw_distributions(params.nonterminals, params.vocabulary_size, params.emission_concentration, generator)
    emission *= 1 - params.branching
    emission[0] = 0.0
    return binary, emission


def to_rules(binary: Floats) -> tuple[Symbols, Floats]:
    """Return A, B and C (R, 3) and the probabilities (R,) of the rules A -> B C, in ascending order.

    Args:
        binary: The probabilities p(A -> B C) (N, N, N).
    """
    rules = np.argwhere(binary)
    return rules, binary[tuple(rules.T)]


def sample(
    rules: Symbols, probabilities: Floats, emission: Floats, documents: int, generator: np.random.Generator
) -> tuple[Symbols, Symbols]:
    """Sample sentences. All are derived at once: each iteration rewrites every nonterminal of every sentence.

    Args:
        rules: A, B and C of the rules A -> B C (R, 3), in ascending order.
        probabilities: The probabilities p(A -> B C) (R,).
        emission: The probabilities p(A -> w) (N, V).
        documents: The number of sentences D.
        generator: The source of randomness.

    Returns:
        The symbols of all sentences, one sentence after the other, and the lengths of the sentences (D,).
    """
    nonterminals, symbols = emission.shape
    counts = np.bincount(rules[:, 0], minlength=nonterminals)
    first = np.cumsum(counts) - counts  # the first rule of each nonterminal
    binary = np.zeros((nonterminals, counts.max()))
    binary[rules[:, 0], np.arange(len(rules)) - first[rules[:, 0]]] = probabilities
    alternatives = CategoricalRows(np.hstack([emission, binary]))
    # The symbols of all unfinished sentences in order, and their sentences. Nonterminal A has the number -1 - A.
    form, owner = np.full(documents, -1), np.arange(documents)
    finished: list[tuple[Symbols, Symbols]] = []
    while len(form):
        at = np.flatnonzero(form < 0)
        parents = -1 - form[at]
        drawn = alternatives.draw(parents, generator)
        split = drawn >= symbols
        left, right = rules[(first[parents] + drawn - symbols)[split], 1:].T
        widths = np.ones(len(form), dtype=np.int64)
        widths[at[split]] = 2
        form[at] = drawn
        form[at[split]] = -1 - left
        positions = np.cumsum(widths) - widths  # the new position of each symbol
        form, owner = np.repeat(form, widths), np.repeat(owner, widths)
        form[positions[at[split]] + 1] = -1 - right
        unfinished = np.zeros(documents, dtype=bool)
        unfinished[owner[form < 0]] = True
        done = ~unfinished[owner]
        finished.append((owner[done], form[done]))
        form, owner = form[~done], owner[~done]
    owners, tokens = (np.concatenate(parts) for parts in zip(*finished, strict=True))
    return tokens[np.argsort(owners, kind="stable")], np.bincount(owners, minlength=documents)
