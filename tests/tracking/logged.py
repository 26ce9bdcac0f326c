"""Runs as the pipeline logs them: models with their curves, three seeds, and an experiment with its models."""

import math
import random
from dataclasses import dataclass
from typing import Any

from unroll.tracking import store

HOUR = 3_600_000
"""In milliseconds, as MLflow counts time."""
START = 1_795_860_000_000  # 2026-11-28
SEEDS = {"gru": (82.04, 82.02, 86.71), "lstm": (102.88, 100.39, 103.18)}
"""The test perplexities of three seeds."""
EXPERIMENT = "red-newt"
"""The name of a DVC experiment."""
TRIED = {"gru": 79.85, "lstm": 97.31}
"""The test perplexities of its models."""
COUNTED = {"kneser5": 94.61, "trigram": 114.45, "bigram": 139.06}
"""Those of models of counting, which have no curve."""
COLORS = {
    "gru": ("#5b2c00", "#b35806", "#e08214", "#fdb863"),
    "lstm": ("#10002b", "#542788", "#8073ac", "#b2abd2"),
}
"""The colors of curves: of the experiment, and of each seed. Those of MLflow are random, and some are alike."""
PARAMETERS = {"gru": 659190, "lstm": 692214, "kneser5": 927080, "trigram": 313765, "bigram": 95362}


@dataclass
class Log:
    """Logs runs with the client of MLflow, a quarter of an hour after each other."""

    client: Any
    experiment: str
    runs: int = 0

    def run(self, name: str, kind: str, metrics: dict[str, float], parent: str = "", **tags: str) -> str:
        """Log a finished run, and return its id."""
        from mlflow.entities import Metric, RunTag

        start, self.runs = START + self.runs * HOUR // 4, self.runs + 1
        known = tags | {"unroll.kind": kind} | ({"mlflow.parentRunId": parent} if parent else {})
        info = self.client.create_run(self.experiment, start_time=start, run_name=name).info
        self.client.log_batch(
            info.run_id,
            metrics=[Metric(key, value, start, 0) for key, value in metrics.items()],
            tags=[RunTag(key, value) for key, value in known.items()],
        )
        seconds = metrics.get("train_seconds", 1.5)
        self.client.set_terminated(info.run_id, end_time=start + int(1000 * seconds))
        return str(info.run_id)

    def model(self, model: str, perplexity: float, parent: str = "", seed: int = 1, experiment: str = "") -> str:
        """Log a run of a model; that of a network has a curve of eight epochs."""
        from mlflow.entities import Metric, Param

        is_network = model in SEEDS
        metrics = measure(perplexity) | {"parameters": PARAMETERS[model], "train_seconds": round(59 + perplexity / 3)}
        if not is_network:
            del metrics["best_valid_loss"]
        entry = model if seed == 1 else f"{model}_{seed}"
        name = f"{entry} {experiment}".strip()
        tags = {"unroll.model": entry} | ({"dvc.exp.name": experiment} if experiment else {})
        if is_network:
            tags["mlflow.runColor"] = COLORS[model][0 if experiment else seed]
        run = self.run(name, "model", metrics, parent, **tags)
        noise = random.Random(name)
        curve = [
            Metric(key, metrics["best_valid_loss"] + rise + noise.uniform(-0.02, 0.02), START + epoch, 335 * epoch)
            for epoch in range(1, 9 if is_network else 1)
            for key, rise in (("valid_loss", 1.2 * 2.0**-epoch), ("train_loss", 1.6 * 1.8**-epoch - 0.3))
        ]
        settings = {"family": "recurrent" if is_network else "ngram", "tokenizer": "words", "seed": str(seed)}
        self.client.log_batch(run, metrics=curve, params=[Param(key, value) for key, value in settings.items()])
        return run


def measure(perplexity: float) -> dict[str, float]:
    """The metrics of a model with a test perplexity, with few digits."""
    metrics = {"test_perplexity": perplexity, "bits_per_byte": 0.3205 * math.log2(perplexity)}
    metrics["best_valid_loss"] = math.log(perplexity) + 0.04
    return {name: round(value, 4) for name, value in metrics.items()}


def log_runs() -> Log:
    """Log the runs of two parents with seeds, of a parent with the models of an experiment, and of models of counting.

    The store is that of the present folder.
    """
    import mlflow

    client = mlflow.MlflowClient(store.prepare())
    log = Log(client, store.experiment_id(client))
    for model, perplexity in COUNTED.items():
        log.model(model, perplexity)
    for model, perplexities in SEEDS.items():
        mean = sum(perplexities) / len(perplexities)
        parent = log.run(f"{model}, 3 seeds", "seeds", measure(mean), **{"unroll.model": model})
        for seed, perplexity in enumerate(perplexities, 1):
            log.model(model, perplexity, parent, seed)
    parent = log.run(EXPERIMENT, "experiment", {}, **{"dvc.exp.name": EXPERIMENT})
    for model, perplexity in TRIED.items():
        log.model(model, perplexity, parent, experiment=EXPERIMENT)
    return log
