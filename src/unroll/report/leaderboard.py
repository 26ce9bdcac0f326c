"""Tables of all models: perplexity on the same tokens, bits per byte across tokenizers, and coverage of vectors."""

import json
import math
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from unroll.errors import UnrollError
from unroll.params.root import Root
from unroll.report.markdown import Columns, format_columns, to_markdown_table
from unroll.report.tables import blanks, vectors

COLUMNS = (
    "model",
    "label",
    "family",
    "corpus",
    "tokenizer",
    "test_perplexity",
    "test_perplexity_low",
    "test_perplexity_high",
    "cache_perplexity",
    "dynamic_perplexity",
    "bits_per_byte",
    "oov_rate",
    "parameters",
)
"""The columns of leaderboard.csv. `label` is corpus/model, since bits per byte are comparable within a corpus."""
OPTIONAL = ("repeats", "test_tokens", "carried_perplexity", "exact_match", "accuracy", "tag_accuracy", "dimensions")
"""Other columns of every table, also of one whose models have no value there."""


def read(names: Sequence[str], folder: Path, repeated: Collection[str]) -> pd.DataFrame:
    """Read the metrics of models.

    Args:
        names: The names of the models. Files of other models are ignored.
        folder: The folder with a JSON file for each model.
        repeated: The names of those that are other models, trained again with another seed.

    Returns:
        The table, with a row for each of `names`, in their order.
    """
    return make({name: json.loads((folder / f"{name}.json").read_text(encoding="utf-8")) for name in names}, repeated)


def read_existing(params: Root, folder: Path) -> pd.DataFrame:
    """Read the metrics of the models that are evaluated already.

    Args:
        params: The settings of the pipeline, which name the models.
        folder: The folder with a JSON file for each model.

    Returns:
        The table, by corpus, tokenizer and test perplexity.

    Raises:
        UnrollError: There are no metrics.
    """
    names = [name for name in params.experiments if (folder / f"{name}.json").is_file()]
    if not names:
        raise UnrollError(f"{folder}: has no metrics of a model of params.yaml; run `dvc repro` first")
    return read(names, folder, params.seeds).sort_values(["corpus", "tokenizer", "test_perplexity"], ignore_index=True)


def make(metrics: Mapping[str, Mapping[str, Any]], repeated: Collection[str] = ()) -> pd.DataFrame:
    """Make the table of all models.

    Args:
        metrics: The metrics that stage evaluate wrote, by model; an infinity is the word "inf".
        repeated: The names of those that are other models, trained again with another seed.

    Returns:
        A row for each model. The columns are `COLUMNS`, `OPTIONAL` and all other metrics. Whole numbers have the type
        Int64 and other numbers float64. A value that a model does not have is NaN or NA.
    """
    rows: list[dict[str, Any]] = [
        {"fitted_on_valid": []}
        | {key: float(value) if value in ("inf", "-inf", "nan") else value for key, value in values.items()}
        | {"model": name, "label": f"{values.get('corpus')}/{name}", "repeats": name in repeated}
        for name, values in metrics.items()
    ]
    table = pd.DataFrame(rows, dtype=object)
    table = table.reindex(columns=list(dict.fromkeys([*COLUMNS, *OPTIONAL, *table])))
    whole = [name for name in table if pd.api.types.infer_dtype(table[name]) == "integer"]
    return table.astype(dict.fromkeys(whole, "Int64")).infer_objects()


def is_language_model(table: pd.DataFrame) -> pd.Series:
    """Return for each row whether its model predicts tokens; classifiers and word vectors do not."""
    return table.test_tokens.notna()


