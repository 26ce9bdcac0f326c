"""Stage tokenize: from clean documents to token ids. The tokenizer is learned from the train split only."""

import json
import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from unroll.errors import UnrollError
from unroll.params.tokenizers import CharTokenizerParams, TaggedTokenizerParams, TokenizerParams
from unroll.shards import map_shards
from unroll.text import document_table, token_store
from unroll.text.streams import CORPUS, SPLITS
from unroll.text.token_store import Frequencies, write_frequencies, zero_frequencies
from unroll.text.tokenizers.base import SHAPES, TAGS, Tokenizer
from unroll.text.tokenizers.loading import learn_tokenizer
from unroll.text.tokenizers.tagged import learn_tagged
from unroll.text.tokenizers.vocabulary import SPECIAL, UNK
from unroll.text.train_split import TrainSplit, read_splits

log = logging.getLogger(__name__)

Counts = dict[str, dict[str, dict[str, Any]]]
"""Counts by split, side and name."""


def tokenize(params: TokenizerParams, clean: Path, folder: Path) -> dict[str, Any]:
    """Learn a tokenizer and encode a corpus.

    It writes tokenizer.json; for each split <split>.arrow with the token ids of each side, without special tokens, and
    the labels; frequencies.parquet, and <side>.frequencies.parquet for each other side with a vocabulary of its own;
    counts.json; and corpus.json, the description of the corpus.

    Args:
        params: The entry of `tokenizers` in params.yaml.
        clean: The table of clean documents that stage clean wrote.
        folder: The existing, empty folder to write to.

    Returns:
        The contents of counts.json:
        {"vocabulary_size" (for separate vocabularies that of the target side, and "source_vocabulary_size"; for tagged
        text that of the words, "tags_vocabulary_size" and "shapes_vocabulary_size"),
        split: {side: {"documents", "tokens" (without special tokens), "characters", "bytes" (UTF-8 of the clean text),
        "oov" (tokens that are <unk>), "spelling_bits" and "spacing_bits" (the lengths of codes of what these tokens
        stand for, and of the white space that belongs to no token), "coverage" (1 - oov / tokens), "tokens_per_byte"}},
        "warnings": [sentences]}.

    Raises:
        UnrollError: The corpus is a series, or its sides do not fit `shared_vocabulary` or the type of the tokenizer,
            or the vocabulary size is too small.
    """
    fields = document_table.field_names(clean)
    if document_table.is_series(fields):
        raise UnrollError(
            f"tokenizers of corpus {params.corpus}: the corpus is a series of numbers, which has no tokens; name it in "
            "the section series"
        )
    corpus = document_table.read_corpus(clean)
    counts = _tokenize(params, clean, folder, fields, corpus["unknown_word"])
    for warning in counts.get("warnings", []):
        log.warning("%s", warning)
    (folder / CORPUS).write_text(json.dumps(corpus, indent=1) + "\n", encoding="utf-8")
    (folder / "counts.json").write_text(json.dumps(counts, indent=1) + "\n", encoding="utf-8")
    return counts


def _tokenize(
    params: TokenizerParams, clean: Path, folder: Path, fields: Sequence[str], unknown_word: str | None
) -> dict[str, Any]:
    tokenizers = _learn(params, clean, [name for name in fields if name != token_store.LABEL], unknown_word)
    sides = list(tokenizers)
    main = tokenizers[sides[-1]]
    others = {side: tokenizer for side, tokenizer in tokenizers.items() if tokenizer is not main}
    main.save(folder / "tokenizer.json", others)
    frequencies = {name: zero_frequencies(tokenizer.vocabulary_size) for name, tokenizer in tokenizers.items()}
    counts = {split: {side: _zero_counts() for side in sides} for split in SPLITS}
    labels = [(name, pa.string()) for name in fields if name == token_store.LABEL]
    schema = pa.schema([*labels, *((side, token_store.TOKEN_IDS) for side in sides)])
    replaced = 0
    encode = partial(encode_shard, tokenizers, schema)
    with token_store.TokenWriter(folder, schema) as writer, map_shards(encode, document_table.divide(clean)) as shards:
        for shard in shards:
            for split, batch, batch_counts in shard.batches:
                writer.write_batch(split, batch)
                for side, values in batch_counts.items():
                    for name, value in values.items():
                        counts[split][side][name] += value
            for side, by_split in shard.frequencies.items():
                for split in SPLITS:
                    frequencies[side][split] += by_split[split]
            replaced += shard.replaced
    if not others:
        frequencies[sides[-1]] = _add_sides(frequencies)
    write_frequencies(folder / "frequencies.parquet", main, frequencies[sides[-1]])
    sizes = {"vocabulary_size": main.vocabulary_size}
    for side, tokenizer in others.items():
        write_frequencies(folder / f"{side}.frequencies.parquet", tokenizer, frequencies[side])
        sizes[f"{side}_vocabulary_size"] = tokenizer.vocabulary_size
    warnings = _warnings(params, sizes, counts)
    if replaced and unknown_word is None:
        warnings.append(
            f"tokenizers of corpus {params.corpus}: the word {SPECIAL[UNK]} occurs {replaced} times; if it stands for "
            f"unknown words, set unknown_word: {SPECIAL[UNK]} in corpora.{params.corpus}, so that every tokenizer "
            "encodes it as the unknown token"
        )
    return {**sizes, **_add_ratios(counts), "warnings": warnings}


