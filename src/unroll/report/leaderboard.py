"""Which model, by how much: tables over all models."""

import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

COLUMNS = ("model", "family", "tokens", "test_perplexity", "bits_per_byte", "unknown_share", "parameters")


@dataclass(frozen=True)
class Result:
    name: str
    metrics: dict[str, Any]

    def __getitem__(self, key: str) -> Any:
        return self.metrics[key]


def read(names: Sequence[str], folder: Path) -> list[Result]:
    """The metrics of these models; files of models that params.yaml no longer has are left alone."""
    return [Result(name, json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))) for name in names]


def markdown(results: Sequence[Result]) -> str:
    """On the same tokens by perplexity; across tokenizers by bits per byte."""
    parts = ["# Leaderboard\n"]
    for tokens in dict.fromkeys(result["tokens"] for result in results):
        group = sorted((r for r in results if r["tokens"] == tokens), key=lambda r: float(r["test_perplexity"]))
        parts.append(
            f"## Perplexity per token of `{tokens}`\n\n{group[0]['test_tokens']:,} test tokens, vocabulary "
            f"{group[0]['vocabulary_size']:,}, {group[0]['unknown_share']:.2%} of the tokens unknown.\n"
        )
        exact = "exact_match" in group[0].metrics
        rows = [
            [
                f"`{r.name}`",
                r["family"],
                _format(r["test_perplexity"]),
                _format(r["valid_perplexity"]),
                *([f"{r['exact_match']:.1%}"] if exact else []),
                f"{r['parameters']:,}",
            ]
            for r in group
        ]
        heads = [
            "model",
            "family",
            "test perplexity",
            "valid perplexity",
            *(["exact match"] if exact else []),
            "numbers",
        ]
        parts.append(_table(heads, rows))
    ranked = sorted((r for r in results if "exact_match" not in r.metrics), key=lambda r: float(r["bits_per_byte"]))
    parts.append(
        "## Across tokenizers: bits per byte of the text\n\nA closed vocabulary does not say which word `<unk>` was; "
        "each unknown word is charged its spelling at 8 bits a byte, so that every row codes the whole text.\n"
    )
    rows = [
        [f"`{r.name}`", f"`{r['tokens']}`", f"{float(r['bits_per_byte']):.3f}", f"{r['unknown_share']:.2%}"]
        for r in ranked
    ]
    parts.append(_table(["model", "tokens", "bits per byte", "unknown"], rows))
    return "\n".join(parts)


def write_csv(results: Sequence[Result], path: Path) -> None:
    """The same as a table for `dvc plots` and pandas."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows({"model": result.name} | result.metrics for result in results)


def _format(perplexity: float | str) -> str:
    return f"{float(perplexity):,.2f}" if float(perplexity) < 1e6 else f"{float(perplexity):.3g}"


def _table(heads: list[str], rows: list[list[str]]) -> str:
    lines = [heads, [":--" if index == 0 else "--:" for index in range(len(heads))], *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
