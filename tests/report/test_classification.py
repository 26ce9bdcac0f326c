"""Tables of classifiers: a table for each tokenizer, and differences on the same documents."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.report.findings import STATISTICS
from unroll.evaluation.tasks.classification import LABEL_ERRORS, LABEL_NATS
from unroll.report import classification, figures, leaderboard, report

DOCUMENTS = 60


def values(tokenizer: str, errors: np.ndarray, nats: np.ndarray, **more: Any) -> dict[str, Any]:
    accuracy, loss = 1 - float(errors.mean()), float(nats.mean())
    metrics = {"family": "naive_bayes", "tokenizer": tokenizer, "corpus": tokenizer, "parameters": 9}
    metrics |= {"test_documents": len(errors), "classes": 2, "macro_f1": 0.5, "calibration_error": 0.125}
    metrics |= {"accuracy": accuracy, "accuracy_low": accuracy - 0.1, "accuracy_high": accuracy + 0.1}
    metrics |= {"log_loss": loss, "log_loss_low": loss - 0.1, "log_loss_high": loss + 0.1}
    return metrics | more


@pytest.fixture
def results(tmp_path: Path) -> pd.DataFrame:
    """Classifiers of two tokenizers; `sure` is right more often than `guess`, and its log loss is infinite."""
    generator = np.random.default_rng(1)
    metrics = {}
    for name, tokenizer, rate in (("guess", "reviews", 0.5), ("sure", "reviews", 0.05), ("other", "news", 0.2)):
        errors = (generator.random(DOCUMENTS) < rate).astype(float)
        nats = generator.gamma(1.0, size=DOCUMENTS)
        if name == "sure":
            nats[errors > 0] = np.inf
        (tmp_path / name).mkdir()
        np.save(tmp_path / name / f"{LABEL_ERRORS}.npy", errors)
        np.save(tmp_path / name / f"{LABEL_NATS}.npy", nats)
        metrics[name] = values(tokenizer, errors, nats)
    return leaderboard.make(metrics)


def compare(results: pd.DataFrame, folder: Path) -> dict[str, classification.Differences]:
    return classification.compare(results, folder, {}, ["guess", "sure"], STATISTICS, seed=1)


def test_each_tokenizer_has_a_table_with_the_most_accurate_model_first(results: pd.DataFrame, tmp_path: Path) -> None:
    differences = compare(results, tmp_path)
    news, reviews, pairs = sorted(classification.to_markdown(results, differences, 0.95))
    assert "## Classification of `news`\n\n60 test documents, 2 classes.\n" in news
    assert reviews.index("`sure`") < reviews.index("`guess`")
    assert "95 % CI, accuracy" in reviews
    assert "folds" not in reviews
    assert "| `sure`, `guess` |" in pairs
    assert differences["news"].errors == []


def test_the_difference_is_that_of_the_same_documents(results: pd.DataFrame, tmp_path: Path) -> None:
    found = compare(results, tmp_path)["reviews"]
    ((errors,), (nats,)) = found.errors, found.nats
    rates = [float(np.load(tmp_path / name / f"{LABEL_ERRORS}.npy").mean()) for name in ("guess", "sure")]
    assert (errors.better, errors.worse) == ("sure", "guess")
    assert errors.difference.mean == pytest.approx(rates[0] - rates[1])
    assert errors.difference.low < errors.difference.mean < errors.difference.high
    assert errors.p < 0.05
    assert errors.verdict == "better with one seed"
    assert nats.difference.mean == -np.inf  # only the loss of `sure` is infinite
    assert nats.p == 1


def test_folds_have_columns(tmp_path: Path) -> None:
    folds = {"folds": 5, "fold_accuracy": 0.8, "fold_accuracy_deviation": 0.02, "fold_log_loss": 0.5}
    metrics = values("reviews", np.zeros(4), np.ones(4), **folds, fold_log_loss_deviation=0.1)
    table = leaderboard.make({"bayes": metrics})
    (text,) = classification.to_markdown(table, {"reviews": classification.Differences([], [])}, 0.95)
    assert "the values of 5 folds are means, with the deviation between the folds" in text
    assert "| 80.0% ± 2.0% | 0.500 ± 0.100 |" in text


def test_a_model_trained_with_another_seed_has_no_row_but_counts_for_the_verdict(tmp_path: Path) -> None:
    generator = np.random.default_rng(2)
    rates = {"a": 0.1, "a_2": 0.1, "b": 0.6, "b_2": 0.6}
    metrics = {}
    for name, rate in rates.items():
        errors = (generator.random(200) < rate).astype(float)
        (tmp_path / name).mkdir()
        np.save(tmp_path / name / f"{LABEL_ERRORS}.npy", errors)
        np.save(tmp_path / name / f"{LABEL_NATS}.npy", errors + 0.1)
        metrics[name] = values("reviews", errors, errors + 0.1)
    table = leaderboard.make(metrics, ["a_2", "b_2"])
    runs = {"a": ["a", "a_2"], "b": ["b", "b_2"]}
    found = classification.compare(table, tmp_path, runs, ["a", "b"], STATISTICS, seed=1)
    (errors,) = found["reviews"].errors
    assert errors.seeds is not None
    assert "a_2" not in "".join(classification.to_markdown(table, found, 0.95))


def test_the_page_draws_calibration_with_the_diagonal(results: pd.DataFrame, tmp_path: Path) -> None:
    ranked = classification.rank(results)["reviews"]
    row = {"first": 0.9, "last": 1.0, "documents": 60, "confidence": 0.95, "accuracy": 0.9}
    found = compare(results, tmp_path)["reviews"]
    section = classification.Section("reviews", ranked, found, {"sure": {"calibration": [row]}})
    assert section.calibration.count("<circle") == 1 + 11
    assert not classification.Section("reviews", ranked, found, {}).calibration


def test_classifiers_without_a_language_model_have_a_report(tmp_path: Path) -> None:
    """Their table has no column of hashes of losses, which was an AttributeError."""
    (tmp_path / "params.yaml").write_text("seed: 1\n", encoding="utf-8")
    table = leaderboard.make({"bayes": values("reviews", np.zeros(4), np.ones(4))})
    assert list(report._hashes(table[leaderboard.is_language_model(table)], tmp_path)) == ["params.yaml"]


@pytest.mark.parametrize(("targets", "darkest"), [(1, 0.25), (2, 1.0)])
def test_the_darkest_colour_of_a_single_class_is_its_largest_weight(targets: int, darkest: float) -> None:
    figure = figures.draw_attention(["a", "b", "c"], ["class"] * targets, [[0.25, 0.125, 0.0]] * targets)
    (image,) = figure.axes[0].images
    assert image.get_clim() == (0, darkest)
