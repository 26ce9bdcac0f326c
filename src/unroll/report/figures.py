"""Figures of models as PNG files, for MLflow and the documents; their bytes depend on the numbers only."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from unroll.report.curves import Rows, points
from unroll.report.leaderboard import is_language_model, rank_by_corpus
from unroll.report.maps import Place, parse_places

MAX_TOKENS = 80
"""The number of tokens of each side of a heat map; more are not legible."""
TRANSLATION_MEASURES = {"exact_match": ("exact match (%)", 100), "bleu": ("BLEU", 1)}
"""The label and the factor of each measure of translations."""


def draw(
    results: pd.DataFrame,
    curves: Mapping[str, Rows],
    samples: Mapping[str, str],
    diagnostics: Mapping[str, Mapping[str, Any]],
    folder: Path,
) -> None:
    """Draw the figures of all models and of each model.

    The files are curves.png, perplexity.png, bits_per_byte.png, translation_by_length.png if a model translates, and
    for each model `<kind>_<model>.png` for the kinds of `draw_model`. Runs with other seeds have the latter only.

    Args:
        results: The table of all models.
        curves: The learning curves, by model.
        samples: The texts that stage evaluate wrote, by model.
        diagnostics: The diagnostics that stage evaluate wrote, by model.
        folder: The folder to write to.
    """
    compared = results[~results.repeats]
    predicting = compared[is_language_model(compared)]
    _save(draw_learning_curves(predicting, curves), folder / "curves.png")
    perplexities = draw_bars(predicting, "test_perplexity", "test perplexity (log scale)", log=True, group="tokenizer")
    _save(perplexities, folder / "perplexity.png")
    texts = pd.concat([results.head(0), *rank_by_corpus(results).values()])
    bits = draw_bars(texts, "bits_per_byte", "bits per byte of the test text", log=False, group="corpus")
    _save(bits, folder / "bits_per_byte.png")
    if len(translators := compared[compared.exact_match.notna()]):
        _save(draw_translation_by_length(translators), folder / "translation_by_length.png")
    for row in results.itertuples():
        figures = draw_model(row, samples[row.model], diagnostics.get(row.model, {}))
        for kind, figure in figures.items():
            _save(figure, folder / f"{kind}_{row.model}.png")


def draw_model(row: Any, sample: str, diagnostics: Mapping[str, Any]) -> dict[str, Figure]:
    """Draw the figures of one model.

    Args:
        row: The row of the model in the table of all models.
        sample: The text that stage evaluate wrote.
        diagnostics: The diagnostics of the model.

    Returns:
        The figures by kind: `attention` in the longest sample of a model with attention, the `confusion` matrix of a
        classifier, and the `projection` of word vectors.
    """
    found = {}
    if attention := diagnostics.get("attention"):
        found["attention"] = draw_attention(**max(attention, key=lambda example: len(example["source"])))
    if confusion := diagnostics.get("confusion"):
        found["confusion"] = draw_confusion(confusion["classes"], confusion["counts"])
    if pd.notna(row.dimensions):
        found["projection"] = draw_projection(parse_places(sample), row.model)
    return found


def draw_learning_curves(results: pd.DataFrame, curves: Mapping[str, Rows]) -> Figure:
    """Draw the losses by epoch: lines for train, dots for valid, and a panel for each tokenizer."""
    trained = {name: line for name in results.model if (line := points(curves[name], "train_loss"))}
    groups = results[results.model.isin(list(trained))].groupby("tokenizer", sort=False).model
    figure = Figure(figsize=(4.2 * max(1, len(groups)), 3.6), layout="constrained")
    for index, (tokenizer, names) in enumerate(groups):
        axes = figure.add_subplot(1, len(groups), index + 1, title=tokenizer)
        axes.set(xlabel="epoch", ylabel="nats per token")
        for color, name in enumerate(names):
            _plot(axes, trained[name], "-", color=f"C{color}", label=name)
            _plot(axes, points(curves[name], "valid_loss"), "o", color=f"C{color}", markersize=4)
        axes.legend(title="line: train, dots: valid", title_fontsize="small", fontsize="small")
        axes.grid(alpha=0.3)
    return figure


def draw_bars(results: pd.DataFrame, metric: str, label: str, log: bool, group: str) -> Figure:
    """Draw a horizontal bar for each model, the best on top, with a colour for each tokenizer.

    Args:
        results: The rows of the models; those with an infinite value are left out.
        metric: The name of the metric.
        label: The label of the axis.
        log: Whether the axis is logarithmic.
        group: The field whose values have to be equal for the metric to be comparable: `tokenizer` or `corpus`. Each of
            its values has axes of its own.

    Returns:
        The figure.
    """
    ranked = results[np.isfinite(results[metric])].sort_values(metric, ascending=False, kind="stable")
    tokenizers = ranked.tokenizer.unique()
    groups = dict(iter(ranked.groupby(group, sort=False))) or {"": ranked}
    heights = [max(2, len(rows)) for rows in groups.values()]
    figure = Figure(figsize=(6.4, 0.6 * len(groups) + 0.32 * sum(heights)), layout="constrained")
    panels = figure.subplots(len(groups), 1, squeeze=False, height_ratios=heights)[:, 0]
    for axes, (name, rows) in zip(panels, groups.items(), strict=True):
        for color, tokenizer in enumerate(tokenizers):
            places = np.flatnonzero(rows.tokenizer == tokenizer)
            if places.size:
                drawn = axes.barh(places, rows[metric].iloc[places], color=f"C{color}", label=tokenizer)
                axes.bar_label(drawn, fmt="%.4g", padding=3, fontsize="small")
        axes.set_yticks(range(len(rows)), rows.model)
        if log:
            axes.set_xscale("log")
        axes.margins(x=0.15)
        if group != "tokenizer" and len(rows):
            axes.legend(title="tokenizer", fontsize="small")
        axes.set_title(f"{group} {name}" if name else "", fontsize="medium", loc="left")
    panels[-1].set_xlabel(label)
    return figure


def draw_translation_by_length(results: pd.DataFrame) -> Figure:
    """Draw the quality of translations by the length of the source.

    Args:
        results: The rows of the models that translate.

    Returns:
        A figure with a panel for each measure, a line for each model and a point in the middle of each group of source
        lengths.
    """
    figure = Figure(figsize=(8.4, 3.6), layout="constrained")
    for index, (measure, (label, factor)) in enumerate(TRANSLATION_MEASURES.items()):
        axes = figure.add_subplot(1, len(TRANSLATION_MEASURES), index + 1, ylim=(-2, 102))
        axes.set(xlabel="source tokens", ylabel=label)
        for row in results.itertuples():
            groups = row.by_source_length
            line = [((group["first"] + group["last"]) / 2, factor * group[measure]) for group in groups]
            _plot(axes, line, "o-", label=row.model, markersize=4)
        axes.grid(alpha=0.3)
        axes.legend(fontsize="small")
    return figure


def draw_attention(source: Sequence[str], target: Sequence[str], weights: Any) -> Figure:
    """Draw the attention of each target token (rows) to the source tokens (columns).

    Args:
        source: The source tokens (S,).
        target: The target tokens (T,).
        weights: The attention weights (T, S), with rows that sum to one.

    Returns:
        The figure of the first `MAX_TOKENS` tokens of each side. The darkest colour is the weight 1, or for a single
        target, such as a class, the largest of its weights: a long text has small weights only.
    """
    weights = np.asarray(weights, dtype=np.float64)[:MAX_TOKENS, :MAX_TOKENS]
    source, target = ([_escape(token) for token in tokens[:MAX_TOKENS]] for tokens in (source, target))
    figure = Figure(figsize=(2 + 0.35 * len(source), 1.5 + 0.3 * len(target)), layout="constrained")
    axes = figure.add_subplot()
    darkest = 1.0 if len(target) > 1 else float(weights.max(initial=0)) or 1.0
    image = axes.imshow(weights, cmap="Blues", vmin=0, vmax=darkest, aspect="auto")
    axes.set_xticks(range(len(source)), source, rotation=60, ha="left", rotation_mode="anchor")
    axes.xaxis.tick_top()
    axes.set_yticks(range(len(target)), target)
    figure.colorbar(image, ax=axes, label="attention")
    return figure


def draw_influence(tokens: Sequence[str], nats: Any) -> Figure:
    """Draw how much each earlier token (columns) raises the log-probability of each token (rows).

    Args:
        tokens: The tokens (T,).
        nats: The influences (T, T); only those with column < row are drawn.

    Returns:
        The figure of the first `MAX_TOKENS` tokens. The colours end at the largest finite influence, and infinite ones
        have the colour of the end.
    """
    nats = np.asarray(nats, dtype=np.float64)[:MAX_TOKENS, :MAX_TOKENS]
    words = [_escape(token) for token in tokens[:MAX_TOKENS]]
    limit = np.abs(nats[np.isfinite(nats)]).max(initial=0) or 1.0
    drawn = np.where(np.tri(len(words), k=-1, dtype=bool), np.clip(nats, -limit, limit), np.nan)
    figure = Figure(figsize=(2.6 + 0.35 * len(words), 1.5 + 0.3 * len(words)), layout="constrained")
    axes = figure.add_subplot(xlabel="earlier token", ylabel="predicted token")
    image = axes.imshow(drawn, cmap="RdBu", vmin=-limit, vmax=limit, aspect="auto")
    axes.set_xticks(range(len(words)), words, rotation=60, ha="left", rotation_mode="anchor")
    axes.xaxis.tick_top()
    axes.set_yticks(range(len(words)), words)
    figure.colorbar(image, ax=axes, label="influence (nats)")
    return figure


def draw_confusion(classes: Sequence[str], counts: Any) -> Figure:
    """Draw a confusion matrix.

    Args:
        classes: The names (C,) of the classes.
        counts: The numbers (C, C) of documents by true class (rows) and predicted class (columns).

    Returns:
        The figure.
    """
    counts = np.asarray(counts)
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


def draw_projection(places: Sequence[Place], title: str) -> Figure:
    """Draw a map of tokens: the first two principal components of their vectors."""
    figure = Figure(figsize=(8, 6.4), layout="constrained")
    axes = figure.add_subplot(title=title, xlabel="first principal component", ylabel="second")
    axes.plot([x for _, x, _ in places], [y for _, _, y in places], ".", color="C0", markersize=3)
    for token, x, y in places:
        text = token.strip().replace("$", r"\$")
        axes.annotate(text, (x, y), (2, 2), textcoords="offset points", fontsize="x-small")
    return figure


def _plot(axes: Axes, line: Sequence[tuple[float, float]], style: str, **options: Any) -> None:
    if line:  # without points, matplotlib would plot the letters of the style
        axes.plot([x for x, _ in line], [y for _, y in line], style, **options)


def _escape(token: str) -> str:
    """Escape what matplotlib reads as mathematics, and show a single space as a visible character."""
    return token.replace("$", r"\$").replace(" ", "␣" if len(token) == 1 else "")


def _save(figure: Figure, path: Path) -> None:
    figure.savefig(path, dpi=110, metadata={"Software": None})  # the version of matplotlib does not change the bytes
