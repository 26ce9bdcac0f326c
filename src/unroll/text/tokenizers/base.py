"""Text to ids and back: what every tokenizer can do, and the file it is kept in."""

import json
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from unroll.text.tokenizers.vocabulary import SPECIAL, UNK

SOURCE = "source"
Stream = tuple[NDArray[np.int32], list[int]]


class Tokenizer(ABC):
    """Ids 0 to 3 are the special tokens of `unroll.text.tokenizers.vocabulary`; those of the text begin at 4.

    No text can make a special token: "<eos>" in a text is a word (or its pieces) like any other. `encode` yields
    neither <pad> nor <bos> nor <eos>, and <unk> only for what the vocabulary lacks.
    """

    type: str

    @property
    @abstractmethod
    def vocabulary_size(self) -> int:
        """Special tokens included."""

    @abstractmethod
    def stream(self, texts: Sequence[str]) -> Stream:
        """The ids of all texts end to end, and how many each has."""

    @abstractmethod
    def unknown(self, text: str) -> list[str]:
        """The pieces of `text` that become <unk>, in order."""

    @abstractmethod
    def _token(self, token: int) -> str:
        """The spelling of a token of the text."""

    @abstractmethod
    def _decode(self, ids: Sequence[int]) -> str:
        """The text of tokens of the text."""

    @abstractmethod
    def _state(self) -> dict[str, Any]:
        """JSON values; `_restore` of the same class makes an equal tokenizer of them."""

    @classmethod
    @abstractmethod
    def _restore(cls, state: dict[str, Any]) -> "Tokenizer": ...

    @classmethod
    @abstractmethod
    def learn(cls, params: Any, texts: "Texts") -> "Tokenizer":
        """The tokenizer of `params`, of this level, for the train split `texts`. Their order plays no part."""

    def encode_batch(self, texts: Sequence[str]) -> list[list[int]]:
        """The ids of each text."""
        ids, lengths = self.stream(texts)
        ends = np.cumsum(lengths, dtype=np.int64)
        return [ids[end - length : end].tolist() for end, length in zip(ends, lengths, strict=True)]

    def encode(self, text: str) -> list[int]:
        """The ids of one text."""
        return self.stream([text])[0].tolist()

    def decode(self, ids: Iterable[int]) -> str:
        """The text of `ids`; <unk> is spelled so, <pad>, <bos> and <eos> are left out."""
        parts: list[str] = []
        run: list[int] = []
        for token in map(int, ids):
            if token > UNK:
                run.append(token)
            elif token == UNK:
                parts += [self._decode(run)] * bool(run) + [SPECIAL[UNK]]
                run = []
        return self._joiner.join(parts + [self._decode(run)] * bool(run))

    _joiner = ""

    def token(self, token: int) -> str:
        """How one token is spelled, "<eos>" and the like included."""
        if not 0 <= token < self.vocabulary_size:
            raise ValueError(f"token {token} is not in a vocabulary of {self.vocabulary_size}")
        return SPECIAL[token] if token < len(SPECIAL) else self._token(token)

    def save(self, path: Path, source: "Tokenizer | None" = None) -> None:
        """Write to the file `path`; `source` is the tokenizer of the other side of pairs, if they do not share one."""
        state = {"type": self.type, **self._state()}
        if source is not None:
            state[SOURCE] = {"type": source.type, **source._state()}
        path.write_text(json.dumps(state, ensure_ascii=False, separators=(",", ":")) + "\n", encoding="utf-8")


class Texts(Protocol):
    """The texts of a train split; every loop reads them anew."""

    def __iter__(self) -> Iterator[str]: ...

    @property
    def characters(self) -> int:
        """Of them all."""
