"""Which results of two runs were made from the same settings. Only these are compared."""

from collections.abc import Iterable
from dataclasses import dataclass

from unroll.pipeline.lock import Lock

SHOWN = 5
"""The number of names that a sentence lists."""


@dataclass(frozen=True)
class Settings:
    """The differences between the settings of two runs."""

    params: list[str]
    """The full paths of the values of params.yaml that differ."""
    only_one: list[str]
    """The stages that only the first run has."""
    only_other: list[str]
    """The stages that only the second run has."""
    affected: set[str]
    """The stages of both runs whose results depend on these differences."""

    def describe(self, one: str, other: str) -> str:
        """Say what differs in one sentence.

        Args:
            one: The name of the first run.
            other: The name of the second run.

        Returns:
            The sentence; empty if nothing differs.
        """
        facts = [f"other values of {enumerate_names(self.params)}"] if self.params else []
        facts += [f"{enumerate_names(self.only_one)} only in {one}"] if self.only_one else []
        facts += [f"{enumerate_names(self.only_other)} only in {other}"] if self.only_other else []
        if not facts:
            return ""
        return f"{other}: has other settings ({'; '.join(facts)}), and results are compared for equal settings only"


def compare_settings(one: Lock, other: Lock) -> Settings:
    """Compare the settings of two runs by what their stages depended on.

    Args:
        one: The lock of the first run.
        other: The lock of the second run.

    Returns:
        The differences.
    """
    changed: dict[str, list[str]] = {}
    for name in one.stages.keys() & other.stages.keys():
        first, second = one.stages[name].params, other.stages[name].params
        if keys := [key for key in {**first, **second} if first.get(key) != second.get(key)]:
            changed[name] = keys
    only_one = [name for name in one.stages if name not in other.stages]
    only_other = [name for name in other.stages if name not in one.stages]
    roots = {*changed, *only_one, *only_other}
    affected = one.downstream(roots) | other.downstream(roots)
    params = [key for name in one.stages for key in changed.get(name, [])]
    return Settings(list(dict.fromkeys(params)), only_one, only_other, affected)


def enumerate_names(names: Iterable[str]) -> str:
    """Return the first names, and how many more there are."""
    names = list(names)
    more = [f"{len(names) - SHOWN} more"] if len(names) > SHOWN else []
    return ", ".join(names[:SHOWN]) + "".join(f" and {rest}" for rest in more)
