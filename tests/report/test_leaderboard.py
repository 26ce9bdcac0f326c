"""The tables and the figures: order, formats, infinity, and equal bytes."""

import json
import math
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

from unroll.report import classification, figures, leaderboard

GROUPS = [{"first": 1, "last": 5, "sentences": 3, "exact_match": 0.6, "bleu": 71.0}]


def write(folder: Path, name: str, **values: Any) -> None:
    metrics = {
        "family": "ngram",
        "tokenizer": "words",
        "corpus": "prose",
        "parameters": 1234,
        "valid_perplexity": 90.0,
        "test_perplexity": 100.0,
        "test_perplexity_low": 95.0,
        "test_perplexity_high": 105.5,
        "cache_perplexity": 70.0,
        "bits_per_byte": 2.0,
        "bits_per_byte_tokens": 1.5,
        "bits_per_byte_spelling": 0.3,
        "bits_per_byte_spacing": 0.2,
        "oov_rate": 0.01,
        "test_tokens": 5000,
        "vocabulary_size": 300,
    }
    (folder / f"{name}.json").write_text(json.dumps(metrics | values), encoding="utf-8")


@pytest.fixture
def results(tmp_path: Path) -> pd.DataFrame:
    write(tmp_path, "worse", test_perplexity=250.5)
    write(tmp_path, "better", test_perplexity=80.25, bits_per_byte=1.5)
    write(tmp_path, "impossible", test_perplexity="inf", valid_perplexity="inf", bits_per_byte="inf")
    write(tmp_path, "chars", tokenizer="chars", test_perplexity=3.0, bits_per_byte=1.9)
    write(
        tmp_path,
        "translator",
        tokenizer="pairs",
        corpus="dutch",
        family="seq2seq",
        test_perplexity=2.0,
        exact_match=0.625,
        bleu=71.25,
        chrf=80.04,
        by_source_length=GROUPS,
    )
    write(tmp_path, "forgotten", test_perplexity=1.0)
    return leaderboard.read(["worse", "better", "impossible", "chars", "translator"], tmp_path, [])


def test_models_on_the_same_tokens_are_ranked_by_perplexity(results: pd.DataFrame) -> None:
    page = leaderboard.to_markdown(results, 0.95)
    assert page.index("`better`") < page.index("`worse`") < page.index("`impossible`")
    assert "| model | family | test perplexity | 95 % CI | valid perplexity | cache perplexity | parameters |" in page
    assert "| `better` | ngram | 80.25 | 95.00 – 105.50 | 90.00 | 70.00 | 1,234 |" in page
    assert "| `impossible` | ngram | inf | 95.00 – 105.50 | inf | 70.00 | 1,234 |" in page
    assert "| `translator` | seq2seq | 2.00 | 95.00 – 105.50 | 90.00 | 70.00 | 62.5% | 71.2 | 80.0 | 1,234 |" in page
    assert "forgotten" not in page


def test_in_sample_perplexities_are_marked_and_say_what_was_fitted(tmp_path: Path) -> None:
    write(tmp_path, "plain", fitted_on_valid=[])
    write(tmp_path, "mixed", fitted_on_valid=["mixture weights", "stopping epoch"])
    write(tmp_path, "tuned", fitted_on_valid=["interpolation weights"], valid_perplexity=80.0)
    table = leaderboard.to_markdown(leaderboard.read(["plain", "mixed", "tuned"], tmp_path, []), 0.95)
    assert r"| `mixed` | ngram | 100.00 | 95.00 – 105.50 | 90.00\* | 70.00 |" in table
    assert "| `plain` | ngram | 100.00 | 95.00 – 105.50 | 90.00 | 70.00 |" in table
    note = r"\* In-sample, so lower than on other text: something was fitted on the valid split, for "
    fitted = "`mixed` (mixture weights, stopping epoch), `tuned` (interpolation weights)."
    assert table.endswith(f"\n\n{note}{fitted}\n")
    assert "In-sample" not in leaderboard.to_markdown(leaderboard.read(["plain"], tmp_path, []), 0.95)


def test_across_tokenizers_by_bits_per_byte(results: pd.DataFrame) -> None:
    across = leaderboard.to_markdown(results, 0.95).split("## Across tokenizers")[1]
    assert across.index("`better`") < across.index("`chars`") < across.index("`worse`")
    assert "translator" not in across
    assert "| model | tokenizer | bits per byte | of tokens | of spelling | of spacing | OOV rate |" in across
    assert "| `worse` | `words` | 2.000 | 1.500 | 0.300 | 0.200 | 1.00% |" in across


