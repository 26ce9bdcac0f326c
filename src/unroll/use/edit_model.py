"""The channel of a spelling corrector: p(what was typed | the word that was meant), letter by letter.

Kernighan, Church and Gale 1990: each letter of the word is copied, left out, replaced, or swapped with the next one,
and after each letter (or before the first) another may slip in. What training pairs count is smoothed towards the
overall rate of its kind, so that without any pair every mistake of a kind is as likely as another.
"""

import math
from collections import Counter
from collections.abc import Iterable
from functools import cached_property

COPY, DELETE, SUBSTITUTE, TRANSPOSE, INSERT = "copy", "delete", "substitute", "transpose", "insert"
MISTAKES = (DELETE, SUBSTITUTE, TRANSPOSE, INSERT)
START = "^"
"""Stands before the first letter, where something may be inserted too."""

RATE = 0.0025
"""Of each kind of mistake, per letter, before any pair is seen: about one word in twenty is wrong."""
RIGHT = 20
"""Words that are typed for each wrong one: pairs tell how words are mistyped, not how often."""
LETTERS = 30
"""That may stand in for another: p of a mistake is shared among so many."""
STRENGTH = 200.0
"""Letters' worth of belief in the overall rates."""

Event = tuple[str, str, str]
"""(kind, letter of the word, letter typed)"""


class EditModel:
    def __init__(self, pairs: Iterable[tuple[str, str]] = ()) -> None:
        """`pairs` of (right, wrong) words teach which mistakes are made."""
        self.events: Counter[Event] = Counter()
        self.letters: Counter[str] = Counter()
        untaught = EditModel() if (pairs := list(pairs)) else self
        for right, wrong in pairs:
            self.events.update(untaught.align(right, wrong)[1])
            self.letters.update([START, *right] * RIGHT)

    def log_prob(self, wrong: str, right: str) -> float:
        """log p(wrong | right) by the most probable events, nats."""
        return self.align(right, wrong)[0]

    def align(self, right: str, wrong: str) -> tuple[float, list[Event]]:
        """The most probable events that turn `right` into `wrong`, and the log of their probability."""
        best: list[list[tuple[float, Event | None, tuple[int, int]]]] = []
        for i in range(len(right) + 1):
            best.append([])
            for j in range(len(wrong) + 1):
                steps = [(0.0, None, (0, 0))] if i == j == 0 else list(self._steps(right, wrong, i, j, best))
                best[i].append(max(steps, key=lambda step: step[0]))
        events, (i, j) = [], (len(right), len(wrong))
        while (i, j) != (0, 0):
            _, event, before = best[i][j]
            events.append(event)
            i, j = before
        return best[-1][-1][0], [event for event in reversed(events) if event]

    def _steps(
        self, right: str, wrong: str, i: int, j: int, best: list[list[tuple[float, Event | None, tuple[int, int]]]]
    ) -> Iterable[tuple[float, Event | None, tuple[int, int]]]:
        """Every last step to right[:i], wrong[:j]: (log p up to here, its event, where it came from)."""
        if i and j:
            kind = COPY if right[i - 1] == wrong[j - 1] else SUBSTITUTE
            event = (kind, right[i - 1], wrong[j - 1])
            yield best[i - 1][j - 1][0] + self._log(event), event, (i - 1, j - 1)
        if i:
            event = (DELETE, right[i - 1], "")
            yield best[i - 1][j][0] + self._log(event), event, (i - 1, j)
        if j:
            event = (INSERT, right[i - 1] if i else START, wrong[j - 1])
            yield best[i][j - 1][0] + self._log(event), event, (i, j - 1)
        if i > 1 and j > 1 and right[i - 2] == wrong[j - 1] != wrong[j - 2] == right[i - 1]:
            event = (TRANSPOSE, right[i - 2], "")
            yield best[i - 2][j - 2][0] + self._log(event), event, (i - 2, j - 2)

    def _log(self, event: Event) -> float:
        if (known := self._logs.get(event)) is None:
            known = self._logs[event] = math.log(self.probability(event))
        return known

    @cached_property
    def _logs(self) -> dict[Event, float]:
        return {}

    def probability(self, event: Event) -> float:
        """p(event | its letter): (count + STRENGTH overall rate) / (count of the letter + STRENGTH)."""
        kind, letter, _ = event
        if kind == COPY:
            return 1 - sum(self._rate(other, letter) for other in (DELETE, SUBSTITUTE, TRANSPOSE))
        shared = 1 if kind in (DELETE, TRANSPOSE) else LETTERS
        expected = STRENGTH * self._overall[kind] / shared
        return (self.events[event] + expected) / (self.letters[letter] + STRENGTH)

    def _rate(self, kind: str, letter: str) -> float:
        """Of a kind of mistake with a letter."""
        expected = STRENGTH * self._overall[kind]
        return (self._mistakes[kind, letter] + expected) / (self.letters[letter] + STRENGTH)

    @cached_property
    def _mistakes(self) -> Counter[tuple[str, str]]:
        found: Counter[tuple[str, str]] = Counter()
        for (kind, letter, _), count in self.events.items():
            found[kind, letter] += count
        return found

    @cached_property
    def _overall(self) -> dict[str, float]:
        """The rate of each kind of mistake per letter, at most a fifth: a letter is more often right than not."""
        letters = self.letters.total() + STRENGTH
        counts: Counter[str] = Counter()
        for (kind, _, _), count in self.events.items():
            counts[kind] += count
        return {kind: min(0.2, (counts[kind] + STRENGTH * RATE) / letters) for kind in MISTAKES}
