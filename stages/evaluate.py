"""Measure one model of any section on the test split: python -m stages.evaluate MODEL."""

import json
from pathlib import Path

from unroll.params.root import Root
from unroll.pipeline import stage


def main(params: Root, name: str) -> None:
    """Evaluate the model `name`, and publish its metrics, samples and losses."""
    from unroll.evaluation.evaluate import evaluate
    from unroll.evaluation.subject import Subject
    from unroll.models.base.folder import read_experiment
    from unroll.tracking.record import record
    from unroll.tracking.results import evaluation

    folder = Path("models") / name
    experiment = read_experiment(folder)
    partition = Path("data/partitions") / experiment["tokenizer"]
    with (
        record(result := evaluation(params, name)),
        stage.atomic_outputs(*result.outputs) as (metrics, samples, details),
    ):
        subject = Subject.load(folder, partition, params.evaluate, params.seed)
        found = evaluate(subject)
        about = {key: value for key, value in experiment.items() if key != "sampled"}
        declared = {"parameters": subject.model.parameters, "fitted_on_valid": list(subject.model.fitted_on_valid)}
        described = {**about, **declared, **found.write(details)}
        metrics.write_text(json.dumps(described, indent=1) + "\n", encoding="utf-8")
        samples.write_text(found.samples, encoding="utf-8")


if __name__ == "__main__":
    stage.run(main, "experiments")
