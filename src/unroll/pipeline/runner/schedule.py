"""In which order stages start, and how long a run will take."""

import heapq
from collections.abc import Collection, Mapping

from unroll.pipeline.durations import Measured, estimate
from unroll.pipeline.runner.repository import Node

UNKNOWN = 1.0
"""The seconds of a stage of which nothing is known. Only the order of such stages depends on it."""


def seconds(nodes: Mapping[str, Node], known: Mapping[str, Measured]) -> dict[str, float | None]:
    """Estimate the time of each stage; None if nothing is known about its group."""
    found = {name: estimate(name, known) for name in nodes}
    return {name: value.seconds if value else None for name, value in found.items()}


def priorities(nodes: Mapping[str, Node], times: Mapping[str, float | None]) -> dict[str, float]:
    """Compute the time from the start of each stage to the end of the run, if nothing had to wait.

    Starting the stage with the longest such path first keeps the end of a run short (Graham 1969, "Bounds on
    multiprocessing timing anomalies").

    Args:
        nodes: The stages, each after those that it depends on.
        times: The time of each stage.

    Returns:
        The length of the path in seconds, by stage.
    """
    below = dict.fromkeys(nodes, 0.0)
    for name in reversed(list(nodes)):
        own = times[name]
        below[name] += UNKNOWN if own is None else own
        for other in nodes[name].upstream:
            if other in below:
                below[other] = max(below[other], below[name])
    return below


def simulate(nodes: Mapping[str, Node], left: Mapping[str, float], done: Collection[str], workers: int) -> float:
    """Simulate a run.

    Args:
        nodes: The stages.
        left: The seconds that each stage still needs.
        done: The stages that are done.
        workers: The number of stages at once.

    Returns:
        The seconds until all stages are done.
    """
    remaining = {name: node for name, node in nodes.items() if name not in done}
    path = priorities(remaining, {name: left[name] for name in remaining})
    waiting = {name: sum(other in remaining for other in node.upstream) for name, node in remaining.items()}
    users: dict[str, list[str]] = {name: [] for name in remaining}
    for name, node in remaining.items():
        for other in node.upstream:
            if other in users:
                users[other].append(name)
    ready = [(-path[name], name) for name, count in waiting.items() if not count]
    heapq.heapify(ready)
    running: list[tuple[float, str]] = []
    now = 0.0
    while ready or running:
        while ready and len(running) < workers:
            _, name = heapq.heappop(ready)
            heapq.heappush(running, (now + left[name], name))
        now, name = heapq.heappop(running)
        for user in users[name]:
            waiting[user] -= 1
            if not waiting[user]:
                heapq.heappush(ready, (-path[user], user))
    return now
