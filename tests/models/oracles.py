"""Small oracles of every kind, and documents sampled from them."""

from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from unroll.corpora import hmm, markov, pcfg
from unroll.models.base.inputs import Inputs
from unroll.models.oracle import model as oracle
from unroll.text.tokenizers.vocabulary import EOS, UNK

MARKOV = SimpleNamespace(order=2, vocabulary_size=3, concentration=0.5, stop_probability=0.3, expected_tokens=4000)
HMM = SimpleNamespace(
    states=3,
    vocabulary_size=4,
    transition_concentration=0.5,
    emission_concentration=0.3,
    stop_probability=0.25,
    expected_tokens=4000,
)
PCFG = SimpleNamespace(
    nonterminals=3,
    vocabulary_size=3,
    rules=3,
    branching=0.3,
    rule_concentration=1.0,
    emission_concentration=0.5,
    expected_tokens=4000,
)
KINDS: dict[str, tuple[Any, Any]] = {"markov": (markov, MARKOV), "hmm": (hmm, HMM), "pcfg": (pcfg, PCFG)}


class Words:
    """A word tokenizer with a given vocabulary."""

    def __init__(self, words: list[str]) -> None:
        self.ids = {word: index for index, word in enumerate(words, 4)}
        self.vocabulary_size = len(words) + 4

    def encode(self, text: str) -> list[int]:
        return [self.ids.get(word, UNK) for word in text.split()]


@dataclass(frozen=True)
class CorpusInputs(Inputs):
    """Inputs with a single raw corpus and a single tokenizer."""

    folder: Path = Path()
    words: Any = None

    def raw(self, corpus: str) -> Path:
        return self.folder

    def tokenizer(self, name: str) -> Any:
        return self.words


def sample(kind: str, folder: Path) -> tuple[oracle.Model, list[np.ndarray], Words]:
    """Return an oracle, documents sampled from it (with <eos>), and a tokenizer with another order of the words."""
    module, params = KINDS[kind]
    module.fetch(SimpleNamespace(**vars(params), seed=7), folder)
    words = Words([f"w{symbol}" for symbol in reversed(range(params.vocabulary_size))] + ["other"])
    lines = (folder / "text.txt").read_text(encoding="utf-8").splitlines()
    return oracle.from_corpus(folder, words), [np.array([*words.encode(line), EOS]) for line in lines], words
