"""Pictures of all models, as PNG: bytes that depend on the numbers alone."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from unroll.report.by_length import quality_by_length
from unroll.report.curve import curve, learned
from unroll.report.heatmap import heatmap
from unroll.report.leaderboard import Result
from unroll.report.projection import projection
from unroll.report.recurrent_figures import recurrent_figures

matplotlib.use("agg")
Diagnostics = Mapping[str, Mapping[str, Any]]


def draw(results: Sequence[Result], curves: Path, samples: Path, diagnostics: Diagnostics, folder: Path) -> None:
    """curves.png, perplexity.png, bits_per_byte.png, per classifier a confusion matrix and per vectors a map of them,
    the quality of translations by length, per model with attention that of its longest sample, and of all recurrent
    networks the norms of their gradients, spectral radii, gradient flow and gates.

    `curves` holds the train stage's CSV files, `samples` and `diagnostics` (by model) what evaluate wrote."""
    predicting = [result for result in results if result.predicts]
    several = {
        r["corpus"]
        for r in predicting
        if any(o["tokenizer"] != r["tokenizer"] for o in predicting if o["corpus"] == r["corpus"])
    }
    texts = [result for result in predicting if not result.translates and result["corpus"] in several]
    _save(learning_curves(predicting, curves), folder / "curves.png")
    _save(bars(predicting, "test_perplexity", "test perplexity (log scale)", log=True), folder / "perplexity.png")
    _save(bars(texts, "bits_per_byte", "bits per byte of the test text", log=False), folder / "bits_per_byte.png")
    if translators := [result for result in results if result.translates]:
        _save(quality_by_length(translators), folder / "translation_by_length.png")
    rows = {result.name: curve(curves / f"{result.name}.csv") for result in results}
    for kind, figure in recurrent_figures(rows, diagnostics).items():
        _save(figure, folder / f"{kind}.png")
    for result in results:
        path = samples / f"{result.name}.txt"
        for kind, figure in of_model(result, path, diagnostics.get(result.name, {})).items():
            _save(figure, folder / f"{kind}_{result.name}.png")


def of_model(result: Result, samples: Path, diagnostics: Mapping[str, Any]) -> dict[str, Figure]:
    """What there is to draw of one model's evaluation, by kind: where it looked in its longest sample, the confusions
    of its classes, the places of its tokens. `samples` is the file that evaluate wrote."""
    if attention := diagnostics.get("attention"):
        return {"attention": heatmap(**max(attention, key=lambda one: len(one["source"])))}
    if result.predicts:
        return {}
    with samples.open(encoding="utf-8") as file:
        head = file.readline()
    classes = head.startswith("true\t")
    return {"confusion": confusion(samples)} if classes else {"projection": projection(samples, result.name)}


def learning_curves(results: Sequence[Result], folder: Path) -> Figure:
    """Loss against step: training as a line, validation as dots, one panel per tokenizer."""
    trained = [r for r in results if learned(curve(folder / f"{r.name}.csv"))]
    groups = list(dict.fromkeys(result["tokenizer"] for result in trained))
    figure = Figure(figsize=(4.2 * max(1, len(groups)), 3.6), layout="constrained")
    for index, tokens in enumerate(groups):
        axes = figure.add_subplot(1, len(groups), index + 1, title=tokens, xlabel="epoch", ylabel="nats per token")
        for color, result in enumerate(r for r in trained if r["tokenizer"] == tokens):
            _draw_curve(axes, folder / f"{result.name}.csv", result.name, f"C{color}")
        axes.legend(title="line: train, dots: valid", title_fontsize="small", fontsize="small")
        axes.grid(alpha=0.3)
    return figure


def _draw_curve(axes: Axes, path: Path, label: str, color: str) -> None:
    """Training as a line, validation as dots."""
    rows = curve(path)
    for column, style in (("train_loss", "-"), ("valid_loss", "o")):
        points = [(row["epoch"], row[column]) for row in rows if column in row]
        axes.plot(*zip(*points, strict=True), style, color=color, label=label if style == "-" else None, markersize=4)


def bars(results: Sequence[Result], key: str, label: str, log: bool) -> Figure:
    """One horizontal bar per model, best on top, coloured by tokenizer."""
    ranked = sorted((r for r in results if r[key] != "inf"), key=lambda r: -float(r[key]))
    groups = list(dict.fromkeys(result["tokenizer"] for result in ranked))
    figure = Figure(figsize=(6.4, 0.6 + 0.32 * max(2, len(ranked))), layout="constrained")
    axes = figure.add_subplot(xlabel=label)
    for tokens in groups:
        rows = [(index, r) for index, r in enumerate(ranked) if r["tokenizer"] == tokens]
        drawn = axes.barh(
            [i for i, _ in rows], [r[key] for _, r in rows], color=f"C{groups.index(tokens)}", label=tokens
        )
        axes.bar_label(drawn, fmt="%.4g", padding=3, fontsize="small")
    axes.set_yticks(range(len(ranked)), [result.name for result in ranked])
    if log:
        axes.set_xscale("log")
    axes.margins(x=0.15)
    if groups:
        axes.legend(title="tokens", fontsize="small")
    return figure


def confusion(path: Path) -> Figure:
    """The confusion matrix of a table of true and predicted classes."""
    with path.open(newline="", encoding="utf-8") as file:
        rows = [(row["true"], row["predicted"]) for row in csv.DictReader(file, delimiter="\t")]
    classes = sorted({label for row in rows for label in row})
    counts = np.zeros((len(classes), len(classes)), dtype=np.int64)
    for true, predicted in rows:
        counts[classes.index(true), classes.index(predicted)] += 1
    shares = counts / np.maximum(1, counts.sum(1, keepdims=True))
    figure = Figure(figsize=(2.5 + 0.45 * len(classes), 2 + 0.4 * len(classes)), layout="constrained")
    axes = figure.add_subplot(xlabel="predicted", ylabel="true")
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    axes.set_xticks(range(len(classes)), classes, rotation=45, ha="right")
    axes.set_yticks(range(len(classes)), classes)
    for (row, column), count in np.ndenumerate(counts):
        color = "white" if shares[row, column] > 0.5 else "black"
        axes.text(column, row, str(count), ha="center", va="center", color=color, fontsize="small")
    figure.colorbar(image, ax=axes, label="share of the true class")
    return figure


def _save(figure: Figure, path: Path) -> None:
    figure.savefig(path, dpi=110, metadata={"Software": None})  # no version of the library in the bytes