def test_models_of_texts_that_were_cleaned_differently_are_in_separate_tables_and_axes(tmp_path: Path) -> None:
    """Each corpus is one text with one cleaning: prose is lower-cased, cased is not."""
    for corpus in ("prose", "cased"):
        for tokenizer in ("words", "chars"):
            write(tmp_path, f"{corpus}_{tokenizer}", corpus=corpus, tokenizer=f"{corpus}_{tokenizer}")
    names = [path.stem for path in sorted(tmp_path.glob("*.json"))]
    results = leaderboard.read(names, tmp_path, [])
    sections = leaderboard.to_markdown(results, 0.95).split("\n## ")[1:]
    for section in sections:
        assert ("`prose" in section) != ("`cased" in section), section
    assert {section.split("\n")[0] for section in sections if section.startswith("Across")} == {
        f"Across tokenizers: bits per byte of `{corpus}`" for corpus in ("prose", "cased")
    }
    assert list(leaderboard.rank_by_corpus(results)) == ["cased", "prose"]
    figure = figures.draw_bars(results, "bits_per_byte", "bits per byte", log=False, group="corpus")
    labels = [[label.get_text() for label in axes.get_yticklabels()] for axes in figure.axes]
    assert labels == [["cased_chars", "cased_words"], ["prose_chars", "prose_words"]]
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["corpus cased", "corpus prose"]
    rows = [line.split(",") for line in leaderboard.to_csv(results).splitlines()]
    assert [row[1] for row in rows] == ["label", *(f"{name.split('_')[0]}/{name}" for name in names)]


@pytest.mark.slow
def test_figures_have_the_same_bytes_every_time(results: pd.DataFrame, tmp_path: Path) -> None:
    rows = [{"epoch": 0.5, "train_loss": 4.0}, {"epoch": 1.0, "train_loss": 3.5, "valid_loss": 3.7}]
    curves = {name: [] for name in results.model} | {"better": rows}
    example = {"source": ["the", "$x$", "<eos>"], "target": ["de", "<eos>"], "weights": [[0.9, 0.1, 0], [0, 0, 1]]}
    samples = dict.fromkeys(results.model, "")
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        figures.draw(results, curves, samples, {"translator": {"attention": [example]}}, tmp_path / folder)
    names = sorted(path.name for path in (tmp_path / "one").iterdir())
    assert names == [
        "attention_translator.png",
        "bits_per_byte.png",
        "curves.png",
        "perplexity.png",
        "translation_by_length.png",
    ]
    for name in names:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_the_table_for_dvc_has_fixed_columns(results: pd.DataFrame) -> None:
    lines = leaderboard.to_csv(results).splitlines()
    assert lines[0] == ",".join(leaderboard.COLUMNS)
    assert lines[1].startswith("worse,prose/worse,ngram,prose,words,250.5,")
    assert len(lines) == 1 + len(results)


def test_a_classifier_has_a_table_and_a_confusion_matrix(tmp_path: Path) -> None:
    values = {
        "family": "naive_bayes",
        "tokenizer": "labels",
        "corpus": "docs",
        "parameters": 9,
        "test_documents": 4,
        "classes": 3,
    }
    values |= {"accuracy": 0.75, "macro_f1": 0.5, "log_loss": "inf"}
    (tmp_path / "bayes.json").write_text(json.dumps(values), encoding="utf-8")
    table = leaderboard.read(["bayes"], tmp_path, [])
    (bayes,) = table.itertuples()
    assert "bayes" not in leaderboard.to_markdown(table, 0.95)
    (page,) = classification.to_markdown(table, {"labels": classification.Differences([], [])}, 0.95)
    assert "| `bayes` | naive_bayes | 75.0% | 0.500 | inf | 9 |" in page
    confusion = {"classes": ["a", "b", "c"], "counts": [[1, 1, 0], [0, 1, 0], [0, 0, 1]]}
    axes, _ = figures.draw_model(bayes, "", {"confusion": confusion})["confusion"].axes
    assert [text.get_text() for text in axes.texts] == ["1", "1", "0", "0", "1", "0", "0", "0", "1"]


def test_dynamic_evaluation_has_a_column_if_a_model_has_it(tmp_path: Path) -> None:
    write(tmp_path, "counts")
    assert "dynamic" not in leaderboard.to_markdown(leaderboard.read(["counts"], tmp_path, []), 0.95)
    write(tmp_path, "network", dynamic_perplexity=66.5, test_perplexity=90.0)
    page = leaderboard.to_markdown(leaderboard.read(["counts", "network"], tmp_path, []), 0.95)
    assert "| `network` | ngram | 90.00 | 95.00 – 105.50 | 90.00 | 70.00 | 66.50 | 1,234 |" in page
    assert "| `counts` | ngram | 100.00 | 95.00 – 105.50 | 90.00 | 70.00 |  | 1,234 |" in page


