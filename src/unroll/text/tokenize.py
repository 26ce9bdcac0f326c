"""Stage tokenize: clean documents to ids. The tokenizer learns on the train split only."""

import json
import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from unroll.errors import UnrollError
from unroll.params.tokenizers import CharTokenizerParams, TokenizerParams
from unroll.text import arrow, document_table, token_store
from unroll.text.splits import SPLITS
from unroll.text.tokenizers import frequencies
from unroll.text.tokenizers.base import Tokenizer
from unroll.text.tokenizers.loading import learn_tokenizer
from unroll.text.tokenizers.vocabulary import UNK

log = logging.getLogger(__name__)


def tokenize(params: TokenizerParams, clean: Path, folder: Path) -> dict[str, Any]:
    """Write into the existing `folder` and return the counts, which are also in its counts.json:

    {"vocabulary_size": V (of the target side, if pairs have separate ones, and then "source_vocabulary_size"),
     split: {side: {"documents", "tokens" (no special ones), "characters", "bytes" (UTF-8 of the clean text), "oov"
     (tokens that are <unk>), "oov_bytes" (of the words they were), "coverage" (1 - oov / tokens), "tokens_per_byte"}},
     "warnings": [sentences]}

    Files: tokenizer.json; <split>.arrow with a list<int32> column per side without special tokens, and the label as it
    is; frequencies.parquet, and of separate vocabularies source.frequencies.parquet too.
    """
    fields = document_table.fields(clean)
    if "value" in fields:
        raise UnrollError(
            f"tokenizers of corpus {params.corpus}: the corpus is a series of numbers, which has no tokens; name it in "
            "the section series"
        )
    counts = _tokenize(params, clean, folder)
    for warning in counts.get("warnings", []):
        log.warning("%s", warning)
    (folder / "counts.json").write_text(json.dumps(counts, indent=1) + "\n", encoding="utf-8")
    return counts


def _tokenize(params: TokenizerParams, clean: Path, folder: Path) -> dict[str, Any]:
    fields = document_table.fields(clean)
    sides = [name for name in fields if name != token_store.LABEL]
    tokenizers = _learn(params, clean, sides)
    main, source = tokenizers[sides[-1]], tokenizers[sides[0]]
    main.save(folder / "tokenizer.json", source if source is not main else None)
    tables = {tokenizer: frequencies.nothing(tokenizer.vocabulary_size) for tokenizer in tokenizers.values()}
    counts = {split: {side: _nothing() for side in sides} for split in SPLITS}
    schema = pa.schema([(name, pa.string() if name == token_store.LABEL else token_store.IDS) for name in fields])
    with token_store.Writer(folder, schema) as files:
        for split, rows in _splits(clean, SPLITS):
            columns = {name: arrow.strings(texts) for name, texts in rows.items() if name == token_store.LABEL}
            for side in sides:
                table = tables[tokenizers[side]][split]
                columns[side] = _encode(tokenizers[side], rows[side], counts[split][side], table)
            files.write(split, [columns[name] for name in fields])
    frequencies.write(folder / "frequencies.parquet", main, tables[main])
    if source is not main:
        frequencies.write(folder / "source.frequencies.parquet", source, tables[source])
    sizes = {"vocabulary_size": main.vocabulary_size}
    if source is not main:
        sizes["source_vocabulary_size"] = source.vocabulary_size
    return {**sizes, **_with_shares(counts), "warnings": _warnings(params, sizes, counts)}


def _learn(params: TokenizerParams, clean: Path, sides: Sequence[str]) -> dict[str, Tokenizer]:
    if params.shared_vocabulary:
        return dict.fromkeys(sides, learn_tokenizer(params, Texts(clean, sides)))
    if len(sides) == 1:
        raise UnrollError(
            f"tokenizers of corpus {params.corpus}: shared_vocabulary: false is for sentence pairs; set shared_vocabulary: true"
        )
    return {side: learn_tokenizer(params, Texts(clean, [side])) for side in sides}


class Texts:
    """The texts of the train split, read anew by every loop."""

    def __init__(self, clean: Path, sides: Sequence[str]) -> None:
        self.clean, self.sides = clean, sides

    def __iter__(self) -> Iterator[str]:
        for _, rows in _splits(self.clean, ["train"]):
            for side in self.sides:
                yield from rows[side]

    @property
    def characters(self) -> int:
        """Of them all."""
        return sum(map(len, self))


def _splits(clean: Path, splits: Sequence[str]) -> Iterator[tuple[str, dict[str, list[str]]]]:
    """Batches of documents of one split, as columns. (Lists, since Arrow's compute kernels are 40 MB to load.)"""
    for table in document_table.tables(clean):
        of = table["split"].to_pylist()
        columns = {name: table[name].to_pylist() for name in table.column_names[2:]}
        for split in splits:
            if split in of:
                yield (
                    split,
                    {
                        name: [text for text, own in zip(texts, of, strict=True) if own == split]
                        for name, texts in columns.items()
                    },
                )


def _nothing() -> dict[str, int]:
    return dict.fromkeys(("documents", "tokens", "characters", "bytes", "oov", "oov_bytes"), 0)


def _encode(tokenizer: Tokenizer, texts: list[str], count: dict[str, int], table: Any) -> pa.Array:
    stream, lengths = tokenizer.stream(texts)
    table += np.bincount(stream, minlength=len(table))
    unknown = np.flatnonzero(stream == UNK)
    rows = np.unique(np.searchsorted(np.cumsum(lengths), unknown, side="right"))
    count["documents"] += len(texts)
    count["tokens"] += len(stream)
    count["characters"] += sum(map(len, texts))
    count["bytes"] += sum(len(text.encode()) for text in texts)
    count["oov"] += len(unknown)
    count["oov_bytes"] += sum(len(piece.encode()) for row in rows for piece in tokenizer.unknown(texts[row]))
    return token_store.array(stream, lengths)


def _with_shares(counts: dict[str, dict[str, dict[str, int]]]) -> dict[str, Any]:
    return {
        split: {
            side: count
            | {
                "coverage": round(1 - count["oov"] / max(1, count["tokens"]), 6),
                "tokens_per_byte": round(count["tokens"] / max(1, count["bytes"]), 6),
            }
            for side, count in sides.items()
        }
        for split, sides in counts.items()
    }


def _warnings(
    params: TokenizerParams, sizes: dict[str, int], counts: dict[str, dict[str, dict[str, int]]]
) -> list[str]:
    wanted = "all" if isinstance(params, CharTokenizerParams) else params.vocabulary_size
    found = [
        f"tokenizers of corpus {params.corpus}: the train split gives a {name} of {size} only, not the {wanted} asked for"
        for name, size in sizes.items()
        if isinstance(wanted, int) and size < wanted
    ]
    return found + [
        f"tokenizers of corpus {params.corpus}: {100 * count['oov'] / count['tokens']:.0f} % of the {split} split ({side}) "
        "is unknown to the vocabulary; lower min_count, or split so that train and test are alike"
        for split, sides in counts.items()
        for side, count in sides.items()
        if count["oov"] > 0.5 * count["tokens"]
    ]
