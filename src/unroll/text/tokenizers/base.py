"""The interface of tokenizers, and the file that they are saved in."""

import json
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from unroll.text.tokenizers.vocabulary import SPECIAL, UNK

SOURCE = "source"
FlatIds = tuple[NDArray[np.int32], list[int]]
"""The token ids of several texts end to end, and the number of token ids of each text."""


class Tokenizer(ABC):
    """Encodes text as token ids and decodes token ids as text.

    Ids 0 to 3 are the special tokens of `unroll.text.tokenizers.vocabulary`; those of other tokens begin at 4. No text
    is encoded as a special token: "<eos>" in a text is an ordinary word (or its subwords). Encoding yields neither
    `<pad>` nor `<bos>` nor `<eos>`; it yields `<unk>` for what the vocabulary lacks.
    """

    type: str
    """The value of `type` in params.yaml."""

    @property
    @abstractmethod
    def vocabulary_size(self) -> int:
        """The number V of tokens, including the special ones."""

    @abstractmethod
    def encode_flat(self, texts: Sequence[str]) -> FlatIds:
        """Encode texts end to end.

        Args:
            texts: The texts.

        Returns:
            The token ids (N,) of all texts end to end, and the number of token ids of each text.
        """

    @abstractmethod
    def unknown_tokens(self, text: str) -> list[str]:
        """Return the tokens of a text that are encoded as `<unk>`, in order."""

    @abstractmethod
    def _spelling(self, token: int) -> str:
        """Return the spelling of a token that is not special."""

    @abstractmethod
    def _decode(self, ids: Sequence[int]) -> str:
        """Return the text of tokens that are not special."""

    @abstractmethod
    def _state(self) -> dict[str, Any]:
        """Return what `_restore` needs to make an equal tokenizer, as JSON values."""

    @classmethod
    @abstractmethod
    def _restore(cls, state: dict[str, Any]) -> "Tokenizer":
        """Make a tokenizer from its state."""

    @classmethod
    @abstractmethod
    def learn(cls, params: Any, texts: "TrainingTexts") -> "Tokenizer":
        """Learn a tokenizer of this type.

        Args:
            params: The entry of `tokenizers` in params.yaml.
            texts: The texts of the train split. Their order does not matter.

        Returns:
            The tokenizer.
        """

    def encode_batch(self, texts: Sequence[str]) -> list[list[int]]:
        """Return the token ids of each text."""
        ids, lengths = self.encode_flat(texts)
        ends = np.cumsum(lengths, dtype=np.int64)
        return [ids[end - length : end].tolist() for end, length in zip(ends, lengths, strict=True)]

    def encode(self, text: str) -> list[int]:
        """Return the token ids of one text."""
        return self.encode_flat([text])[0].tolist()

    def decode(self, ids: Iterable[int]) -> str:
        """Return the text of token ids. `<unk>` is kept; `<pad>`, `<bos>` and `<eos>` are left out."""
        parts: list[str] = []
        run: list[int] = []
        for token in map(int, ids):
            if token > UNK:
                run.append(token)
            elif token == UNK:
                parts += [self._decode(run)] * bool(run) + [SPECIAL[UNK]]
                run = []
        return self._separator.join(parts + [self._decode(run)] * bool(run))

    _separator = ""

    def id_to_token(self, token: int) -> str:
        """Return the spelling of a token.

        Args:
            token: The token id.

        Returns:
            The spelling; that of a special token is `<pad>`, `<bos>`, `<eos>` or `<unk>`.

        Raises:
            ValueError: The id is not in the vocabulary.
        """
        if not 0 <= token < self.vocabulary_size:
            raise ValueError(f"token {token} is not in a vocabulary of {self.vocabulary_size}")
        return SPECIAL[token] if token < len(SPECIAL) else self._spelling(token)

    def save(self, path: Path, source: "Tokenizer | None" = None) -> None:
        """Save the tokenizer as JSON.

        Args:
            path: The file.
            source: The tokenizer of the source side of sentence pairs; None if both sides share this tokenizer.
        """
        state = {"type": self.type, **self._state()}
        if source is not None:
            state[SOURCE] = {"type": source.type, **source._state()}
        path.write_text(json.dumps(state, ensure_ascii=False, separators=(",", ":")) + "\n", encoding="utf-8")


class TrainingTexts(Protocol):
    """The texts of a train split, which may be iterated over several times."""

    def __iter__(self) -> Iterator[str]: ...

    @property
    def characters(self) -> int:
        """The number of characters of all texts."""