def test_the_excess_over_the_oracle_has_a_column(tmp_path: Path) -> None:
    write(tmp_path, "oracle", family="oracle", cross_entropy=1.0, test_perplexity=2.718)
    write(tmp_path, "model", cross_entropy=1.5, test_perplexity=4.482)
    page = leaderboard.to_markdown(leaderboard.read(["model", "oracle"], tmp_path, []), 0.95)
    assert "excess millibits per token" in page
    assert "| `model` | ngram | 4.48 | 95.00 – 105.50 | 90.00 | 70.00 | 721.3 | 1,234 |" in page
    assert "| `oracle` | oracle | 2.72 | 95.00 – 105.50 | 90.00 | 70.00 | 0.0 | 1,234 |" in page


def test_runs_with_other_seeds_are_rows_of_the_csv_file_only(results: pd.DataFrame) -> None:
    again = results.assign(repeats=results.model == "worse")
    assert "`worse`" in leaderboard.to_markdown(results, 0.95)
    assert "`worse`" not in leaderboard.to_markdown(again, 0.95)
    assert leaderboard.to_csv(again) == leaderboard.to_csv(results)


def test_a_metric_cannot_take_the_place_of_the_name(tmp_path: Path) -> None:
    write(tmp_path, "mine", model="other", label="other")
    row = leaderboard.to_csv(leaderboard.read(["mine"], tmp_path, [])).splitlines()[1]
    assert row.startswith("mine,prose/mine,ngram,")


