r"""ARPA files: the text format of n-gram models that KenLM, SRILM and others exchange.

Each order has a section of lines `log10 p <tab> w1 ... wk <tab> log10 backoff`. `<bos>`, `<eos>` and `<unk>` are
written as `<s>`, `</s>` and `<unk>`. Words that would be misread, because they contain ASCII white space or are spelled
like one of these three, have the offending characters escaped as \xNN. As in SRILM, the logarithm of zero is -99.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from unroll.errors import UnrollError
from unroll.models.ngram.index import MISSING, Index, NgramTable, find_ngrams
from unroll.models.ngram.model import Model
from unroll.text.tokenizers.vocabulary import BOS, EOS, PAD, SPECIAL, UNK

RESERVED = {"<s>": BOS, "</s>": EOS, "<unk>": UNK}
LOG10_ZERO = -99.0
ROWS = 2**18
"""The number of lines that are formatted together. It bounds memory and changes no byte."""


def escape(word: str) -> str:
    r"""Return the spelling of a word in an ARPA file: the word with \xNN for characters that would be misread."""
    if word.lower() in RESERVED:
        return f"\\x3c{word[1:]}"
    return re.sub(r"[\0\t\n\v\f\r ]|\\(?=x[0-9a-f]{2})", lambda match: f"\\x{ord(match[0]):02x}", word)


def unescape(spelling: str) -> str:
    """Return the word of a spelling in an ARPA file."""
    return re.sub(r"\\x([0-9a-f]{2})", lambda match: chr(int(match[1], 16)), spelling)


def write(model: Model, words: Sequence[str], path: Path) -> None:
    """Write a model to an ARPA file. Numbers have all their digits, so `read` returns an equal model.

    Args:
        model: The n-gram model.
        words: The spelling of every token. Those of the special tokens are not used.
        path: The file.

    Raises:
        UnrollError: The number of words is not the size of the vocabulary.
    """
    if len(words) != model.vocabulary_size:
        raise UnrollError(f"{path}: the model has {model.vocabulary_size} tokens, not {len(words)}; give its own words")
    names = {token: name for name, token in RESERVED.items()}
    vocabulary = pa.array([names.get(token, escape(word)) for token, word in enumerate(words)])
    ngrams = vocabulary
    with path.open("wb") as file:
        file.write(b"\\data\\\n")
        for k, table in enumerate(model.orders, 1):
            file.write(f"ngram {k}={len(table.keys) - (PAD + 1) * (k == 1)}\n".encode())  # without <pad>
        for k, table in enumerate(model.orders, 1):
            file.write(f"\n\\{k}-grams:\n".encode())
            if k > 1:
                contexts, last = np.divmod(table.keys, model.vocabulary_size)
                ngrams = pc.binary_join_element_wise(ngrams.take(contexts), vocabulary.take(last), " ")
            for first in range((PAD + 1) * (k == 1), len(ngrams), ROWS):
                rows = slice(first, first + ROWS)
                columns = [_log10(table.log_probs[rows]), ngrams[rows]]
                columns += [_log10(table.log_backoffs[rows])] if k < len(model.orders) else []
                lines = pc.binary_join_element_wise(*columns, "\t")
                file.write(pc.binary_join(pa.ListArray.from_arrays([0, len(lines)], lines), "\n")[0].as_buffer())
                file.write(b"\n")
        file.write(b"\n\\end\\\n")


def _log10(logs: NDArray) -> pa.Array:
    """Format natural logarithms as decimal logarithms."""
    values = np.minimum(logs / np.log(10.0), 0)  # rounding may leave p slightly above 1
    return pa.array(np.where(np.isneginf(values), LOG10_ZERO, values)).cast(pa.string())


def read(path: Path) -> tuple[Model, list[str]]:
    """Read a model from an ARPA file.

    Args:
        path: The file.

    Returns:
        The model, and the spelling of every token: first the special tokens, then the words in the order of the file.

    Raises:
        UnrollError: The file is not UTF-8, is cut short, or has a faulty line.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise UnrollError(f"{path}: not UTF-8 at byte {error.start}; save it as UTF-8") from None
    head, *sections = re.split(r"^\\(?:\d+-grams:|end\\)\s*\n", text, flags=re.MULTILINE)
    totals = [int(total) for total in re.findall(r"^ngram \d+=(\d+)", head, re.MULTILINE)]
    if not totals or len(sections) != len(totals) + 1:
        raise UnrollError(
            f"{path}: not a complete ARPA file: its head announces {len(totals)} orders, but it has {len(sections)} "
            "section marks; write it again"
        )
    tokens: dict[str, int] = dict(RESERVED)
    orders: list[NgramTable] = []
    for k, (section, total) in enumerate(zip(sections, totals, strict=False), 1):
        log_probs, ngrams, log_backoffs = _parse_section(section.strip("\n"), k, total, path)
        if k == 1:
            for word in ngrams.to_pylist():
                tokens.setdefault(word, len(tokens) + 1)
            spellings, size = pa.array(tokens), len(tokens) + 1
        ids = pc.index_in(pc.split_pattern(ngrams, " ").flatten(), spellings)
        if ids.null_count or len(ids) != k * total:
            raise UnrollError(
                f"{path}: a line of the {k}-grams does not have {k} words that are 1-grams; write it again"
            )
        orders.append(_build_table(orders, ids.to_numpy().reshape(total, k) + 1, log_probs, log_backoffs, size, path))
    orders[-1] = replace(orders[-1], log_backoffs=np.empty(0, np.float32))
    words = [*SPECIAL, *(unescape(word) for word in tokens if word not in RESERVED)]
    return Model({"family": "ngram", "order": len(orders)}, size, orders), words


