"""What `unroll repro` would do: which stages run, why, and how long it takes."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unroll.pipeline import durations
from unroll.pipeline.runner import schedule
from unroll.pipeline.runner.display import say_time

if TYPE_CHECKING:
    from unroll.pipeline.runner.repository import Node, Repository


class State(Enum):
    """What happens to a stage."""

    RUNS = "runs"
    RESTORED = "restored"
    """Its outputs come from the run cache of DVC."""
    DEPENDS = "depends"
    """It runs if the stages before it, which run, write other bytes than before."""
    UNCHANGED = "unchanged"


@dataclass(frozen=True)
class Step:
    """A stage of a plan."""

    node: "Node"
    state: State
    reasons: list[str]
    """Why it is not up to date."""
    seconds: float | None
    """How long its command will take, as far as earlier runs tell."""


@dataclass(frozen=True)
class Plan:
    """The stages of a pipeline, each after those that it depends on."""

    steps: dict[str, Step]
    """The stages by name."""

    def of(self, *states: State) -> list[Step]:
        """Return the stages in some states."""
        return [step for step in self.steps.values() if step.state in states]

    def seconds(self, jobs: int) -> tuple[float | None, float | None]:
        """Estimate the time of the whole run.

        Args:
            jobs: The number of stages at once.

        Returns:
            The shortest and the longest time: without and with the stages that may not have to run. None if the time
            of a stage is unknown.
        """
        nodes = {name: step.node for name, step in self.steps.items()}
        shortest, longest = {State.RUNS}, {State.RUNS, State.DEPENDS}
        return self._simulate(nodes, shortest, jobs), self._simulate(nodes, longest, jobs)

    def _simulate(self, nodes: "dict[str, Node]", running: set[State], jobs: int) -> float | None:
        left = {name: step.seconds if step.state in running else 0.0 for name, step in self.steps.items()}
        known = {name: seconds for name, seconds in left.items() if seconds is not None}
        return schedule.simulate(nodes, known, (), jobs) if len(known) == len(left) else None

    def to_json(self, jobs: int) -> dict[str, Any]:
        """Return the plan as JSON has it."""
        shortest, longest = self.seconds(jobs)
        return {
            "jobs": jobs,
            "seconds": shortest,
            "seconds_at_most": longest,
            "stages": [
                {
                    "name": step.node.name,
                    "state": step.state.value,
                    "reasons": step.reasons,
                    "seconds": step.seconds,
                    "depends_on": list(step.node.upstream),
                }
                for step in self.steps.values()
            ],
        }

    def summarize(self, jobs: int) -> Iterator[str]:
        """Yield sentences about the whole run."""
        counts = {state: len(self.of(state)) for state in State}
        yield (
            f"{counts[State.RUNS]} stages run, {counts[State.DEPENDS]} run if their dependencies change, "
            f"{counts[State.RESTORED]} are restored from the run cache, {counts[State.UNCHANGED]} are up to date"
        )
        if counts[State.RUNS]:
            shortest, longest = self.seconds(jobs)
            if longest is None:
                unknown = sum(step.seconds is None for step in self.of(State.RUNS, State.DEPENDS))
                yield f"the time is unknown, since {unknown} of these stages have not run here yet"
            else:
                least = "" if shortest == longest or shortest is None else f"{say_time(shortest)} to "
                yield f"about {least}{say_time(longest)} with {jobs} at once"


def make(repository: "Repository", targets: list[str], root: Path) -> Plan:
    """Plan a run without running anything.

    Args:
        repository: The repository.
        targets: As for `dvc repro`; none for the whole pipeline.
        root: The root of the repository.

    Returns:
        The plan.

    Raises:
        UnrollError: DVC cannot read the pipeline, or there is no such target.
    """
    from unroll.pipeline.runner import inspection

    nodes = repository.collect(targets)
    times = schedule.seconds(nodes, durations.read(root))
    steps: dict[str, Step] = {}
    pending: set[str] = set()  # what is written by stages that run
    known: dict[str, Any] = {}  # the hashes of what is restored
    for name, node in nodes.items():
        reasons = inspection.reasons(repository, name, {*pending, *known}, known)
        before = {steps[other].state for other in node.upstream}
        unsettled = bool(before & {State.RUNS, State.DEPENDS})
        if reasons and not unsettled and (cached := inspection.find_cached(repository, name, known)) is not None:
            state = State.RESTORED
            known |= cached
        elif reasons or unsettled:
            state = State.RUNS if reasons else State.DEPENDS
            pending |= set(node.outs)
        else:
            state = State.UNCHANGED
        steps[name] = Step(node, state, reasons, times[name])
    return Plan(steps)