@pytest.mark.slow
def test_figures_of_all_models_leave_out_runs_with_other_seeds(
    results: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    results = pd.concat([results, results.assign(model=results.model + "_2", repeats=True)], ignore_index=True)
    rows = [{"epoch": 1.0, "train_loss": 3.5, "valid_loss": 3.7}]
    drawn: dict[str, str] = {}

    def keep(figure: Figure, path: Path, **_: object) -> None:
        drawn[path.name] = " ".join(str(text.get_text()) for text in figure.findobj(Text))

    monkeypatch.setattr(Figure, "savefig", keep)
    names = results.model
    figures.draw(results, dict.fromkeys(names, rows), dict.fromkeys(names, ""), {}, tmp_path)
    assert sorted(drawn) == ["bits_per_byte.png", "curves.png", "perplexity.png", "translation_by_length.png"]
    shown = {"translation_by_length.png": "translator"}
    assert all(shown.get(name, "better") in text for name, text in drawn.items())
    assert not any("_2" in text for text in drawn.values()), drawn


def test_vectors_of_another_seed_have_no_row() -> None:
    values = {"family": "word2vec", "tokenizer": "words", "dimensions": 5, "coverage": 0.5, "test_coverage": 0.5}
    vectors = leaderboard.make({"one": values, "two": values}, ["two"])
    page = leaderboard.to_markdown(vectors, 0.95)
    assert "| `one` |" in page
    assert "`two`" not in page


def test_numbers_are_numbers_and_absent_values_are_missing(results: pd.DataFrame) -> None:
    values = {"family": "naive_bayes", "tokenizer": "labels", "corpus": "docs", "parameters": 9, "classes": 3}
    metrics = {"bayes": values | {"log_loss": "inf"}, "network": {"corpus": "prose", "test_tokens": 7}}
    table = leaderboard.make(metrics, ["network"])
    assert list(table.columns[: len(leaderboard.COLUMNS)]) == list(leaderboard.COLUMNS)
    types = {name: str(table[name].dtype) for name in ("parameters", "classes", "log_loss", "accuracy", "repeats")}
    assert types == {
        "parameters": "Int64",
        "classes": "Int64",
        "log_loss": "float64",
        "accuracy": "float64",
        "repeats": "bool",
    }
    assert table.log_loss.tolist()[0] == math.inf
    assert table.parameters.isna().tolist() == [False, True]
    assert leaderboard.is_language_model(table).tolist() == table.repeats.tolist() == [False, True]
    assert results.test_perplexity.tolist() == [250.5, 80.25, math.inf, 3.0, 2.0]


def test_a_model_whose_perplexity_is_not_a_number_is_last_and_stays_in_the_tables(tmp_path: Path) -> None:
    write(tmp_path, "diverged", test_perplexity="nan", cache_perplexity="nan")
    write(tmp_path, "good")
    table = leaderboard.read(["diverged", "good"], tmp_path, [])
    assert leaderboard.rank(table)["words"].model.tolist() == ["good", "diverged"]
    assert "| `diverged` | ngram |  | 95.00 – 105.50 | 90.00 |  | 1,234 |" in leaderboard.to_markdown(table, 0.95)


def test_analogies_are_shown_of_vectors_that_were_asked(tmp_path: Path) -> None:
    values = {"family": "word2vec", "tokenizer": "words", "dimensions": 50, "coverage": 0.5, "test_coverage": 0.75}
    asked = {"analogies": 2000, "analogies_covered": 1500, "analogy_accuracy": 0.25}
    page = leaderboard.to_markdown(leaderboard.make({"one": values, "two": values | asked}), 0.95)
    assert "| `one` | word2vec | `words` | 50 | 50.0% | 75.0% |  |\n" in page
    assert "| `two` | word2vec | `words` | 50 | 50.0% | 75.0% | 25.0% of 1,500 |\n" in page


def test_word_vectors_are_shown_by_frequency() -> None:
    values = {"family": "word2vec", "tokenizer": "words", "dimensions": 50, "coverage": 0.5, "test_coverage": 0.75}
    shares = {"one": {"1-9": 0.5, "10-99": 0.75}, "two": {"10-99": 1.0}}
    measured = {name: values | {"context_accuracy": by_band} for name, by_band in shares.items()}
    page = leaderboard.to_markdown(leaderboard.make(measured | {"three": values}), 0.95)
    assert "### Rare and frequent words\n" in page
    assert "| vectors | 1-9 | 10-99 |\n| :-- | --: | --: |\n| `one` | 50.0% | 75.0% |\n| `two` |  | 100.0% |\n" in page
    assert "### Rare" not in leaderboard.to_markdown(leaderboard.make({"three": values}), 0.95)


def test_models_that_fill_blanks_have_a_table_that_says_what_it_does_not_compare() -> None:
    values = {"family": "masked_transformer", "tokenizer": "words", "parameters": 1000}
    found = {
        "one": {"cloze_accuracy": 0.25, "cloze_perplexity": 80.5},
        "two": {"cloze_accuracy": 0.5, "cloze_perplexity": "inf"},
    }
    table = leaderboard.make({name: values | measured for name, measured in found.items()})
    page = leaderboard.to_markdown(table, 0.95)
    assert "| `two` | masked_transformer | `words` | 50.0% | inf | 1,000 |\n| `one` |" in page
    assert "80.50" in page
    assert "is not comparable with one" in page
    assert "## Perplexity" not in page


TAGGER = {
    "family": "hmm_tagger",
    "tokenizer": "tagged",
    "corpus": "phrases",
    "parameters": 1234,
    "tagged_words": 11478,
    "test_sentences": 1243,
    "tags": 15,
    "vocabulary_size": 2986,
    "unknown_word_rate": 0.0366,
    "tag_accuracy": 0.9848,
    "tag_accuracy_low": 0.9821,
    "tag_accuracy_high": 0.9873,
    "unknown_word_accuracy": 0.9881,
    "sentence_accuracy": 0.889,
    "tag_log_loss": 0.0484,
    "macro_f1": 0.97,
}


def test_taggers_are_ranked_by_accuracy_and_are_no_classifiers(results: pd.DataFrame) -> None:
    better = TAGGER | {"family": "tag_oracle", "tag_accuracy": 0.996, "tag_log_loss": 0.0091, "span_f1": 0.99}
    names = list(results.model)
    metrics = {name: row.dropna().to_dict() for name, row in zip(names, results.iloc, strict=True)}
    table = leaderboard.make(metrics | {"counts": TAGGER, "ceiling": better})
    page = leaderboard.to_markdown(table, 0.95)
    assert "## Classification" not in page
    tagging = page.split("## Tagging of `tagged`")[1]
    assert "11,478 test words in 1,243 sentences, 15 tags, 3.66% of the words unknown." in tagging
    assert (
        "accuracy | 95 % CI | of unknown words | whole sentences | span F1 | log loss (nats) | parameters |" in tagging
    )
    assert tagging.index("`ceiling`") < tagging.index("`counts`")
    assert "| `counts` | hmm_tagger | 98.48% | 98.21% – 98.73% | 98.8% | 88.9% |  | 0.0484 | 1,234 |" in tagging
    assert "| 99.0% | 0.0091 |" in tagging
    assert "counts" not in leaderboard.to_csv(table)
