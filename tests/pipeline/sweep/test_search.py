"""The points of a sweep are a function of the seed, also when the sweep is interrupted."""

import math
import time
from collections.abc import Callable
from typing import Any

import pytest

from unroll.pipeline.sweep.search import Search
from unroll.pipeline.sweep.space import Space
from unroll.pipeline.sweep.trials import Trial

pytest.importorskip("optuna", reason="the extra `search` is not installed")

RANDOM = {"kind": "random", "seed": 3}
TPE = {"kind": "tpe", "seed": 3, "startup_trials": 4}
MEDIAN = {"kind": "median", "model": "lstm", "startup_trials": 2, "warmup_epochs": 1}


def make_space(sampler: dict[str, Any], pruner: dict[str, Any] | None = None, direction: str = "minimize") -> Space:
    return Space.model_validate(
        {
            "targets": ["train@lstm"],
            "metric": {"file": "m.json", "key": "loss", "direction": direction},
            "sampler": sampler,
            "pruner": pruner or {"kind": "none"},
            "space": {
                "rate": {"kind": "float", "low": 1e-4, "high": 1.0, "log": True, "step": None},
                "size": {"kind": "int", "low": 8, "high": 64, "log": False, "step": 8},
                "cell": {"kind": "choice", "values": ["lstm", ["gru", 2], {"kind": "rnn"}]},
            },
        }
    )


def loss(params: dict[str, Any]) -> float:
    return (math.log10(params["rate"]) + 2) ** 2 + params["size"] / 64


def run(
    space: Space, count: int, known: list[Trial], finish: Callable[[int], str] = lambda _: "finished"
) -> list[Trial]:
    """Go on with a sweep until it has `count` trials, one after the other."""
    search = Search("rate", space, known)
    trials = {trial.number: trial for trial in known}
    while sum(trial.state != "running" for trial in trials.values()) < count:
        number, params = search.ask()
        state = finish(number)
        value = loss(params) if state == "finished" else None
        trials[number] = Trial(number, f"rate-{number}", params, state, 0, value=value)  # type: ignore[arg-type]
        search.tell(trials[number])
    return [trials[number] for number in sorted(trials)]


@pytest.mark.parametrize("sampler", [RANDOM, TPE])
def test_an_interrupted_sweep_has_the_points_of_an_undisturbed_one(sampler: dict[str, Any]) -> None:
    space = make_space(sampler)
    whole = run(space, 12, [], lambda number: "failed" if number == 5 else "finished")
    for cut in (1, 4, 8):
        known = [*whole[:cut], Trial(cut + 1, "", whole[cut].params, "running", 0)]
        again = run(space, 12, known, lambda number: "failed" if number == 5 else "finished")
        assert [trial.params for trial in again] == [trial.params for trial in whole]


def test_random_points_do_not_depend_on_results_and_workers() -> None:
    space = make_space(RANDOM)
    search = Search("rate", space, [])
    at_once = [search.ask() for _ in range(6)]
    assert at_once == [(trial.number, trial.params) for trial in run(space, 6, [])]


def test_points_are_in_the_space_and_another_seed_gives_others() -> None:
    trials = run(make_space(RANDOM), 40, [])
    assert {trial.params["size"] % 8 for trial in trials} == {0}
    assert all(1e-4 <= trial.params["rate"] <= 1 and 8 <= trial.params["size"] <= 64 for trial in trials)
    assert [cell for cell in ("lstm", ["gru", 2], {"kind": "rnn"}) if cell in [t.params["cell"] for t in trials]] == [
        "lstm",
        ["gru", 2],
        {"kind": "rnn"},
    ]
    assert len({trial.params["rate"] for trial in trials}) == 40
    assert trials[0].params != run(make_space(RANDOM | {"seed": 4}), 1, [])[0].params


def test_tpe_finds_better_points_than_random_ones() -> None:
    means = {}
    for sampler in (RANDOM, TPE):
        trials = run(make_space(sampler), 40, [])
        means[sampler["kind"]] = sum(loss(trial.params) for trial in trials[20:]) / 20
    assert means["tpe"] < 0.7 * means["random"]


@pytest.mark.parametrize("direction", ["minimize", "maximize"])
def test_the_median_pruner_ends_the_worst_training(direction: str) -> None:
    """Whatever the metric of the sweep is, a smaller validation loss is better."""
    space = make_space(RANDOM, MEDIAN, direction)
    search = Search("rate", space, [])
    for bad in (1.0, 2.0):
        number, params = search.ask()
        for epoch in (1, 2, 3):
            search.should_prune(number, epoch, bad / epoch)
        search.tell(Trial(number, "", params, "finished", 0, value=0.5))
    number, _ = search.ask()
    assert [search.should_prune(number, epoch, 9.0) for epoch in (1, 2)] == [False, True]  # one epoch warms up
    number, _ = search.ask()
    assert not any(search.should_prune(number, epoch, 0.1) for epoch in (1, 2, 3))


@pytest.mark.parametrize(
    "pruner",
    [
        {"kind": "successive_halving", "model": "lstm", "min_epochs": 1, "reduction_factor": 2},
        {"kind": "hyperband", "model": "lstm", "min_epochs": 1, "max_epochs": 8, "reduction_factor": 2},
    ],
)
def test_successive_halving_ends_bad_trainings_and_keeps_good_ones(pruner: dict[str, Any]) -> None:
    def pruned_at(known: list[Trial], count: int) -> list[tuple[int, int]]:
        search, found = Search("rate", make_space(RANDOM, pruner), known), []
        for _ in range(count):
            number, params = search.ask()
            observed: dict[int, float] = {}
            for epoch in range(1, 9):
                observed[epoch] = number / epoch  # each trial is worse than those before it
                if search.should_prune(number, epoch, observed[epoch]):
                    break
            state = "pruned" if len(observed) < 8 else "finished"
            value = None if state == "pruned" else observed[8]
            known.append(Trial(number, "", params, state, 0, value=value, observed=observed))  # type: ignore[arg-type]
            search.tell(known[-1])
            found.append((number, len(observed)))
        return found

    whole = pruned_at([], 10)
    assert whole[0] == (1, 8)
    assert sum(epochs < 8 for _, epochs in whole) >= 4
    known: list[Trial] = []
    assert pruned_at(known, 6) + pruned_at(known, 4) == whole  # interrupted after six


@pytest.mark.slow
def test_the_time_of_three_hundred_points_is_linear() -> None:
    space, trials = make_space(TPE), list[Trial]()
    search, seconds = Search("rate", space, []), list[float]()
    for _ in range(300):
        start = time.process_time()
        number, params = search.ask()
        trials.append(Trial(number, "", params, "finished", 0, value=loss(params)))
        search.tell(trials[-1])
        seconds.append(time.process_time() - start)
    start = time.process_time()
    Search("rate", space, trials)
    again = time.process_time() - start
    middle, last = sorted(seconds[100:200])[50], sorted(seconds[200:])[50]
    assert last < 3 * middle + 0.005
    assert again < 5
