"""Tables of all models: perplexity on the same tokens, bits per byte across tokenizers, accuracy and coverage."""

import csv
import io
import json
import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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


@dataclass(frozen=True)
class Result:
    """The results of one model."""

    name: str
    """The name of the model."""
    metrics: dict[str, Any]
    """The metrics that stage evaluate wrote; an infinity is the word "inf"."""
    repeats: bool = False
    """Whether the model is another one, trained again with another seed."""

    def __getitem__(self, key: str) -> Any:
        return self.metrics[key]

    @property
    def is_language_model(self) -> bool:
        """Whether the model predicts tokens; classifiers and word vectors do not."""
        return "test_perplexity" in self.metrics

    @property
    def translates(self) -> bool:
        """Whether the model translates."""
        return "exact_match" in self.metrics

    @property
    def fitted_on_valid(self) -> list[str]:
        """What was fitted on the valid split, whose perplexity is then in-sample."""
        return self.metrics.get("fitted_on_valid", [])

    @property
    def is_oracle(self) -> bool:
        """Whether the model is the distribution that its corpus was sampled from."""
        return self.metrics.get("family") == "oracle"


def read(names: Sequence[str], folder: Path, repeated: Collection[str]) -> list[Result]:
    """Read the metrics of models.

    Args:
        names: The names of the models. Files of other models are ignored.
        folder: The folder with a JSON file for each model.
        repeated: The names of those that are other models, trained again with another seed.

    Returns:
        The results, in the order of `names`.
    """
    metrics = {name: json.loads((folder / f"{name}.json").read_text(encoding="utf-8")) for name in names}
    return [Result(name, values, name in repeated) for name, values in metrics.items()]


def rank(results: Sequence[Result]) -> dict[str, list[Result]]:
    """Return the language models of each tokenizer, by test perplexity, without those of other seeds."""
    models = [result for result in results if result.is_language_model and not result.repeats]
    return {
        tokenizer: sorted((r for r in models if r["tokenizer"] == tokenizer), key=lambda r: float(r["test_perplexity"]))
        for tokenizer in dict.fromkeys(result["tokenizer"] for result in models)
    }


def rank_by_corpus(results: Sequence[Result]) -> dict[str, list[Result]]:
    """Return the language models of each corpus with several tokenizers, by bits per byte.

    A corpus is one text with one cleaning. Bits per byte of two corpora are not comparable.
    """
    models = [r for r in results if r.is_language_model and not r.translates and not r.repeats]
    groups = {
        corpus: sorted((r for r in models if r["corpus"] == corpus), key=lambda r: float(r["bits_per_byte"]))
        for corpus in dict.fromkeys(result["corpus"] for result in models)
    }
    return {corpus: group for corpus, group in groups.items() if len({r["tokenizer"] for r in group}) > 1}


def rank_classifiers(results: Sequence[Result]) -> list[Result]:
    """Return the classifiers, by accuracy."""
    return sorted(
        (r for r in results if "accuracy" in r.metrics and not r.repeats), key=lambda r: -float(r["accuracy"])
    )


def interval_label(confidence: float) -> str:
    """Return the heading of a column of intervals, such as "95 % CI"."""
    return f"{100 * confidence:g} % CI"


