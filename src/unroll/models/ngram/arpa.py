r"""ARPA files: the text format of n-gram models that KenLM, SRILM and others exchange.

Per order a section of lines `log10 p <tab> w1 ... wk <tab> log10 backoff`. `<bos>`, `<eos>` and `<unk>` are spelt
`<s>`, `</s>` and `<unk>`. A word that would be misread (it contains ASCII white space, or is spelt like one of those)
has its offending characters written as \xNN. A probability of zero is -99, SRILM's custom.
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
from unroll.models.ngram.model import MISSING, Grams, Index, Model, find
from unroll.text.tokenizers.vocabulary import BOS, EOS, PAD, SPECIAL, UNK

RESERVED = {"<s>": BOS, "</s>": EOS, "<unk>": UNK}
LOG10_ZERO = -99.0
ROWS = 2**18
"""Lines formatted at once: bounds memory, changes no byte."""


def spell(word: str) -> str:
    r"""The spelling of a word in an ARPA file: itself, or with \xNN for what would be misread."""
    if word.lower() in RESERVED:
        return f"\\x3c{word[1:]}"
    return re.sub(r"[\0\t\n\v\f\r ]|\\(?=x[0-9a-f]{2})", lambda match: f"\\x{ord(match[0]):02x}", word)


def unspell(spelling: str) -> str:
    """The word of a spelling."""
    return re.sub(r"\\x([0-9a-f]{2})", lambda match: chr(int(match[1], 16)), spelling)


def write(model: Model, words: Sequence[str], path: Path) -> None:
    """Write `model` to the file `path`; words[i] is token i, of which the special ones go by their ARPA names.

    Numbers have all their digits, so `read` gives back the same model.
    """
    if len(words) != model.vocabulary_size:
        raise UnrollError(f"{path}: the model has {model.vocabulary_size} tokens, not {len(words)}; give its own words")
    names = {token: name for name, token in RESERVED.items()}
    vocabulary = pa.array([names.get(token, spell(word)) for token, word in enumerate(words)])
    ngrams = vocabulary
    with path.open("wb") as file:
        file.write(b"\\data\\\n")
        for k, grams in enumerate(model.orders, 1):
            file.write(f"ngram {k}={len(grams.keys) - (PAD + 1) * (k == 1)}\n".encode())  # all but <pad>
        for k, grams in enumerate(model.orders, 1):
            file.write(f"\n\\{k}-grams:\n".encode())
            if k > 1:
                contexts, last = np.divmod(grams.keys, model.vocabulary_size)
                ngrams = pc.binary_join_element_wise(ngrams.take(contexts), vocabulary.take(last), " ")
            for first in range((PAD + 1) * (k == 1), len(ngrams), ROWS):
                rows = slice(first, first + ROWS)
                columns = [_log10(grams.log_probs[rows]), ngrams[rows]]
                columns += [_log10(grams.log_backoffs[rows])] if k < len(model.orders) else []
                lines = pc.binary_join_element_wise(*columns, "\t")
                file.write(pc.binary_join(pa.ListArray.from_arrays([0, len(lines)], lines), "\n")[0].as_buffer())
                file.write(b"\n")
        file.write(b"\n\\end\\\n")


def _log10(logs: NDArray) -> pa.Array:
    values = np.minimum(logs / np.log(10.0), 0)  # rounding may leave p a hair above 1
    return pa.array(np.where(np.isneginf(values), LOG10_ZERO, values)).cast(pa.string())


def read(path: Path) -> tuple[Model, list[str]]:
    """The model of an ARPA file and its words by token: the special ones, then the others in the file's order."""
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise UnrollError(f"{path}: not UTF-8 at byte {error.start}; save it as UTF-8") from None
    head, *sections = re.split(r"^\\(?:\d+-grams:|end\\)\s*\n", text, flags=re.MULTILINE)
    totals = [int(total) for total in re.findall(r"^ngram \d+=(\d+)", head, re.MULTILINE)]
    if not totals or len(sections) != len(totals) + 1:
        raise UnrollError(
            f"{path}: not a whole ARPA file: {len(totals)} orders announced, {len(sections)} section marks"
        )
    tokens: dict[str, int] = dict(RESERVED)
    orders: list[Grams] = []
    for k, (section, total) in enumerate(zip(sections, totals, strict=False), 1):
        log_probs, ngrams, log_backoffs = _columns(section.strip("\n"), k, total, path)
        if k == 1:
            for word in ngrams.to_pylist():
                tokens.setdefault(word, len(tokens) + 1)
            spellings, size = pa.array(tokens), len(tokens) + 1
        ids = pc.index_in(pc.split_pattern(ngrams, " ").flatten(), spellings)
        if ids.null_count or len(ids) != k * total:
            raise UnrollError(f"{path}: a line of the {k}-grams is not of {k} words that are 1-grams; write it again")
        orders.append(_order(orders, ids.to_numpy().reshape(total, k) + 1, log_probs, log_backoffs, size, path))
    orders[-1] = replace(orders[-1], log_backoffs=np.empty(0, np.float32))
    words = [*SPECIAL, *(unspell(word) for word in tokens if word not in RESERVED)]
    return Model({"family": "ngram", "order": len(orders)}, size, orders), words


