"""Speed of a training by several ranks of one thread each, compared with one rank of as many threads.

    python -m benchmarks.ranks [--json] [--ranks N] [--rounds N] [--quick]

The same network is trained on the same batches by `unroll.training.fit`. Both trainings take turns, window by window,
while the other ranks wait; a figure is the median over all steps. The sizes are those of `benchmarks.training`.
"""

import argparse
from collections.abc import Iterable
from functools import partial

from benchmarks.figures import Figure, figure, show
from benchmarks.training import TRAINING, A, B, Size, make_task, measure_in_turns
from unroll.arithmetic.threads import set_threads
from unroll.params.training import Training
from unroll.pipeline import stage
from unroll.training.fit import fit
from unroll.training.ranks.join import join
from unroll.training.ranks.process_group import Group


def train(size: Size, steps: int, group: Group | None, threads: int) -> list[float]:
    """Train by the ranks of a group, or by this process alone.

    Args:
        size: The sizes of the network and its batches.
        steps: The number of steps.
        group: The ranks; None for this process alone.
        threads: The number of threads of this process.

    Returns:
        The seconds of each step.
    """
    ranks = group.size if group else 1
    params = Training.model_validate(TRAINING.model_dump() | {"ranks": ranks, "batch_size": size.rows})
    set_threads(threads)
    task = make_task(size, steps)
    fit(task, params, 1, lambda *_, **__: None, None, "cpu", group)
    return task.seconds


def speed(size: Size, group: Group, rounds: int, steps: int) -> Iterable[Figure]:
    """Measure the words per second of both trainings. Ranks above 0 take part in that of all ranks only."""
    windows = {"ranks": partial(train, size, steps, group, 1)}
    if group.rank == 0:
        windows["threads"] = partial(train, size, steps, None, group.size)
    measured = measure_in_turns(rounds, windows)
    if group.rank == 0:
        rates = {name: size.tokens / sorted(seconds)[len(seconds) // 2] for name, seconds in measured.items()}
        label, peer = f"training at size {size.name} by {group.size} ranks", f"one rank of {group.size} threads"
        yield figure(label, rates["ranks"], "words per second", peer, rates["threads"])


def main() -> None:
    """Print all figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    parser.add_argument("--ranks", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5, help="the number of windows of each training")
    parser.add_argument("--quick", action="store_true", help="a few steps of each training, to test the benchmark")
    arguments = parser.parse_args()
    stage.tune_malloc()
    rounds, steps = (1, 6) if arguments.quick else (arguments.rounds, 40)
    with join(arguments.ranks, "cpu") as group:
        if group is None:
            parser.error("--ranks: give at least 2")
        figures = [row for size in (A, B) for row in speed(size, group, rounds, steps)]
    if group.rank == 0:
        show(figures, arguments.json)


if __name__ == "__main__":
    main()
