"""The report as one HTML page that works without a network or a server.

The page is made by jinja2 with autoescape. All text from a corpus (samples, tokens, labels) is escaped, and the content
security policy of the page forbids it to load or send anything.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from numpy.typing import NDArray

from unroll.evaluation.token_losses import Column
from unroll.report import chart, classification, leaderboard
from unroll.report.comparison import Pair, SeedVariance
from unroll.report.curves import Rows
from unroll.report.groups import Group
from unroll.report.maps import draw_maps
from unroll.report.oracle import OracleDistance, OracleSection
from unroll.report.recurrence import RecurrenceSection
from unroll.report.series import ABSENT, MEASURES, SeriesSection, errors_in
from unroll.report.zipf import ZipfSection

FOLDER = Path(__file__).parent / "page"
LARGEST_NATS = 700
"""The exponential of more nats is shown as infinite."""


@dataclass(frozen=True)
class Findings:
    """All that the report shows."""

    results: pd.DataFrame
    """The table of all models (`unroll.report.leaderboard`)."""
    losses: Mapping[str, Mapping[str, Column]]
    """The table of losses of each language model."""
    diagnostics: Mapping[str, Mapping[str, Any]]
    """The diagnostics of each model."""
    curves: Mapping[str, Rows]
    """The learning curve of each model."""
    samples: Mapping[str, str]
    """The text that stage evaluate wrote for each model."""
    pairs: Mapping[str, Sequence[Pair]]
    """The comparisons of all pairs of models of each tokenizer."""
    classifiers: Mapping[str, classification.Differences]
    """The differences between the classifiers of each tokenizer."""
    seeds: Sequence[SeedVariance]
    """The variance between seeds, of models that were trained with several."""
    distances: Mapping[str, OracleDistance]
    """The distances to the oracle, of each tokenizer that has one."""
    series: Sequence[SeriesSection]
    """The forecasts of each series."""
    frequencies: Mapping[str, NDArray[np.int64]]
    """The counts of the tokens of each tokenizer in the train split, the most frequent first."""
    confidence: float
    """The confidence level of all intervals."""
    params: str
    """The text of params.yaml."""
    networks: Sequence[tuple[str, Sequence[Markup]]]
    """The diagrams of one network of each family and cell, by the name of the model."""
    pipeline: Markup
    """The diagram of the pipeline."""
    hashes: Mapping[str, str]
    """The SHA-256 of each file that the numbers come from."""


def render(findings: Findings) -> str:
    """Return the page as HTML; equal findings give equal bytes."""
    findings = _without_repeats(findings)
    environment = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["asset"] = lambda name: Markup((FOLDER / name).read_text(encoding="utf-8"))
    environment.filters["exp"] = lambda nats: math.exp(nats) if nats < LARGEST_NATS else math.inf
    environment.filters["bits"] = lambda nats: nats / math.log(2)
    environment.filters["number"] = chart.format_number
    environment.filters["decimals"] = lambda value: "∞" if value == math.inf else f"{value:,.2f}"
    groups = [
        Group(
            tokenizer,
            ranked,
            findings.pairs.get(tokenizer, []),
            findings.losses,
            findings.diagnostics,
            findings.curves,
        )
        for tokenizer, ranked in leaderboard.rank(findings.results).items()
    ]
    groups.sort(key=lambda group: -len(group.ranked))
    return environment.get_template("index.html").render(
        findings=findings,
        groups=groups,
        compared=list(leaderboard.rank_by_corpus(findings.results)),
        classifiers=[
            classification.Section(tokenizer, ranked, findings.classifiers[tokenizer], findings.diagnostics)
            for tokenizer, ranked in classification.rank(findings.results).items()
        ],
        taggers={
            tokenizer: list(ranked.itertuples())
            for tokenizer, ranked in leaderboard.rank_taggers(findings.results).items()
        },
        maps=draw_maps(findings.results, findings.samples, findings.diagnostics),
        oracles=[
            OracleSection(group.tokenizer, group.colors, findings.distances[group.tokenizer])
            for group in groups
            if group.tokenizer in findings.distances
        ],
        zipf=ZipfSection(findings.frequencies),
        recurrence=RecurrenceSection(findings.curves, findings.diagnostics),
        has_dynamic=findings.results.dynamic_perplexity.notna().any(),
        ci=leaderboard.interval_label(findings.confidence),
        alpha=1 - findings.confidence,
        measures=MEASURES,
        errors_in=errors_in,
        absent=ABSENT,
    )


def _without_repeats(findings: Findings) -> Findings:
    """Return the findings without the models that are others with another seed, of which only the variance is shown."""
    results = findings.results[~findings.results.repeats]
    repeats = set(findings.results.model) - set(results.model)
    return replace(
        findings,
        results=results,
        diagnostics={name: entry for name, entry in findings.diagnostics.items() if name not in repeats},
        curves={name: rows for name, rows in findings.curves.items() if name not in repeats},
        samples={name: text for name, text in findings.samples.items() if name not in repeats},
    )
