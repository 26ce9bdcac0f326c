"""Byte pair encoding (Sennrich, Haddow and Birch 2016; notes "Tokenization"), on the `tokenizers` library.

The notes' rule: no new token is made of a pair whose second token begins with white space; so no token has white space
after its first character. Here the text is first parted before every white space character and between words and other
signs, and merges stay inside these parts.

The library's vocabulary holds no special token, since it would find such tokens in the text: its ids are moved up to
make room for ours. Over bytes nothing is unknown: id = library's + 4. Over characters the library's id 0 is its own
unknown token, spelled "" as no piece of a text can be, and id = library's + 3 makes it our <unk>.
"""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Any

import numpy as np
from tokenizers import Regex, models, pre_tokenizers, trainers
from tokenizers import Tokenizer as Library
from tokenizers.decoders import ByteLevel, Fuse

from unroll.errors import UnrollError
from unroll.params.tokenizers import BpeTokenizerParams
from unroll.text.tokenizers.base import Stream, Texts, Tokenizer
from unroll.text.tokenizers.vocabulary import SPECIAL, UNK

BATCH, PART = 120_000, 5_000  # characters
WHITE = re.compile(r"\s")
SPACE = r"[\s\x1c-\x1f\x85]"
PARTS = Regex(rf"{SPACE}?(?:\w+|[^\w\s\x1c-\x1f\x85]+)|{SPACE}")
"""Every character belongs to exactly one part, and white space only begins one."""


class BpeTokenizer(Tokenizer):
    type = "bpe"

    def __init__(self, library: Library) -> None:
        self._library = library
        self._library.encode_special_tokens = True
        self.unknown_piece = library.model.unk_token  # None over bytes
        self._shift = len(SPECIAL) if self.unknown_piece is None else UNK

    @classmethod
    def learn(cls, params: BpeTokenizerParams, texts: Texts) -> "BpeTokenizer":
        over_bytes = params.base_alphabet == "bytes"
        alphabet = sorted(pre_tokenizers.ByteLevel.alphabet() if over_bytes else set(chain.from_iterable(texts)))
        smallest = len(alphabet) + (len(SPECIAL) if over_bytes else 1 + UNK)
        if params.vocabulary_size < smallest:
            raise UnrollError(
                f"tokens of corpus {params.corpus}: vocabulary_size {params.vocabulary_size} leaves no room for the "
                f"{len(alphabet)} {params.base_alphabet} of the alphabet; set it to {smallest} or more"
            )
        library = _library(models.BPE(), over_bytes)
        trainer = trainers.BpeTrainer(
            vocab_size=params.vocabulary_size - smallest + len(alphabet),
            initial_alphabet=alphabet,
            limit_alphabet=len(alphabet),
            special_tokens=[],
            show_progress=False,
        )
        sample = _sample(texts, params.max_training_characters)
        batches = ([part for _, part in batch] for batch in _batches(sample))  # 1.6 times as fast as one by one
        library.train_from_iterator(batches, trainer)
        return cls(library if over_bytes else _with_unknown(library))

    @property
    def vocabulary_size(self) -> int:
        return self._library.get_vocab_size() + self._shift

    def stream(self, texts: Sequence[str]) -> Stream:
        parts, lengths = [np.empty(0, np.int32)], [0] * len(texts)
        for batch in _batches(texts):  # the library keeps some 100 bytes a token until a batch is done
            found = self._library.encode_batch_fast([part for _, part in batch], add_special_tokens=False)
            for (number, _), encoding in zip(batch, found, strict=True):
                parts.append(np.array(encoding.ids, dtype=np.int32))
                lengths[number] += len(encoding)
        return np.concatenate(parts) + np.int32(self._shift), lengths

    def unknown(self, text: str) -> list[str]:
        if self.unknown_piece is None:
            return []
        return [character for character in text if self._library.token_to_id(character) is None]

    def _token(self, token: int) -> str:
        text = self._decode([token])
        if "\ufffd" not in text:
            return text
        piece = str(self._library.id_to_token(token - self._shift))
        return "".join(f"<0x{BYTES[character]:02X}>" for character in piece)

    def _decode(self, ids: Sequence[int]) -> str:
        return self._library.decode([token - self._shift for token in ids], skip_special_tokens=False)

    def _state(self) -> dict[str, Any]:
        return {"library": json.loads(self._library.to_str())}

    @classmethod
    def _restore(cls, state: dict[str, Any]) -> "BpeTokenizer":
        return cls(Library.from_str(json.dumps(state["library"])))


def _sample(texts: Texts, characters: int) -> Iterator[str]:
    """At most about so many characters of `texts`: whole documents, evenly spread."""
    total = texts.characters
    if total <= characters:
        yield from texts
        return
    seen = taken = 0
    for text in texts:
        seen += len(text)
        if taken * total < seen * characters:
            taken += len(text)
            yield text


def _batches(texts: Iterable[str]) -> Iterator[list[tuple[int, str]]]:
    """The texts, each with its number, in batches; long ones in parts, each to be encoded by itself."""
    batch: list[tuple[int, str]] = []
    size = 0
    for number, text in enumerate(texts):
        for part in _parts(text):
            batch.append((number, part))
            size += len(part)
            if size >= BATCH:
                yield batch
                batch, size = [], 0
    if batch:
        yield batch


def _parts(text: str) -> Iterator[str]:
    """`text` cut before white space, where a new token begins in any case."""
    first = 0
    while len(text) - first > PART and (space := WHITE.search(text, first + PART)):
        yield text[first : space.start()]
        first = space.start()
    yield text[first:] if first else text


def _library(model: models.BPE, over_bytes: bool) -> Library:
    library = Library(model)
    parts = pre_tokenizers.Split(PARTS, "isolated")
    library.pre_tokenizer = (
        pre_tokenizers.Sequence([parts, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
        if over_bytes
        else parts
    )
    library.decoder = ByteLevel() if over_bytes else Fuse()
    return library


def _with_unknown(library: Library) -> Library:
    """The same merges in a vocabulary whose token 0 stands for every other character."""
    state = json.loads(library.to_str())["model"]
    vocabulary = {"": 0} | {piece: token + 1 for piece, token in state["vocab"].items()}
    merges = [tuple(pair) for pair in state["merges"]]
    return _library(models.BPE(vocab=vocabulary, merges=merges, unk_token="", fuse_unk=False), over_bytes=False)


def _byte_characters() -> Iterator[tuple[str, int]]:
    """The printable stand-in of each byte that byte-level BPE uses (Radford et al. 2019)."""
    extra = 256
    for byte in range(256):
        if 33 <= byte <= 126 or 161 <= byte <= 172 or byte >= 174:
            yield chr(byte), byte
        else:
            yield chr(extra), byte
            extra += 1


BYTES = dict(_byte_characters())