def _parse_section(section: str, k: int, total: int, path: Path) -> tuple[NDArray, pa.Array, NDArray]:
    """Return log p, the n-grams and the log backoffs of a section; a line without a backoff has log backoff 0."""
    lines = pa.array(section.split("\n") if section else [], pa.string())
    if len(lines) != total:
        raise UnrollError(
            f"{path}: has {len(lines)} {k}-grams instead of {total}; the file is cut short, so write it again"
        )
    fields = pc.split_pattern(lines, "\t")
    first, lengths, flat = fields.offsets.to_numpy()[:-1], pc.list_value_length(fields).to_numpy(), fields.flatten()
    if not np.isin(lengths, (2, 3)).all():
        line = lines[int(np.flatnonzero(~np.isin(lengths, (2, 3)))[0])]
        raise UnrollError(
            f"{path}: the {k}-gram line `{line}` does not have 2 or 3 fields separated by tabs; write it again"
        )
    logs = np.zeros((2, total))
    try:
        logs[0] = flat.take(first).cast(pa.float64())
        logs[1, lengths == 3] = flat.take(first[lengths == 3] + 2).cast(pa.float64())
    except pa.ArrowInvalid as error:
        raise UnrollError(
            f"{path}: a field of the {k}-grams should be a number, but is not ({error}); write it again"
        ) from error
    logs = np.where(logs <= LOG10_ZERO, -np.inf, logs * np.log(10))
    return logs[0].astype(np.float32), flat.take(first + 1), logs[1].astype(np.float32)


def _build_table(
    lower: list[NgramTable], words: Index, log_probs: NDArray, log_backoffs: NDArray, vocabulary_size: int, path: Path
) -> NgramTable:
    """Sort k-grams, `words` (N, k), by their keys; `lower` are the tables of the lower orders."""
    if not lower:  # 1-grams: every token has a row, and those that the file lacks have probability zero
        given = words[:, 0]
        dense = np.full((2, vocabulary_size), -np.inf, np.float32)
        dense[0, given], dense[1], dense[1, given] = log_probs, 0, log_backoffs
        dense[0, [PAD, BOS]] = -np.inf
        return NgramTable(np.arange(vocabulary_size), dense[0], dense[1])
    index = words[:, 0]
    for column, table in enumerate(lower[1:], 1):
        index = find_ngrams(table.keys, index, words[:, column], vocabulary_size)
    keys = index * vocabulary_size + words[:, -1]
    order = np.argsort(keys)
    if (index == MISSING).any() or not np.diff(keys[order]).all():
        raise UnrollError(
            f"{path}: a {words.shape[1]}-gram occurs twice, or its first words are not an n-gram of the file; write it "
            "again"
        )
    return NgramTable(keys[order], log_probs[order], log_backoffs[order])
