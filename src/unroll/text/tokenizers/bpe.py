"""Byte pair encoding (Sennrich, Haddow and Birch 2016) with the library `tokenizers`.

No token has white space after its first character. Text is first divided into pretokens, before every white space
character and between words and other characters, and merges do not cross pretokens.

The vocabulary of the library has no special tokens, since the library would find them in the text. Its ids are shifted
to make room for our special tokens. Over bytes no text is unknown, and id = library's id + 4. Over characters the
library's id 0 is its unknown token, spelled "" as no other token can be; id = library's id + 3 makes it our `<unk>`.
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from threading import Thread
from typing import Any

import numpy as np
from tokenizers import Regex, models, pre_tokenizers, trainers
from tokenizers import Tokenizer as Library
from tokenizers.decoders import ByteLevel, Fuse

from unroll.errors import UnrollError
from unroll.params.tokenizers import BpeTokenizerParams
from unroll.text.tokenizers.base import FlatIds, Tokenizer, TrainingTexts
from unroll.text.tokenizers.vocabulary import SPECIAL, UNK
from unroll.text.tokenizers.word import count_characters

BATCH_CHARACTERS, SEGMENT_CHARACTERS = 120_000, 5_000
WHITE_SPACE = re.compile(r"\s")
BORDER = re.compile(r"(?<=\w)(?=[^\w\s])|(?<=[^\w\s])(?=\w)")
"""Where a pretoken begins without white space."""
TRAINING_THREAD = "bpe"
SPACE = r"[\s\x1c-\x1f\x85]"
PRETOKEN = Regex(rf"{SPACE}?(?:\w+|[^\w\s\x1c-\x1f\x85]+)|{SPACE}")
"""Every character belongs to exactly one pretoken. White space occurs only as its first character."""


class BpeTokenizer(Tokenizer):
    """Tokens are sequences of bytes or characters that were merged."""

    type = "bpe"

    def __init__(self, library: Library) -> None:
        """Set the tokenizer of the library `tokenizers`."""
        self._library = library
        self._library.encode_special_tokens = True
        self.unknown_token = library.model.unk_token  # None over bytes
        self._shift = len(SPECIAL) if self.unknown_token is None else UNK

    @classmethod
    def learn(cls, params: BpeTokenizerParams, texts: TrainingTexts) -> "BpeTokenizer":
        """Learn merges from a sample of the texts.

        Args:
            params: The entry of `tokenizers` in params.yaml.
            texts: The texts of the train split. All their characters enter the base alphabet.

        Returns:
            The tokenizer.

        Raises:
            UnrollError: The vocabulary size is smaller than the base alphabet.
        """
        over_bytes = params.base_alphabet == "bytes"
        alphabet = sorted(pre_tokenizers.ByteLevel.alphabet() if over_bytes else texts.count(count_characters))
        smallest = len(alphabet) + (len(SPECIAL) if over_bytes else 1 + UNK)
        if params.vocabulary_size < smallest:
            raise UnrollError(
                f"tokenizers of corpus {params.corpus}: vocabulary_size {params.vocabulary_size} leaves no room for "
                f"the {len(alphabet)} {params.base_alphabet} of the base alphabet; set it to {smallest} or more"
            )
        library = _make_library(models.BPE(), over_bytes)
        trainer = trainers.BpeTrainer(
            vocab_size=params.vocabulary_size - smallest + len(alphabet),
            initial_alphabet=alphabet,
            limit_alphabet=len(alphabet),
            special_tokens=[],
            show_progress=False,
        )
        total = texts.count(_count_lengths)[None]
        sample = _sample(texts, total, params.max_training_characters)
        batches = ([segment for _, segment in batch] for batch in _batch_segments(sample))
        _run_in_thread(lambda: library.train_from_iterator(batches, trainer))
        return cls(library if over_bytes else _add_unknown_token(library))

    @property
    def vocabulary_size(self) -> int:
        """The number V of tokens, including the special ones."""
        return self._library.get_vocab_size() + self._shift

    def _encode_flat(self, texts: Sequence[str]) -> FlatIds:
        parts, lengths = [np.empty(0, np.int32)], [0] * len(texts)
        for batch in _batch_segments(texts):  # the library holds a batch of encodings in memory
            encodings = self._library.encode_batch_fast([segment for _, segment in batch], add_special_tokens=False)
            for (number, _), encoding in zip(batch, encodings, strict=True):
                parts.append(np.array(encoding.ids, dtype=np.int32))
                lengths[number] += len(encoding)
        return np.concatenate(parts) + np.int32(self._shift), lengths

    def _unknown_tokens(self, text: str) -> list[str]:
        if self.unknown_token is None:
            return []
        return [character for character in text if self._library.token_to_id(character) is None]

    def _spelling(self, token: int) -> str:
        text = self._decode([token])
        if "\ufffd" not in text:
            return text
        characters = str(self._library.id_to_token(token - self._shift))
        return "".join(f"<0x{BYTES[character]:02X}>" for character in characters)

    def _decode(self, ids: Sequence[int]) -> str:
        return self._library.decode([token - self._shift for token in ids], skip_special_tokens=False)

    def _state(self) -> dict[str, Any]:
        return {"library": json.loads(self._library.to_str())}

    @classmethod
    def _restore(cls, state: dict[str, Any]) -> "BpeTokenizer":
        return cls(Library.from_str(json.dumps(state["library"])))


def _run_in_thread(function: Callable[[], None]) -> None:
    """Run a function that does not look at signals in a thread, so that SIGTERM and Ctrl-C end the process meanwhile.

    The thread is a daemon: it does not delay the end of the process.
    """
    future: Future[None] = Future()

    def run() -> None:
        try:
            function()
            future.set_result(None)
        except BaseException as error:
            future.set_exception(error)

    Thread(target=run, name=TRAINING_THREAD, daemon=True).start()
    future.result()


def _sample(texts: TrainingTexts, total: int, characters: int) -> Iterator[str]:
    """Yield at most about this number of the `total` characters: whole texts, evenly spread."""
    if total <= characters:
        yield from texts
        return
    seen = taken = 0
    for text in texts:
        seen += len(text)
        if taken * total < seen * characters:
            taken += len(text)
            yield text


def _count_lengths(texts: Iterable[str]) -> Counter[None]:
    return Counter({None: sum(map(len, texts))})


def _batch_segments(texts: Iterable[str]) -> Iterator[list[tuple[int, str]]]:
    """Yield batches of (number of the text, segment). The segments of a text are encoded independently."""
    batch: list[tuple[int, str]] = []
    size = 0
    for number, text in enumerate(texts):
        for segment in _segments(text):
            batch.append((number, segment))
            size += len(segment)
            if size >= BATCH_CHARACTERS:
                yield batch
                batch, size = [], 0
    if batch:
        yield batch


def _segments(text: str) -> Iterator[str]:
    """Yield a long text in segments. They begin with white space, where a pretoken begins in any case.

    Without white space, they begin where another pretoken begins, or else they have a fixed length: the time for a
    pretoken is quadratic in its length.
    """
    first = 0
    while len(text) - first > SEGMENT_CHARACTERS:
        earliest = first + SEGMENT_CHARACTERS
        latest = earliest + SEGMENT_CHARACTERS
        border = WHITE_SPACE.search(text, earliest, latest) or BORDER.search(text, earliest, latest)
        if border is None and len(text) <= latest:
            break  # the rest is short enough
        end = border.start() if border else earliest
        yield text[first:end]
        first = end
    yield text[first:] if first else text


def _make_library(model: models.BPE, over_bytes: bool) -> Library:
    library = Library(model)
    pretokenizer = pre_tokenizers.Split(PRETOKEN, "isolated")
    library.pre_tokenizer = (
        pre_tokenizers.Sequence([pretokenizer, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
        if over_bytes
        else pretokenizer
    )
    library.decoder = ByteLevel() if over_bytes else Fuse()
    return library


def _add_unknown_token(library: Library) -> Library:
    """Return the same merges with a vocabulary whose token 0 replaces every unknown character."""
    state = json.loads(library.to_str())["model"]
    vocabulary = {"": 0} | {token: number + 1 for token, number in state["vocab"].items()}
    merges = [tuple(pair) for pair in state["merges"]]
    return _make_library(models.BPE(vocab=vocabulary, merges=merges, unk_token="", fuse_unk=False), over_bytes=False)


def _byte_characters() -> Iterator[tuple[str, int]]:
    """Yield the printable character that stands for each byte in byte-level BPE (Radford et al. 2019)."""
    extra = 256
    for byte in range(256):
        if 33 <= byte <= 126 or 161 <= byte <= 172 or byte >= 174:
            yield chr(byte), byte
        else:
            yield chr(extra), byte
            extra += 1


BYTES = dict(_byte_characters())
