"""Stage report: gather the files of all evaluations, and make the contents of the report."""

import hashlib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from ruamel.yaml import YAML

from unroll.evaluation import token_losses
from unroll.evaluation.analysis import learning_curve
from unroll.evaluation.result import read_diagnostics
from unroll.params.root import Root
from unroll.report import classification, comparison, curves, diagram, leaderboard, oracle, page, series
from unroll.report.networks.draw import draw_families
from unroll.text.token_store import read_rank_frequencies


def gather(params: Root, root: Path) -> page.Findings:
    """Read the results of all models, and compare them.

    Args:
        params: The settings of the pipeline.
        root: The folder of the pipeline, with metrics, data and reports.

    Returns:
        The findings that the report shows.
    """
    names = list(params.experiments)
    results = leaderboard.read(names, root / "metrics", params.seeds)
    folders = {name: root / "data/evaluations" / name for name in names}
    predicting = results[leaderboard.is_language_model(results)]
    tables = {name: token_losses.read(folders[name] / token_losses.FILE) for name in predicting.model}
    nll = {name: table["nll"] for name, table in tables.items()}
    k_step, k_step_bias = (
        {name: np.load(file) for name in names if (file := folders[name] / f"{array}.npy").is_file()}
        for array in ("k_step", "k_step_bias")
    )
    learning_curves = {
        name: learning_curve.read(root / "metrics/learning_curves" / f"{name}.json") for name in params.learning_curves
    }
    ranked, statistics, seed = leaderboard.rank(results), params.evaluate.statistics, params.seed
    runs, classifiers = _runs_by_model(params, tables), set(results.model[results.accuracy.notna()])
    distances = {
        tokenizer: oracle.measure(group, tables, k_step, k_step_bias, learning_curves, statistics, seed)
        for tokenizer, group in ranked.items()
    }
    pipeline = YAML(typ="safe").load((root / "dvc.yaml").read_text(encoding="utf-8"))
    diagnostics = {name: read_diagnostics(folders[name]) for name in names}
    texts = {name: _first_tokens(entry) for name, entry in diagnostics.items()}
    vocabularies = dict(zip(predicting.model, predicting.vocabulary_size.astype(int), strict=True))
    return page.Findings(
        results=results,
        losses=tables,
        diagnostics=diagnostics,
        curves={name: curves.read(root / "metrics/train" / f"{name}.csv") for name in names},
        samples={name: (root / "reports/samples" / f"{name}.txt").read_text(encoding="utf-8") for name in names},
        pairs={
            tokenizer: comparison.compare_pairs(list(group.model), nll, statistics, seed, runs, params.random)
            for tokenizer, group in ranked.items()
        },
        classifiers=classification.compare(
            results, root / "data/evaluations", _runs_by_model(params, classifiers), params.random, statistics, seed
        ),
        seeds=[comparison.measure_seeds(model, names, nll, statistics, seed) for model, names in runs.items()],
        distances={tokenizer: distance for tokenizer, distance in distances.items() if distance is not None},
        series=series.read(list(params.series), root / "metrics"),
        frequencies={name: read_rank_frequencies(path) for name, path in _frequency_tables(params, root).items()},
        confidence=statistics.confidence,
        params=(root / "params.yaml").read_text(encoding="utf-8"),
        networks=draw_families(params.experiments, vocabularies, texts),
        pipeline=diagram.draw(diagram.read_groups(pipeline, params.model_dump())),
        hashes=_hashes(predicting, root),
    )


def render(findings: page.Findings) -> tuple[str, str, str, str]:
    """Return the contents of leaderboard.md, leaderboard.csv, comparisons.csv and index.html."""
    results = findings.results
    tables = [leaderboard.to_markdown(results, findings.confidence)]
    tables += classification.to_markdown(results, findings.classifiers, findings.confidence)
    tables += series.to_markdown(findings.series)
    tables += comparison.to_markdown(findings.pairs, findings.seeds, findings.confidence)
    return "\n".join(tables), leaderboard.to_csv(results), comparison.to_csv(findings.pairs), page.render(findings)


def _first_tokens(diagnostics: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """Return the tokens of a test document and of its source, as far as the diagnostics of a model show them."""
    if influence := diagnostics.get("influence"):
        return influence["tokens"], []
    if attention := diagnostics.get("attention"):  # of a translator, since other models have an influence
        return attention[0]["target"], attention[0]["source"]
    return [], []


def _frequency_tables(params: Root, root: Path) -> Mapping[str, Path]:
    """Return the tables of frequencies of the tokenizers that have one."""
    paths = {name: root / "data/tokens" / name / "frequencies.parquet" for name in params.tokenizers}
    return {name: path for name, path in paths.items() if path.is_file()}


def _runs_by_model(params: Root, names: Collection[str]) -> dict[str, list[str]]:
    """Return, for each model with entries in `seeds` that is one of `names`, its name and theirs."""
    runs: dict[str, list[str]] = {}
    for name, entry in params.seeds.items():
        if name in names and entry.model in names:
            runs.setdefault(entry.model, [entry.model]).append(name)
    return runs


def _hashes(predicting: pd.DataFrame, root: Path) -> dict[str, str]:
    """Return the SHA-256 of the files behind the numbers.

    dvc.yaml is left out: it is not a dependency of the stage, so the hash could be that of an earlier version.
    """
    params = {"params.yaml": hashlib.sha256((root / "params.yaml").read_bytes()).hexdigest()}
    if predicting.empty:
        return params
    files = "data/evaluations/" + predicting.model + f"/{token_losses.FILE}"
    return params | dict(zip(files, predicting.losses_sha256, strict=True))
