"""Minimal pairs: whether a model prefers the acceptable sentence of a pair (Warstadt et al. 2020, BLiMP)."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from unroll.use.model import TextModel

ALL = "all"


@dataclass(frozen=True)
class Pair:
    """An acceptable and an unacceptable sentence that differ in one phenomenon."""

    good: str
    """The acceptable sentence."""
    bad: str
    """The unacceptable sentence."""
    phenomenon: str
    """The name of the phenomenon, by which pairs are grouped."""


@dataclass(frozen=True)
class Judgement:
    """A pair with the log-likelihoods of its sentences."""

    pair: Pair
    """The pair."""
    good: float
    """log p(good sentence) in nats."""
    bad: float
    """log p(bad sentence) in nats."""

    @property
    def correct(self) -> bool:
        """Whether the good sentence is strictly more probable; equal probabilities count as wrong."""
        return self.good > self.bad


def judge(model: TextModel, pairs: Sequence[Pair]) -> list[Judgement]:
    """Score both sentences of each pair.

    The log-likelihoods include the spelling of unknown words, so that `<unk>` is not favoured.

    Args:
        model: A language model.
        pairs: The pairs.

    Returns:
        A judgement for each pair.

    Raises:
        UnrollError: The model is not a language model.
    """
    scores = model.score([text for pair in pairs for text in (pair.good, pair.bad)], "judge")
    nats = [line.log_likelihood_with_spelling for line in scores]
    return [Judgement(pair, good, bad) for pair, good, bad in zip(pairs, nats[::2], nats[1::2], strict=True)]


def accuracy(judgements: Sequence[Judgement]) -> dict[str, tuple[int, float]]:
    """Return (number of pairs, share of correct judgements) for each phenomenon, sorted by name, then for "all"."""
    groups: dict[str, list[bool]] = defaultdict(list)
    for judgement in judgements:
        groups[judgement.pair.phenomenon].append(judgement.correct)
    rows = {name: groups[name] for name in sorted(groups)} | {ALL: [judgement.correct for judgement in judgements]}
    return {name: (len(row), sum(row) / len(row)) for name, row in rows.items()}
