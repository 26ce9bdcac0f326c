"""Small results of models, as stage report reads them."""

from typing import Any

import numpy as np
from markupsafe import Markup

from unroll.evaluation.analysis.learning_curve import Point
from unroll.params.evaluate import Statistics
from unroll.report import classification, comparison, leaderboard, oracle, page
from unroll.report.series import MEASURES, Fan, Row, SeriesSection

STATISTICS = Statistics(block=50, resamples=200, confidence=0.95)
TOKENS = 400


def result(tokenizer: str, nll: np.ndarray, **more: Any) -> dict[str, Any]:
    perplexity = float(np.exp(nll.mean()))
    values = {
        "family": "ngram",
        "tokenizer": tokenizer,
        "corpus": "prose",
        "params_hash": "0123456789abcdef",
        "data_hash": "fedcba9876543210",
        "parameters": 12,
        "valid_perplexity": perplexity,
        "test_perplexity": perplexity,
        "test_perplexity_low": perplexity * 0.9,
        "test_perplexity_high": perplexity * 1.1,
        "test_perplexity_without_unknown": perplexity,
        "cache_perplexity": perplexity,
        "bits_per_byte": 2.0,
        "bits_per_byte_tokens": 1.5,
        "bits_per_byte_spelling": 0.3,
        "bits_per_byte_spacing": 0.2,
        "bits_per_character": 2.1,
        "oov_rate": 0.01,
        "train_tokens": 1000,
        "test_tokens": TOKENS,
        "vocabulary_size": 30,
    }
    return values | more


def curve_row(row: int) -> dict[str, float]:
    values = {"epoch": row / 4, "train_loss": 4 / row, "valid_loss": 5 / row}
    norms = {"gradient_norm": 6 / row, "gradient_norm_clipped": 1.0}
    return values | norms | {"spectral_radius_recurrent_1": 0.9 + row / 100, "spectral_radius_recurrent_2": 0.5}


def series_section(name: str) -> SeriesSection:
    """A series of that name with two columns: its oracle, and a forecaster whose last step is absent."""
    errors = {(measure, step): 0.25 * step for measure in MEASURES for step in (1, 4)}
    columns = {f"{name} level": errors, "flow": errors}
    rows = [
        Row("oracle", "sine", 0, errors, columns),
        Row(f"{name} ar", "autoregression", 4, dict(list(errors.items())[::2]), columns),
    ]
    metrics = {"steps": [1, 4], "train": 1200, "test": 400, "columns": list(columns), "missing": {f"{name} level": 3}}
    curves = {row.name: [(1, 0.25), (2, 0.5)] for row in rows}
    fans = {
        column: [Fan(row.name, [[(1, 0.5), (2, 1.0), (3, 1.5)]], [(3, 1.25), (4, 1.0)], [0.5, 0.75]) for row in rows]
        for column in columns
    }
    return SeriesSection(name, metrics, rows, curves, fans)