def rank(table: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Return the language models of each tokenizer, by test perplexity, without those of other seeds."""
    return _rank(table[is_language_model(table)], "tokenizer", "test_perplexity")


def rank_by_corpus(table: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Return the language models of each corpus with several tokenizers, by bits per byte.

    A corpus is one text with one cleaning. Bits per byte of two corpora are not comparable.
    """
    ranked = _rank(table[is_language_model(table) & table.exact_match.isna()], "corpus", "bits_per_byte")
    return {corpus: group for corpus, group in ranked.items() if group.tokenizer.nunique() > 1}


def rank_taggers(table: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Return the taggers of each tokenizer, by accuracy."""
    return _rank(table[table.tag_accuracy.notna()], "tokenizer", "tag_accuracy", ascending=False)


def _rank(table: pd.DataFrame, by: str, measure: str, ascending: bool = True) -> dict[str, pd.DataFrame]:
    groups = table[~table.repeats].groupby(by, sort=False)
    return {name: group.sort_values(measure, ascending=ascending, kind="stable") for name, group in groups}


def interval_label(confidence: float) -> str:
    """Return the heading of a column of intervals, such as "95 % CI"."""
    return f"{100 * confidence:g} % CI"


def to_csv(table: pd.DataFrame) -> str:
    """Return the language models as a table with the columns `COLUMNS`, for `dvc plots` and pandas."""
    text: str = table[is_language_model(table)].to_csv(columns=list(COLUMNS), index=False, lineterminator="\n")
    return text


def to_markdown(table: pd.DataFrame, confidence: float) -> str:
    """Return all tables.

    Args:
        table: The table of all models.
        confidence: The confidence level of the intervals.

    Returns:
        A table for each tokenizer, for each corpus with several tokenizers, for taggers, for models that fill blanks
        and for word vectors.
    """
    parts = ["# Leaderboard\n"]
    parts += [_perplexity_table(tokenizer, group, confidence) for tokenizer, group in rank(table).items()]
    parts += [_bits_table(corpus, group) for corpus, group in rank_by_corpus(table).items()]
    parts += [_tagger_table(tokenizer, group, confidence) for tokenizer, group in rank_taggers(table).items()]
    parts += [part for part in (blanks.to_markdown(table), vectors.to_markdown(table)) if part]
    return "\n".join(parts)


def _perplexity_table(tokenizer: str, group: pd.DataFrame, confidence: float) -> str:
    best, bits = group.iloc[0], group.get("cross_entropy", pd.Series()) / math.log(2)
    low, high = (group[f"test_perplexity_{end}"].map(format_perplexity) for end in ("low", "high"))
    in_sample = group.fitted_on_valid.astype(bool)
    shown = group.assign(
        interval=low + " – " + high,
        valid=group.valid_perplexity.map(format_perplexity).where(~in_sample, lambda text: text + r"\*"),
        excess=1000 * (bits - bits[group.family == "oracle"].min()),
    )
    head = (
        f"## Perplexity per token of `{tokenizer}`\n\n{best.test_tokens:,} test tokens, vocabulary "
        f"{best.vocabulary_size:,}, OOV rate {best.oov_rate:.2%}.\n\n"
    )
    columns: Columns = {
        "model": ("model", "`{}`".format),
        "family": ("family", str),
        "test perplexity": ("test_perplexity", format_perplexity),
        interval_label(confidence): ("interval", str),
        "valid perplexity": ("valid", str),
        "cache perplexity": ("cache_perplexity", format_perplexity),
        "dynamic perplexity": ("dynamic_perplexity", format_perplexity),
        "excess millibits per token": ("excess", "{:.1f}".format),
        "exact match": ("exact_match", "{:.1%}".format),
        "BLEU": ("bleu", "{:.1f}".format),
        "chrF": ("chrf", "{:.1f}".format),
        "parameters": ("parameters", "{:,}".format),
    }
    return head + _format(shown, columns) + _in_sample_note(group[in_sample])


def _in_sample_note(fitted: pd.DataFrame) -> str:
    """Return the footnote of the mark `*` with what each model fitted; empty if no model has the mark."""
    models = ", ".join(f"`{row.model}` ({', '.join(row.fitted_on_valid)})" for row in fitted.itertuples())
    note = r"\* In-sample, so lower than on other text: something was fitted on the valid split, for "
    return f"\n{note}{models}.\n" if models else ""


def _bits_table(corpus: str, ranked: pd.DataFrame) -> str:
    head = (
        f"## Across tokenizers: bits per byte of `{corpus}`\n\n"
        "Bits per byte code the whole text: the tokens, the spelling of the words that a closed vocabulary replaces by "
        "`<unk>`, and the white space that words lack. Texts of other corpora, or cleaned differently, are not "
        "comparable.\n\n"
    )
    columns: Columns = {
        "model": ("model", "`{}`".format),
        "tokenizer": ("tokenizer", "`{}`".format),
        "bits per byte": ("bits_per_byte", "{:.3f}".format),
        "of tokens": ("bits_per_byte_tokens", "{:.3f}".format),
        "of spelling": ("bits_per_byte_spelling", "{:.3f}".format),
        "of spacing": ("bits_per_byte_spacing", "{:.3f}".format),
        "OOV rate": ("oov_rate", "{:.2%}".format),
    }
    return head + _format(ranked, columns)


def _tagger_table(tokenizer: str, ranked: pd.DataFrame, confidence: float) -> str:
    best = ranked.iloc[0]
    low, high = (ranked[f"tag_accuracy_{end}"].map("{:.2%}".format) for end in ("low", "high"))
    head = (
        f"## Tagging of `{tokenizer}`\n\n{best.tagged_words:,} test words in {best.test_sentences:,} sentences, "
        f"{best.tags} tags, {best.unknown_word_rate:.2%} of the words unknown.\n\n"
    )
    columns: Columns = {
        "model": ("model", "`{}`".format),
        "family": ("family", str),
        "accuracy": ("tag_accuracy", "{:.2%}".format),
        interval_label(confidence): ("interval", str),
        "of unknown words": ("unknown_word_accuracy", "{:.1%}".format),
        "whole sentences": ("sentence_accuracy", "{:.1%}".format),
        "span F1": ("span_f1", "{:.1%}".format),
        "log loss (nats)": ("tag_log_loss", "{:.4f}".format),
        "parameters": ("parameters", "{:,}".format),
    }
    return head + _format(ranked.assign(interval=low + " – " + high), columns)


def _format(table: pd.DataFrame, columns: Columns) -> str:
    shown = format_columns(table, columns)
    return to_markdown_table(list(shown), list(zip(*shown.values(), strict=True)))


def format_perplexity(perplexity: float) -> str:
    """Return a perplexity with two decimals, or with three digits if it is large."""
    return f"{perplexity:,.2f}" if perplexity < 1e6 else f"{perplexity:.3g}"
