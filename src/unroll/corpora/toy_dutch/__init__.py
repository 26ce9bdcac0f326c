"""`toy-dutch`: English-Dutch sentence pairs sampled from a synchronous grammar of ours.

One derivation gives both sentences (clause.py), so every pair is a translation; no English sentence occurs
twice. The words are data (words.yaml, verbs.yaml), the rules are code (grammar.py).
"""

import random
from pathlib import Path

from unroll.corpora.toy_dutch.grammar import Grammar
from unroll.errors import UnrollError
from unroll.params.corpora import ToyDutchCorpus
from unroll.text.manifest import RawFile, write_manifest

_PATIENCE = 10_000
"""Derivations in a row that bring nothing new before the grammar counts as exhausted."""


def fetch(params: ToyDutchCorpus, seed: int, folder: Path) -> None:
    """Write params.pairs distinct pairs to pairs.tsv in `folder`, English first; the same bytes for the same seed."""
    lines = "".join(f"{english}\t{dutch}\n" for english, dutch in sample(params.pairs, seed).items())
    (folder / "pairs.tsv").write_text(lines, encoding="utf-8", newline="\n")
    write_manifest(folder, [RawFile("pairs.tsv", "pairs")])


def sample(pairs: int, seed: int) -> dict[str, str]:
    """`pairs` random sentences, English to Dutch, in the order they were derived."""
    grammar = Grammar(random.Random(seed))
    found: dict[str, str] = {}
    fruitless = 0
    while len(found) < pairs:
        pair = grammar.sentence()
        fruitless = fruitless + 1 if pair.en in found else 0
        if fruitless > _PATIENCE:
            there = f"only about {len(found)} distinct pairs were found"
            raise UnrollError(f"corpora.*.pairs: {there}, not {pairs}; set pairs to at most that")
        found.setdefault(pair.en, pair.nl)
    return found