def findings(word: str = "word") -> page.Findings:
    """Three models of one text, the oracle among them, and a classifier; `word` stands for the text of a corpus."""
    generator = np.random.default_rng(1)
    token = generator.integers(4, 8, TOKENS)
    nll = {"oracle": generator.gamma(2.0, size=TOKENS)}
    excess: dict[str, float] = {"lstm": 0.3, "gru": 0.5}
    nll |= {name: nll["oracle"] + generator.gamma(shape, size=TOKENS) for name, shape in excess.items()}
    losses: dict[str, dict[str, Any]] = {
        name: {
            "token": token,
            "surface": np.array([f"{word}{t}" for t in token], object),
            "train_count": token * 10,
            "nll": values,
        }
        for name, values in nll.items()
    }
    families = {"oracle": "oracle", "lstm": "recurrent", "gru": "recurrent"}
    fitted = {"oracle": [], "lstm": ["stopping epoch"], "gru": []}
    metrics = {n: result("symbols", nll[n], family=families[n], fitted_on_valid=fitted[n]) for n in families}
    classifier = {"family": "naive_bayes", "tokenizer": "labels", "corpus": "docs", "parameters": 9}
    classifier |= {"test_documents": 4, "classes": 2, "accuracy": 0.75, "macro_f1": 0.5, "log_loss": "inf"}
    tagger = {"family": "recurrent_tagger", "tokenizer": "tagged", "corpus": "phrases", "parameters": 9}
    tagger |= {"tagged_words": 90, "test_sentences": 9, "tags": 2, "unknown_word_rate": 0.05, "tag_accuracy": 0.9}
    tagger |= {"tag_accuracy_low": 0.85, "tag_accuracy_high": 0.95, "sentence_accuracy": 0.5, "macro_f1": 0.8}
    tagger |= {"tag_log_loss": "inf"}
    spans = {
        "family": "tag_oracle",
        "tag_log_loss": 0.01,
        "unknown_word_accuracy": 1.0,
        "span_f1": 0.875,
        "tag_accuracy": 1.0,
    }
    classifier |= {"accuracy_low": 0.25, "accuracy_high": 1.0, "log_loss_low": "inf", "log_loss_high": "inf"}
    classifiers = {"bayes": classifier | {"calibration_error": 0.125}}
    classifiers["bag"] = classifiers["bayes"] | {"family": "bag_of_embeddings", "accuracy": 0.5, "log_loss": 0.75}
    errors = {"bayes": np.array([0.0, 0, 0, 1]), "bag": np.array([0.0, 1, 0, 1])}
    nats = {"bayes": np.array([0.5, 0.25, 1, np.inf]), "bag": np.array([0.5, 0.5, 1, 1])}
    label_pairs = [comparison.compare_pairs(list(errors), rows, STATISTICS, 1, {}, []) for rows in (errors, nats)]
    rows = [{"distance": k, "nats": 3 - 0.1 * k, "error": 0.05} for k in (1, 2, 4)]
    ablation = {"tokens": 9, "full": 2.5, "cut": rows, "shuffled": rows}
    position = [{"first": 0, "last": 0, "tokens": 3, "nats": 2.0}]
    diagnostics: dict[str, Any] = {name: {"context_ablation": ablation, "position": position} for name in nll}
    for name, flow in (("lstm", [2.0, 1.0, 0.5]), ("gru", [1.0, 1e-9, 0.0])):
        diagnostics[name]["gradient_flow"] = [{"steps": k, "norm": norm} for k, norm in enumerate(flow)]
        diagnostics[name]["gates"] = [{"layer": 1, "gate": "update", "mean": 0.7, "shares": [0.0, 0.25, 0.75]}]
    diagnostics["lstm"]["map"] = [[word, 0.5, 1.5], ["b", 1.0, -2.0], ["c", 0.0, 0.25]]
    attention = {"source": [word, "b"], "target": ["c"], "weights": [[0.25, 0.75]]}
    diagnostics["gru"]["attention"] = [attention]
    examples = [{"word": word, "neighbours": ["b", word]}]
    band = {"counts": "1-9", "words": 1234, "positions": 56, "accuracy": 0.625, "examples": examples}
    diagnostics["glove"] = {"frequency_bands": [band, band | {"counts": "10-", "positions": 0}]}
    bins = [{"first": 0.5, "last": 0.6, "documents": 4, "confidence": 0.55, "accuracy": 0.75}]
    diagnostics["bayes"] = {"confusion": {"classes": [word, "other"], "counts": [[3, 1], [0, 0]]}, "calibration": bins}
    diagnostics["bag"] = {}
    by_tag = {"tag": word, "words": 80, "precision": 0.75, "recall": 1.0, "f1": 0.857, "mistaken_for": word}
    diagnostics["tagger"] = {"confusion": diagnostics["bayes"]["confusion"], "by_tag": [by_tag]}
    diagnostics["ceiling"] = {"by_tag": [by_tag | {"mistaken_for": None}]}
    k_step = {name: np.log(generator.dirichlet(np.ones(5), size=(3, 2))) for name in nll}
    bias = {"lstm": np.full((3, 2, 5), 0.01)}
    curves = {"lstm": [Point(100, 40.0, 30.0, 50.0, 20.0), Point(400, 10.0, 8.0, 12.0, 5.0)]}
    distance = oracle.measure(leaderboard.make(metrics), losses, k_step, bias, curves, STATISTICS, seed=1)
    assert distance is not None
    return page.Findings(
        results=leaderboard.make(
            metrics
            | classifiers
            | {"glove": {"dimensions": 5, "coverage": 0.5}}
            | {"tagger": tagger, "ceiling": tagger | spans}
        ),
        losses=losses,
        diagnostics=diagnostics,
        curves={"lstm": [curve_row(e) for e in range(1, 9)]},
        samples=dict.fromkeys(nll, f"a text of {word} and more\n")
        | {"tagger": f"{word}/{word}[other]\n"}
        | {"glove": f"token\tx\ty\tneighbours\n{word}\t0.5\t1.5\tb c\nb\t1\t2\tc\n"},
        pairs={"symbols": comparison.compare_pairs(list(metrics), nll, STATISTICS, 1, {}, [])},
        classifiers={"labels": classification.Differences(*label_pairs)},
        seeds=[comparison.measure_seeds("lstm", ["lstm", "gru"], nll, STATISTICS, seed=1)],
        distances={"symbols": distance},
        series=[series_section(word)],
        frequencies={"symbols": np.array([8, 4, 2, 1, 1]), "labels": np.array([3, 1])},
        confidence=0.95,
        params=f"# {word}\nseed: 1\n",
        networks=[("lstm", [Markup('<svg class="network"></svg>')])],
        pipeline=Markup("<svg></svg>"),
        hashes={"params.yaml": "00ff"},
    )
