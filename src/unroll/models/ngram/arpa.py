r"""ARPA files: the text format of n-gram models that KenLM, SRILM and others exchange.

Each order has a section of lines `log10 p <tab> w1 ... wk <tab> log10 backoff`. `<bos>`, `<eos>` and `<unk>` are
written as `<s>`, `</s>` and `<unk>`. Words that would be misread, because they contain ASCII white space or are spelled
like one of these three, have the offending characters escaped as \xNN. As in SRILM, the logarithm of zero is -99.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from unroll.errors import UnrollError
from unroll.models.ngram.index import MISSING, Index, NgramTable, find_ngrams
from unroll.models.ngram.model import Model
from unroll.text.encoding import decode_lines
from unroll.text.tokenizers.vocabulary import BOS, EOS, PAD, SPECIAL, UNK

RESERVED = {"<s>": BOS, "</s>": EOS, "<unk>": UNK}
CAPITAL_UNK = "<UNK>"
"""Another spelling of `<unk>`, which some programs write. It is read as KenLM does."""
LOG10_ZERO = -99.0
SHOWN = 40
"""The number of characters of a word in a message."""
LARGEST = 0.001
"""The largest decimal logarithm of a probability. Rounding may leave a probability slightly above 1."""
SPACES = "\0\t\n\v\f\r "
"""What separates fields, as in KenLM and SRILM: words may contain other white space."""
TOTAL = re.compile(r"ngram\s+([0-9]{1,3})\s*=\s*([0-9]{1,15})", re.ASCII)
MARK = re.compile(r"\\([0-9]{1,3})-grams:")
LOGARITHM = r"^(?:[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|-[iI][nN][fF](?:inity)?)$"
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
    totals, sections = _divide(path)
    tokens: dict[str, int] = dict(RESERVED)
    orders: list[NgramTable] = []
    for k, (section, total) in enumerate(zip(sections, totals, strict=True), 1):
        log_probs, words, log_backoffs = _parse_section(section, k, total, path)
        if k == 1:
            capital = not pc.any(pc.equal(words, "<unk>")).as_py()
            for word in words.to_pylist():
                if not (capital and word == CAPITAL_UNK):
                    tokens.setdefault(word, len(tokens) + 1)
            spellings, size = pa.array(tokens), len(tokens) + 1
        if capital:
            words = pc.if_else(pc.equal(words, CAPITAL_UNK), "<unk>", words)
        ids = pc.index_in(words, spellings)
        if ids.null_count:
            row = int(np.flatnonzero(ids.is_null().to_numpy(zero_copy_only=False))[0])
            raise UnrollError(
                f"{path}: line {section.lines[row // k]}: the word {words[row].as_py()[:SHOWN]!r} is not one of the "
                "1-grams; write the file again"
            )
        orders.append(_build_table(orders, ids.to_numpy().reshape(total, k) + 1, log_probs, log_backoffs, size, path))
    orders[-1] = replace(orders[-1], log_backoffs=np.empty(0, np.float32))
    words = [*SPECIAL, *(unescape(word) for word in tokens if word not in RESERVED)]
    return Model({"family": "ngram", "order": len(orders)}, size, orders), words


@dataclass(frozen=True, slots=True)
class _Section:
    rows: list[str]
    """The lines that are not blank."""
    lines: list[int]
    """Their numbers."""


def _divide(path: Path) -> tuple[list[int], list[_Section]]:
    """Return the number of n-grams of each order, as the head announces them, and the sections."""
    totals: list[int] = []
    sections: list[_Section] = []
    in_head = complete = False
    with path.open("rb") as content:
        for number, line in enumerate(decode_lines(content, str(path)), 1):
            text = line.strip(SPACES)
            if not sections and (in_head or text == "\\data\\"):
                in_head = True
                if match := TOTAL.fullmatch(text):
                    if int(match[1]) != len(totals) + 1:
                        raise UnrollError(f"{path}: line {number}: the orders are not 1, 2, 3, ...; write it again")
                    totals.append(int(match[2]))
                    continue
            if in_head and (match := MARK.fullmatch(text)):
                if int(match[1]) != len(sections) + 1 or len(sections) == len(totals):
                    raise UnrollError(
                        f"{path}: line {number}: {text[:SHOWN]} follows the {len(sections)}-grams, and the head "
                        f"announces {len(totals)} orders; write it again"
                    )
                sections.append(_Section([], []))
            elif in_head and text == "\\end\\":
                complete = True
                break
            elif sections and text:
                sections[-1].rows.append(text)
                sections[-1].lines.append(number)
    if not totals or not complete or len(sections) != len(totals):
        raise UnrollError(
            f"{path}: not a complete ARPA file: its head announces {len(totals)} orders, and it has {len(sections)} "
            f"sections {'and' if complete else 'without'} \\end\\; write it again"
        )
    return totals, sections


def _parse_section(section: _Section, k: int, total: int, path: Path) -> tuple[NDArray, pa.Array, NDArray]:
    """Return log p (N,), the words (N k,) and the log backoffs (N,) of a section; a missing backoff is 0."""
    lines = pa.array(section.rows, pa.string())
    if len(lines) != total:
        raise UnrollError(
            f"{path}: has {len(lines)} {k}-grams instead of {total}; the file is cut short, so write it again"
        )
    fields = pc.ascii_split_whitespace(lines)
    first, lengths, flat = fields.offsets.to_numpy()[:-1], pc.list_value_length(fields).to_numpy(), fields.flatten()
    if not (even := np.isin(lengths, (k + 1, k + 2))).all():
        row = int(np.flatnonzero(~even)[0])
        raise UnrollError(
            f"{path}: line {section.lines[row]}: does not have a number, {k} words and perhaps another number; write "
            "it again"
        )
    logs = np.zeros((2, total))
    backoffs = lengths == k + 2
    logs[0] = _numbers(flat.take(first), np.arange(total), section, path)
    logs[1, backoffs] = _numbers(flat.take(first[backoffs] + k + 1), np.flatnonzero(backoffs), section, path)
    if (large := (logs[0] > LARGEST) | np.isposinf(logs[1])).any():
        row = int(np.flatnonzero(large)[0])
        raise UnrollError(
            f"{path}: line {section.lines[row]}: the logarithm of a probability is above 0, or a backoff is infinite; "
            "write it again"
        )
    logs = np.where(logs <= LOG10_ZERO, -np.inf, logs * np.log(10))
    words = flat.take((first[:, None] + 1 + np.arange(k)).ravel())
    return logs[0].astype(np.float32), words, logs[1].astype(np.float32)


def _numbers(fields: pa.Array, rows: NDArray, section: _Section, path: Path) -> NDArray:
    """Return the decimal logarithms of fields (N,), which are those of `rows` of a section."""
    if not pc.all(matches := pc.match_substring_regex(fields, LOGARITHM)).as_py() and len(fields):
        row = int(np.flatnonzero(~matches.to_numpy(zero_copy_only=False))[0])
        raise UnrollError(
            f"{path}: line {section.lines[rows[row]]}: {fields[row].as_py()[:SHOWN]!r} should be a number, but is not; "
            "write it again"
        )
    return pc.replace_substring_regex(fields, r"^\+", "").cast(pa.float64()).to_numpy()


def _build_table(
    lower: list[NgramTable], words: Index, log_probs: NDArray, log_backoffs: NDArray, vocabulary_size: int, path: Path
) -> NgramTable:
    """Sort k-grams, `words` (N, k), by their keys; `lower` are the tables of the lower orders."""
    if not lower:  # 1-grams: every token has a row, and those that the file lacks have probability zero
        given = words[:, 0]
        if len(np.unique(given)) != len(given):
            raise UnrollError(f"{path}: a word occurs twice in the 1-grams; write it again")
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
