"""Small sources of every kind, and documents sampled from them."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from unroll.corpora import hmm, markov, pcfg
from unroll.models.oracle import model as source
from unroll.text.tokenizers.vocabulary import EOS, UNK

MARKOV = SimpleNamespace(order=2, symbols=3, concentration=0.5, end=0.3, tokens=4000)
HMM = SimpleNamespace(
    states=3, symbols=4, transition_concentration=0.5, emission_concentration=0.3, end=0.25, tokens=4000
)
PCFG = SimpleNamespace(
    nonterminals=3, symbols=3, rules=3, branching=0.3, rule_concentration=1.0, emission_concentration=0.5, tokens=4000
)
KINDS: dict[str, tuple[Any, Any]] = {"markov": (markov, MARKOV), "hmm": (hmm, HMM), "pcfg": (pcfg, PCFG)}


class Words:
    """A tokenizer of the words that it is given."""

    def __init__(self, words: list[str]) -> None:
        self.ids = {word: index for index, word in enumerate(words, 4)}
        self.vocabulary_size = len(words) + 4

    def encode(self, text: str) -> list[int]:
        return [self.ids.get(word, UNK) for word in text.split()]


def sampled(kind: str, folder: Path) -> tuple[source.Model, list[np.ndarray], Words]:
    """A source, documents sampled from it (with <eos>), and a vocabulary in an order of its own."""
    module, params = KINDS[kind]
    module.fetch(params, 7, folder)
    words = Words([f"w{symbol}" for symbol in reversed(range(params.symbols))] + ["other"])
    lines = (folder / "text.txt").read_text(encoding="utf-8").splitlines()
    return source.of(folder, words), [np.array([*words.encode(line), EOS]) for line in lines], words
