"""Everything the report stage writes, from the files that the evaluations left."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from ruamel.yaml import YAML

from unroll.evaluation import token_losses
from unroll.evaluation.analysis import learning_curve
from unroll.evaluation.evaluation import read_diagnostics
from unroll.params import Root
from unroll.params.root import NEEDED
from unroll.report import comparison, diagram, distance, leaderboard, page, seeds, series
from unroll.report.curve import curve
from unroll.report.leaderboard import Result
from unroll.text.tokenizers import frequencies


def gather(params: Root, root: Path) -> page.Findings:
    """Read the metrics, evaluations, samples and curves of all models below `root`."""
    names = list(params.experiments)
    results = leaderboard.read(names, root / "metrics")
    folders = {name: root / "data/evaluations" / name for name in names}
    tables = {r.name: token_losses.read(folders[r.name] / token_losses.FILE) for r in results if r.predicts}
    k_step = {name: np.load(file) for name in names if (file := folders[name] / "k_step.npy").is_file()}
    groups = {
        tokens: sorted((r for r in results if r.predicts and r["tokenizer"] == tokens), key=_perplexity)
        for tokens in dict.fromkeys(r["tokenizer"] for r in results if r.predicts)
    }
    statistics, seed = params.evaluate.statistics, params.seed
    learned = {
        name: learning_curve.read(root / "metrics/learning_curves" / f"{name}.json") for name in params.learning_curves
    }
    distances = {t: distance.measure(ranked, tables, k_step, learned, statistics, seed) for t, ranked in groups.items()}
    pipeline = YAML(typ="safe").load((root / "dvc.yaml").read_text(encoding="utf-8"))
    return page.Findings(
        results=results,
        losses=tables,
        diagnostics={name: read_diagnostics(folders[name]) for name in names},
        curves={name: curve(root / "metrics/train" / f"{name}.csv") for name in names},
        samples={name: (root / "reports/samples" / f"{name}.txt").read_text(encoding="utf-8") for name in names},
        pairs={
            tokens: comparison.pairs([r.name for r in ranked], _nats(ranked, tables), statistics, seed)
            for tokens, ranked in groups.items()
        },
        seeds=[
            seeds.measure(model, runs, {name: tables[name]["nll"] for name in runs}, statistics, seed)
            for model, runs in _by_model(params).items()
        ],
        distances={tokens: found for tokens, found in distances.items() if found is not None},
        series=series.read(list(params.series), root / "metrics/series"),
        frequencies={name: frequencies.by_rank(path) for name, path in _tables(params, root).items()},
        confidence=statistics.confidence,
        params=(root / "params.yaml").read_text(encoding="utf-8"),
        pipeline=diagram.draw(diagram.groups(pipeline, params.model_dump())),
        hashes=_hashes(results, root),
    )


def contents(found: page.Findings) -> tuple[str, str, str, str]:
    """Of leaderboard.md, leaderboard.csv, comparisons.csv and index.html."""
    results = found.results
    board = "\n".join([leaderboard.markdown(results), *series.markdown(found.series)])
    return board, leaderboard.table(results), comparison.table(found.pairs), page.render(found)


def _tables(params: Root, root: Path) -> dict[str, Path]:
    """By tokens, those that have frequencies: of a series there are none."""
    paths = {name: root / "data/tokens" / name / "frequencies.parquet" for name in params.tokenizers}
    return {name: path for name, path in paths.items() if path.is_file()}


def _perplexity(result: Result) -> float:
    return float(result["test_perplexity"])


def _nats(
    ranked: Sequence[Result], tables: dict[str, dict[str, token_losses.Column]]
) -> dict[str, token_losses.Column]:
    return {result.name: tables[result.name]["nll"] for result in ranked}


def _by_model(params: Root) -> dict[str, list[str]]:
    """By model that has repeats, it and them; classifiers have no losses of tokens to compare."""
    found: dict[str, list[str]] = {}
    for name, repeat in params.seeds.items():
        if NEEDED.get(repeat.family) != "labelled":
            found.setdefault(repeat.model, [repeat.model]).append(name)
    return found


def _hashes(results: Sequence[Result], root: Path) -> dict[str, str]:
    # Not of dvc.yaml: DVC takes it for no dependency, so its hash here could be that of an older one.
    params = {"params.yaml": hashlib.sha256((root / "params.yaml").read_bytes()).hexdigest()}
    kept = {f"data/evaluations/{r.name}/{token_losses.FILE}": r["losses_sha256"] for r in results if r.predicts}
    return params | kept