def _learn(
    params: TokenizerParams, clean: Path, sides: Sequence[str], unknown_word: str | None
) -> dict[str, Tokenizer]:
    is_tagged = isinstance(params, TaggedTokenizerParams)
    if is_tagged != (TAGS in sides):
        raise UnrollError(
            f"tokenizers of corpus {params.corpus}: type tagged is for tagged text, and tagged text needs it; set "
            f"type: {'word' if is_tagged else 'tagged'}"
        )
    if isinstance(params, TaggedTokenizerParams):
        text, tags = (TrainSplit(clean, [side]) for side in ("text", TAGS))
        return learn_tagged(params, text, tags, unknown_word)
    if params.shared_vocabulary:
        return dict.fromkeys(sides, learn_tokenizer(params, TrainSplit(clean, sides), unknown_word))
    if len(sides) == 1:
        raise UnrollError(
            f"tokenizers of corpus {params.corpus}: shared_vocabulary: false is for sentence pairs; "
            "set shared_vocabulary: true"
        )
    return {side: learn_tokenizer(params, TrainSplit(clean, [side]), unknown_word) for side in sides}


@dataclass(frozen=True)
class EncodedShard:
    """The token ids of a shard."""

    batches: list[tuple[str, pa.RecordBatch, dict[str, dict[str, Any]]]]
    """For each batch of documents, its split, its columns, and its counts by side and name."""
    frequencies: dict[str, Frequencies]
    """The number of occurrences of each token, by side and split."""
    replaced: int
    """The number of words that are spelled like the unknown token."""


def encode_shard(
    tokenizers: Mapping[str, Tokenizer], schema: pa.Schema, shard: document_table.TableShard
) -> EncodedShard:
    """Encode the documents of a shard.

    Args:
        tokenizers: The tokenizer of each side.
        schema: The columns of a batch.
        shard: The shard of the table of clean documents.

    Returns:
        The token ids and their counts.
    """
    frequencies = {side: zero_frequencies(tokenizer.vocabulary_size) for side, tokenizer in tokenizers.items()}
    batches, replaced = [], 0
    for split, rows in read_splits(shard, SPLITS):
        if SHAPES in tokenizers:
            rows[SHAPES] = rows["text"]
        columns = {name: token_store.string_array(texts) for name, texts in rows.items() if name == token_store.LABEL}
        counts = {side: _zero_counts() for side in tokenizers}
        for side, tokenizer in tokenizers.items():
            columns[side] = _encode(tokenizer, rows[side], counts[side], frequencies[side][split])
            if side != SHAPES:
                replaced += sum(text.split().count(SPECIAL[UNK]) for text in rows[side] if SPECIAL[UNK] in text)
        batch = pa.record_batch([columns[name] for name in schema.names], schema=schema)
        batches.append((split, batch, counts))
    return EncodedShard(batches, frequencies, replaced)


def _add_sides(frequencies: Mapping[str, Frequencies]) -> Frequencies:
    """Return the frequencies of a vocabulary that the sides share."""
    return {split: np.sum([sides[split] for sides in frequencies.values()], axis=0) for split in SPLITS}


def _zero_counts() -> dict[str, Any]:
    integers = dict.fromkeys(("documents", "tokens", "characters", "bytes", "oov"), 0)
    return integers | dict.fromkeys(("spelling_bits", "spacing_bits"), 0.0)


def _encode(
    tokenizer: Tokenizer, texts: list[str], count: dict[str, Any], occurrences: NDArray[np.int64]
) -> pa.ListArray:
    """Encode a batch of documents, and add to its counts and to the occurrences (V,) of each token."""
    ids, lengths = tokenizer.encode_flat(texts)
    occurrences += np.bincount(ids, minlength=len(occurrences))
    unknown = np.flatnonzero(ids == UNK)
    rows = np.unique(np.searchsorted(np.cumsum(lengths), unknown, side="right"))
    count["documents"] += len(texts)
    count["tokens"] += len(ids)
    count["characters"] += sum(map(len, texts))
    count["bytes"] += sum(len(text.encode()) for text in texts)
    count["oov"] += len(unknown)
    count["spelling_bits"] += math.fsum(tokenizer.spelling_bits(texts[row]) for row in rows)
    count["spacing_bits"] += math.fsum(map(tokenizer.spacing_bits, texts))
    return token_store.list_array(ids, lengths)


def _add_ratios(counts: Counts) -> dict[str, Any]:
    return {
        split: {
            side: count
            | {name: round(count[name], 6) for name in ("spelling_bits", "spacing_bits")}  # the same on every processor
            | {
                "coverage": round(1 - count["oov"] / max(1, count["tokens"]), 6),
                "tokens_per_byte": round(count["tokens"] / max(1, count["bytes"]), 6),
            }
            for side, count in sides.items()
        }
        for split, sides in counts.items()
    }


def _warnings(params: TokenizerParams, sizes: dict[str, int], counts: Counts) -> list[str]:
    requested = "all" if isinstance(params, CharTokenizerParams) else params.vocabulary_size
    small = [
        f"tokenizers of corpus {params.corpus}: the train split gives a {name} of {size} only, not the requested "
        f"{requested}"
        for name, size in sizes.items()
        if isinstance(requested, int) and size < requested and not name.startswith((TAGS, SHAPES))
    ]
    return small + [
        f"tokenizers of corpus {params.corpus}: {100 * count['oov'] / count['tokens']:.0f} % of the {split} split "
        f"({side}) is unknown to the vocabulary; lower min_count, or choose splits of similar texts"
        for split, sides in counts.items()
        for side, count in sides.items()
        if count["oov"] > 0.5 * count["tokens"]
    ]