def to_csv(results: Sequence[Result]) -> str:
    """Return the language models as a table with the columns `COLUMNS`, for `dvc plots` and pandas."""
    file = io.StringIO()
    writer = csv.DictWriter(file, COLUMNS, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(
        result.metrics | {"model": result.name, "label": f"{result['corpus']}/{result.name}"}
        for result in results
        if result.is_language_model
    )
    return file.getvalue()


def to_markdown(results: Sequence[Result], confidence: float) -> str:
    """Return all tables.

    Args:
        results: The results of all models.
        confidence: The confidence level of the intervals.

    Returns:
        A table for each tokenizer, for each corpus with several tokenizers, for classifiers and for word vectors.
    """
    ranked = rank(results)
    parts = ["# Leaderboard\n"]
    parts += [_perplexity_table(tokenizer, group, confidence) for tokenizer, group in ranked.items()]
    parts += [_bits_table(corpus, group) for corpus, group in rank_by_corpus(results).items()]
    if classifiers := rank_classifiers(results):
        parts.append(_classifier_table(classifiers))
    if vectors := [result for result in results if "dimensions" in result.metrics and not result.repeats]:
        parts.append(_vector_table(vectors))
    return "\n".join(parts)


def to_markdown_table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table whose first column is aligned left, and the others right."""
    lines = [heads, [":--" if index == 0 else "--:" for index in range(len(heads))], *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _perplexity_table(tokenizer: str, group: Sequence[Result], confidence: float) -> str:
    best = group[0]
    oracle = next((result for result in group if result.is_oracle), None)
    columns: dict[str, Callable[[Result], str]] = {
        "model": lambda r: f"`{r.name}`",
        "family": lambda r: r["family"],
        "test perplexity": lambda r: _format(r["test_perplexity"]),
        interval_label(confidence): lambda r: (
            f"{_format(r['test_perplexity_low'])} – {_format(r['test_perplexity_high'])}"
        ),
        "valid perplexity": lambda r: _format(r["valid_perplexity"]) + (r"\*" if r.fitted_on_valid else ""),
    }
    if any("cache_perplexity" in r.metrics for r in group):
        columns["cache perplexity"] = lambda r: _format(r.metrics.get("cache_perplexity", "nan"))
    if any("dynamic_perplexity" in r.metrics for r in group):
        columns["dynamic perplexity"] = lambda r: (
            _format(r["dynamic_perplexity"]) if "dynamic_perplexity" in r.metrics else ""
        )
    if oracle is not None:
        columns["excess millibits per token"] = lambda r: f"{1000 * (_bits(r) - _bits(oracle)):.1f}"
    if best.translates:
        columns["exact match"] = lambda r: f"{r['exact_match']:.1%}"
        columns["BLEU"] = lambda r: f"{r['bleu']:.1f}"
        columns["chrF"] = lambda r: f"{r['chrf']:.1f}"
    columns["parameters"] = lambda r: f"{r['parameters']:,}"
    head = (
        f"## Perplexity per token of `{tokenizer}`\n\n{best['test_tokens']:,} test tokens, vocabulary "
        f"{best['vocabulary_size']:,}, OOV rate {best['oov_rate']:.2%}.\n\n"
    )
    rows = [[cell(result) for cell in columns.values()] for result in group]
    return head + to_markdown_table(list(columns), rows) + _in_sample_note(group)


def _in_sample_note(group: Sequence[Result]) -> str:
    """Return the footnote of the mark `*` with what each model fitted; empty if no model has the mark."""
    fitted = [f"`{result.name}` ({', '.join(result.fitted_on_valid)})" for result in group if result.fitted_on_valid]
    note = r"\* In-sample, so lower than on other text: something was fitted on the valid split, for "
    return f"\n{note}{', '.join(fitted)}.\n" if fitted else ""


def _bits_table(corpus: str, ranked: Sequence[Result]) -> str:
    head = (
        f"## Across tokenizers: bits per byte of `{corpus}`\n\n"
        "Bits per byte code the whole text: the tokens, the spelling of the words that a closed vocabulary replaces by "
        "`<unk>`, and the white space that words lack. Texts of other corpora, or cleaned differently, are not "
        "comparable.\n\n"
    )
    parts = ("bits_per_byte", "bits_per_byte_tokens", "bits_per_byte_spelling", "bits_per_byte_spacing")
    rows = [
        [f"`{r.name}`", f"`{r['tokenizer']}`", *(f"{float(r[part]):.3f}" for part in parts), f"{r['oov_rate']:.2%}"]
        for r in ranked
    ]
    heads = ["model", "tokenizer", "bits per byte", "of tokens", "of spelling", "of spacing", "OOV rate"]
    return head + to_markdown_table(heads, rows)


def _classifier_table(ranked: Sequence[Result]) -> str:
    rows = [
        [
            f"`{r.name}`",
            r["family"],
            f"{r['accuracy']:.1%}",
            f"{r['macro_f1']:.3f}",
            f"{float(r['log_loss']):.3f}",
            f"{r['parameters']:,}",
        ]
        for r in ranked
    ]
    head = f"## Classification\n\n{ranked[0]['test_documents']:,} test documents, {ranked[0]['classes']} classes.\n\n"
    return head + to_markdown_table(["model", "family", "accuracy", "macro F1", "log loss (nats)", "parameters"], rows)


def _vector_table(results: Sequence[Result]) -> str:
    rows = [
        [
            f"`{r.name}`",
            r["family"],
            f"`{r['tokenizer']}`",
            str(r["dimensions"]),
            f"{r['coverage']:.1%}",
            f"{r['test_coverage']:.1%}",
            f"{r['analogy_accuracy']:.1%} of {r['analogies_covered']:,}" if "analogies" in r.metrics else "",
        ]
        for r in results
    ]
    heads = ["vectors", "family", "tokenizer", "dimensions", "vocabulary coverage", "test coverage", "analogies"]
    head = "## Word vectors\n\nCoverage is the share of tokens that have a vector; analogies are those solved.\n\n"
    return head + to_markdown_table(heads, rows)


def _bits(result: Result) -> float:
    return float(result["cross_entropy"]) / math.log(2)


def _format(perplexity: float | str) -> str:
    return f"{float(perplexity):,.2f}" if float(perplexity) < 1e6 else f"{float(perplexity):.3g}"
