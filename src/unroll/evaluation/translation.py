"""Translations by a ConditionalModel."""

from collections.abc import Sequence

from unroll.evaluation.generation import generate
from unroll.models.protocol import ConditionalModel
from unroll.partition import Ids

LONGER = 2
"""A translation is cut at this many times its source's length, plus ten: no loop is endless."""


def translate(model: ConditionalModel, sources: Sequence[Ids], batch_size: int) -> list[Ids]:
    """The greedy translation of each source (arrays without special tokens), batch by batch."""
    results: list[Ids] = []
    for first in range(0, len(sources), batch_size):
        batch = sources[first : first + batch_size]
        given = model.given(batch)
        length = LONGER * max(map(len, batch)) + 10
        results += generate(given, given.start(len(batch)), len(batch), length, temperature=0, seed=0)
    return results