def _columns(section: str, k: int, total: int, path: Path) -> tuple[NDArray, pa.Array, NDArray]:
    """log p, n-grams and log backoffs (0 where there is none) of one section's lines."""
    lines = pa.array(section.split("\n") if section else [], pa.string())
    if len(lines) != total:
        raise UnrollError(f"{path}: {len(lines)} {k}-grams instead of the {total} announced; the file is cut short")
    fields = pc.split_pattern(lines, "\t")
    first, lengths, flat = fields.offsets.to_numpy()[:-1], pc.list_value_length(fields).to_numpy(), fields.flatten()
    if not np.isin(lengths, (2, 3)).all():
        line = lines[int(np.flatnonzero(~np.isin(lengths, (2, 3)))[0])]
        raise UnrollError(f"{path}: the {k}-gram line `{line}` is not of 2 or 3 fields between tabs; write it again")
    logs = np.zeros((2, total))
    try:
        logs[0] = flat.take(first).cast(pa.float64())
        logs[1, lengths == 3] = flat.take(first[lengths == 3] + 2).cast(pa.float64())
    except pa.ArrowInvalid as error:
        raise UnrollError(f"{path}: a line of the {k}-grams has no number in it where one belongs: {error}") from error
    logs = np.where(logs <= LOG10_ZERO, -np.inf, logs * np.log(10))
    return logs[0].astype(np.float32), flat.take(first + 1), logs[1].astype(np.float32)


def _order(
    lower: list[Grams], words: Index, log_probs: NDArray, log_backoffs: NDArray, vocabulary_size: int, path: Path
) -> Grams:
    """Put k-grams, `words` (N, k), into the order of their keys."""
    if not lower:  # 1-grams: every token has a place, those not in the file probability zero
        given = words[:, 0]
        dense = np.full((2, vocabulary_size), -np.inf, np.float32)
        dense[0, given], dense[1], dense[1, given] = log_probs, 0, log_backoffs
        dense[0, [PAD, BOS]] = -np.inf
        return Grams(np.arange(vocabulary_size), dense[0], dense[1])
    index = words[:, 0]
    for column, grams in enumerate(lower[1:], 1):
        index = find(grams.keys, index, words[:, column], vocabulary_size)
    keys = index * vocabulary_size + words[:, -1]
    order = np.argsort(keys)
    if (index == MISSING).any() or not np.diff(keys[order]).all():
        raise UnrollError(
            f"{path}: a {words.shape[1]}-gram stands twice, or its first words stand nowhere; write it again"
        )
    return Grams(keys[order], log_probs[order], log_backoffs[order])
