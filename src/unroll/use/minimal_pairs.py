"""Minimal pairs: does a model find the good sentence more probable than the bad one? (Warstadt et al. 2020, BLiMP)"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from unroll.use.model import TextModel

ALL = "all"


@dataclass(frozen=True)
class Pair:
    good: str
    bad: str
    phenomenon: str


@dataclass(frozen=True)
class Judgement:
    """A pair with the log-likelihoods of its sentences, in nats."""

    pair: Pair
    good: float
    bad: float

    @property
    def right(self) -> bool:
        """The good one is strictly more probable: a model that knows no difference gets no credit for it."""
        return self.good > self.bad


def judge(model: TextModel, pairs: Sequence[Pair]) -> list[Judgement]:
    """Words that the vocabulary lacks are charged their spelling, lest an unknown word be the more probable one."""
    scores = model.score([text for pair in pairs for text in (pair.good, pair.bad)], "judge")
    nats = [line.spelt_log_likelihood for line in scores]
    return [Judgement(*found) for found in zip(pairs, nats[::2], nats[1::2], strict=True)]


def accuracy(judgements: Sequence[Judgement]) -> dict[str, tuple[int, float]]:
    """(pairs, share of right ones) by phenomenon, sorted, and of "all" last."""
    rights: dict[str, list[bool]] = defaultdict(list)
    for one in judgements:
        rights[one.pair.phenomenon].append(one.right)
    rows = {name: rights[name] for name in sorted(rights)} | {ALL: [one.right for one in judgements]}
    return {name: (len(row), sum(row) / len(row)) for name, row in rows.items()}
