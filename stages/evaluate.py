"""Measure one model on the test split: python -m stages.evaluate MODEL."""

import json
from pathlib import Path
from typing import Any

from unroll import stage
from unroll.params import Root


def main(params: Root, name: str) -> None:
    from unroll import models, partition, tracking
    from unroll.evaluation.evaluate import evaluate
    from unroll.report import figures
    from unroll.text.tokenizer import Tokenizer

    section, folder = params.experiments[name], Path("models") / name
    partitions = Path("data/partitions") / section.tokens
    outputs = Path("metrics") / f"{name}.json", Path("reports/samples") / f"{name}.txt"
    with (
        tracking.run("evaluate", name, section.model_dump(), partitions) as run,
        stage.publish(*outputs) as (metrics, samples),
    ):
        data, tokenizer = partition.load(partitions), Tokenizer.load(folder / "tokenizer.json")
        values, texts = evaluate(models.load(folder), data, tokenizer, params.evaluate, params.seed)
        about = {"family": section.family, "tokens": section.tokens, "corpus": params.tokens[section.tokens].corpus}
        described: dict[str, Any] = {**about, "parameters": models.size(folder), **values}
        metrics.write_text(json.dumps(described, indent=1) + "\n", encoding="utf-8")
        samples.write_text(texts, encoding="utf-8")
        run.log_metrics({key: value for key, value in described.items() if isinstance(value, int | float)})
        run.log_file(metrics)
        run.log_file(samples)
        curve = Path("metrics/train") / f"{name}.csv"
        for file, figure in figures.of_model(name, curve, samples, "test_perplexity" in values).items():
            run.log_figure(figure, file)


if __name__ == "__main__":
    stage.run(main, "experiments")
