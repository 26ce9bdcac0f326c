"""Which model, by how much: tables over all models."""

import csv
import io
import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

COLUMNS = (
    "model",
    "family",
    "tokens",
    "test_perplexity",
    "test_perplexity_low",
    "test_perplexity_high",
    "cache_perplexity",
    "dynamic_perplexity",
    "bits_per_byte",
    "oov_rate",
    "parameters",
)


@dataclass(frozen=True)
class Result:
    name: str
    metrics: dict[str, Any]

    def __getitem__(self, key: str) -> Any:
        return self.metrics[key]

    @property
    def predicts(self) -> bool:
        """Whether it is a language model, and no classifier."""
        return "test_perplexity" in self.metrics

    @property
    def translates(self) -> bool:
        return "exact_match" in self.metrics


def read(names: Sequence[str], folder: Path) -> list[Result]:
    """The metrics of these models; files of models that params.yaml no longer has are left alone."""
    return [Result(name, json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))) for name in names]


def markdown(results: Sequence[Result]) -> str:
    """On the same tokens by perplexity; across tokenizers by bits per byte; classifiers by accuracy."""
    parts = ["# Leaderboard\n"]
    predicting = [result for result in results if result.predicts]
    for tokens in dict.fromkeys(result["tokenizer"] for result in predicting):
        group = sorted((r for r in predicting if r["tokenizer"] == tokens), key=lambda r: float(r["test_perplexity"]))
        parts.append(_same_tokens(tokens, group))
    ranked = sorted((r for r in predicting if not r.translates), key=lambda r: float(r["bits_per_byte"]))
    for corpus in dict.fromkeys(result["corpus"] for result in predicting):
        group = [result for result in ranked if result["corpus"] == corpus]
        if len({result["tokenizer"] for result in group}) > 1:
            parts.append(_across_tokenizers(corpus, group))
    if classifiers := sorted((r for r in results if "accuracy" in r.metrics), key=lambda r: -r["accuracy"]):
        parts.append(_classifiers(classifiers))
    if vectors := [result for result in results if "dimensions" in result.metrics]:
        parts.append(_vectors(vectors))
    return "\n".join(parts)


def _same_tokens(tokens: str, group: Sequence[Result]) -> str:
    best = group[0]
    truth = next((result for result in group if result["family"] == "oracle"), None)
    columns: dict[str, Callable[[Result], str]] = {
        "model": lambda r: f"`{r.name}`",
        "family": lambda r: r["family"],
        "test perplexity": lambda r: _format(r["test_perplexity"]),
        "interval": lambda r: f"{_format(r['test_perplexity_low'])} – {_format(r['test_perplexity_high'])}",
        "valid perplexity": lambda r: _format(r["valid_perplexity"]),
    }
    if any("cache_perplexity" in r.metrics for r in group):
        columns["with cache"] = lambda r: _format(r.metrics.get("cache_perplexity", "nan"))
    if any("dynamic_perplexity" in r.metrics for r in group):
        columns["dynamic"] = lambda r: _format(r["dynamic_perplexity"]) if "dynamic_perplexity" in r.metrics else ""
    if truth is not None:  # known here alone: how many bits a token a model is from what can be known at all
        columns["bits above the truth"] = lambda r: f"{_bits(r) - _bits(truth):.4f}"
    if best.translates:
        columns["exact match"] = lambda r: f"{r['exact_match']:.1%}"
        columns["BLEU"] = lambda r: f"{r['bleu']:.1f}"
        columns["chrF"] = lambda r: f"{r['chrf']:.1f}"
    columns["numbers"] = lambda r: f"{r['parameters']:,}"
    head = (
        f"## Perplexity per token of `{tokens}`\n\n{best['test_tokens']:,} test tokens, vocabulary "
        f"{best['vocabulary_size']:,}, {best['oov_rate']:.2%} of the tokens unknown.\n\n"
    )
    return head + _table(list(columns), [[cell(result) for cell in columns.values()] for result in group])


def _across_tokenizers(corpus: str, ranked: Sequence[Result]) -> str:
    head = (
        f"## Across tokenizers: bits per byte of `{corpus}`\n\n"
        "A closed vocabulary does not say which word `<unk>` was; each unknown word is charged its spelling at 8 bits "
        "a byte, so that every row codes the whole text.\n\n"
    )
    rows = [
        [f"`{r.name}`", f"`{r['tokenizer']}`", f"{float(r['bits_per_byte']):.3f}", f"{r['oov_rate']:.2%}"]
        for r in ranked
    ]
    return head + _table(["model", "tokens", "bits per byte", "unknown"], rows)


def _classifiers(ranked: Sequence[Result]) -> str:
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
    return head + _table(["model", "family", "accuracy", "macro F1", "log loss (nats)", "numbers"], rows)


def _vectors(results: Sequence[Result]) -> str:
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
    heads = ["vectors", "family", "tokens", "dimensions", "of the vocabulary", "of the test text", "analogies"]
    return "## Vectors\n\nThe share of tokens that have one, and of analogies solved.\n\n" + _table(heads, rows)


def _bits(result: Result) -> float:
    return float(result["cross_entropy"]) / math.log(2)


def table(results: Sequence[Result]) -> str:
    """The same as CSV, for `dvc plots` and pandas."""
    file = io.StringIO()
    writer = csv.DictWriter(file, COLUMNS, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows({"model": result.name} | result.metrics for result in results if result.predicts)
    return file.getvalue()


def _format(perplexity: float | str) -> str:
    return f"{float(perplexity):,.2f}" if float(perplexity) < 1e6 else f"{float(perplexity):.3g}"


def _table(heads: list[str], rows: list[list[str]]) -> str:
    lines = [heads, [":--" if index == 0 else "--:" for index in range(len(heads))], *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
