"""The channel model of a spelling corrector: p(typed word | intended word), character by character.

Kernighan, Church and Gale 1990: each character of the word is copied, deleted, substituted or transposed with the next
one, and a character may be inserted after each of them and before the first. The counts of training pairs are smoothed
towards the overall rate of each kind of error. Without training pairs, all errors of a kind have the same probability.
"""

import math
from collections import Counter
from collections.abc import Iterable
from functools import cached_property

COPY, DELETE, SUBSTITUTE, TRANSPOSE, INSERT = "copy", "delete", "substitute", "transpose", "insert"
ERRORS = (DELETE, SUBSTITUTE, TRANSPOSE, INSERT)
START = "^"
"""The position before the first character, where a character may be inserted."""

PRIOR_RATE = 0.0025
"""The prior rate of each kind of error per character: about one word in twenty is wrong."""
CORRECT_PER_WRONG = 20
"""The number of correct words that are assumed for each wrong one, since training pairs contain wrong words only."""
ALPHABET_SIZE = 30
"""The number of characters that share the probability of a substitution or an insertion."""
PRIOR_COUNT = 200.0
"""The weight of the overall rates, as a number of characters."""

Event = tuple[str, str, str]
"""(kind, character of the word, typed character)"""
Step = tuple[float, Event | None, tuple[int, int]]
"""(log p up to here, the last event, the position before it)"""


class EditModel:
    """p(typed word | intended word)."""

    def __init__(self, pairs: Iterable[tuple[str, str]] = ()) -> None:
        """Count the errors of (right, wrong) words, as a model without training aligns them."""
        self.events: Counter[Event] = Counter()
        self.characters: Counter[str] = Counter()
        untrained = EditModel() if (pairs := list(pairs)) else self
        for right, wrong in pairs:
            self.events.update(untrained.align(right, wrong)[1])
            self.characters.update([START, *right] * CORRECT_PER_WRONG)

    def log_prob(self, wrong: str, right: str) -> float:
        """Return log p(wrong | right) of the most probable sequence of events, in nats."""
        return self.align(right, wrong)[0]

    def align(self, right: str, wrong: str) -> tuple[float, list[Event]]:
        """Find the most probable events that turn one word into another.

        Args:
            right: The intended word.
            wrong: The typed word.

        Returns:
            The log-probability of the events in nats, and the events in order.
        """
        best: list[list[Step]] = []
        for i in range(len(right) + 1):
            best.append([])
            for j in range(len(wrong) + 1):
                steps = [(0.0, None, (0, 0))] if i == j == 0 else list(self._steps(right, wrong, i, j, best))
                best[i].append(max(steps, key=lambda step: step[0]))
        events, (i, j) = [], (len(right), len(wrong))
        while (i, j) != (0, 0):
            _, event, previous = best[i][j]
            events.append(event)
            i, j = previous
        return best[-1][-1][0], [event for event in reversed(events) if event]

    def probability(self, event: Event) -> float:
        """Return p(event | its character): (count + PRIOR_COUNT rate) / (count of the character + PRIOR_COUNT)."""
        kind, character, _ = event
        if kind == COPY:
            return 1 - math.fsum(self._error_rate(other, character) for other in (DELETE, SUBSTITUTE, TRANSPOSE))
        share = 1 if kind in (DELETE, TRANSPOSE) else ALPHABET_SIZE
        expected = PRIOR_COUNT * self._overall_rates[kind] / share
        return (self.events[event] + expected) / (self.characters[character] + PRIOR_COUNT)

    def _steps(self, right: str, wrong: str, i: int, j: int, best: list[list[Step]]) -> Iterable[Step]:
        """Yield every last step to right[:i] and wrong[:j]."""
        if i and j:
            kind = COPY if right[i - 1] == wrong[j - 1] else SUBSTITUTE
            event = (kind, right[i - 1], wrong[j - 1])
            yield best[i - 1][j - 1][0] + self._log_probability(event), event, (i - 1, j - 1)
        if i:
            event = (DELETE, right[i - 1], "")
            yield best[i - 1][j][0] + self._log_probability(event), event, (i - 1, j)
        if j:
            event = (INSERT, right[i - 1] if i else START, wrong[j - 1])
            yield best[i][j - 1][0] + self._log_probability(event), event, (i, j - 1)
        if i > 1 and j > 1 and right[i - 2] == wrong[j - 1] != wrong[j - 2] == right[i - 1]:
            event = (TRANSPOSE, right[i - 2], "")
            yield best[i - 2][j - 2][0] + self._log_probability(event), event, (i - 2, j - 2)

    def _log_probability(self, event: Event) -> float:
        if (cached := self._log_probabilities.get(event)) is None:
            cached = self._log_probabilities[event] = math.log(self.probability(event))
        return cached

    @cached_property
    def _log_probabilities(self) -> dict[Event, float]:
        return {}

    def _error_rate(self, kind: str, character: str) -> float:
        """Return the smoothed rate of a kind of error at a character."""
        expected = PRIOR_COUNT * self._overall_rates[kind]
        return (self._errors[kind, character] + expected) / (self.characters[character] + PRIOR_COUNT)

    @cached_property
    def _errors(self) -> Counter[tuple[str, str]]:
        """The count of each kind of error at each character."""
        errors: Counter[tuple[str, str]] = Counter()
        for (kind, character, _), count in self.events.items():
            errors[kind, character] += count
        return errors

    @cached_property
    def _overall_rates(self) -> dict[str, float]:
        """The rate of each kind of error per character, at most 0.2, so that a copy remains the most probable event."""
        characters = self.characters.total() + PRIOR_COUNT
        counts: Counter[str] = Counter()
        for (kind, _, _), count in self.events.items():
            counts[kind] += count
        return {kind: min(0.2, (counts[kind] + PRIOR_COUNT * PRIOR_RATE) / characters) for kind in ERRORS}
