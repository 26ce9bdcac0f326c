"""The interface of tokenizers, and the file that they are saved in."""

import json
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from unroll.text.tokenizers.spacing import Spacing
from unroll.text.tokenizers.unknown import UnknownWords
from unroll.text.tokenizers.vocabulary import SPECIAL, UNK

UNKNOWN, SPACING = "unknown", "spacing"
SOURCE, TAGS, SHAPES = "source", "tags", "shapes"
"""The other sides of a corpus that have a tokenizer of their own: the sources of pairs, and the tags and the shapes of
the words of tagged text."""
Key = TypeVar("Key", bound=Hashable)
FlatIds = tuple[NDArray[np.int32], list[int]]
"""The token ids of several texts end to end, and the number of token ids of each text."""


class TrainingTexts(Protocol):
    """The texts of a train split, which may be iterated over several times."""

    def __iter__(self) -> Iterator[str]: ...

    def count(self, function: Callable[[Iterable[str]], Counter[Key]]) -> Counter[Key]:
        """Count something in the shards of the texts, each of which may be in another process.

        Args:
            function: Counts it in the texts of one shard. It is a function of a module, or a `partial` of one.

        Returns:
            The sum of the counts.
        """


class Tokenizer(ABC):
    """Encodes text as token ids and decodes token ids as text.

    Ids 0 to 3 are the special tokens of `unroll.text.tokenizers.vocabulary`; those of other tokens begin at 4. No text
    is encoded as a special token: "<eos>" in a text is an ordinary word (or its subwords). Encoding yields neither
    `<pad>` nor `<bos>` nor `<eos>`; it yields `<unk>` for what the vocabulary lacks, and for the word that stands for
    unknown words in a prepared corpus.

    The token ids, the unknown tokens and the gaps of a text determine it. `spelling_bits` and `spacing_bits` are the
    lengths of codes of the latter two.
    """

    type: str
    """The value of `type` in params.yaml."""
    unknown = UnknownWords()
    """The code of unknown tokens."""
    spacing: Spacing | None = None
    """The code of the gaps, if tokens of this type have gaps; None in files of earlier releases."""

    @property
    @abstractmethod
    def vocabulary_size(self) -> int:
        """The number V of tokens, including the special ones."""

    @abstractmethod
    def _encode_flat(self, texts: Sequence[str]) -> FlatIds:
        """Encode texts that do not contain the word that stands for unknown words."""

    @abstractmethod
    def _unknown_tokens(self, text: str) -> list[str]:
        """Return the tokens of such a text that are encoded as `<unk>`, in order."""

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
    def learn(cls, params: Any, texts: TrainingTexts) -> "Tokenizer":
        """Learn a tokenizer of this type.

        Args:
            params: The entry of `tokenizers` in params.yaml.
            texts: The texts of the train split. Their order does not matter.

        Returns:
            The tokenizer.
        """

    def learn_code(self, texts: TrainingTexts, word: str | None) -> None:
        """Learn the code of what token ids do not hold. The vocabulary is complete.

        Args:
            texts: The texts of the train split.
            word: The word that stands for unknown words in the corpus, or None.
        """
        self.unknown = UnknownWords(word)
        if word is not None:
            counts = texts.count(partial(_count_unknown, self))
            self.unknown = UnknownWords(word, counts[True], counts[False])

    def encode_flat(self, texts: Sequence[str]) -> FlatIds:
        """Encode texts end to end.

        Args:
            texts: The texts.

        Returns:
            The token ids (N,) of all texts end to end, and the number of token ids of each text.
        """
        if self.unknown.word is None or not texts:
            return self._encode_flat(texts)
        parts = [self.unknown.split(text) for text in texts]
        ids, lengths = self._encode_flat(list(chain.from_iterable(parts)))
        counts = np.array([len(part) for part in parts])
        last = np.cumsum(counts)
        ids = np.insert(ids, np.delete(np.cumsum(lengths), last - 1), UNK)  # after each part but the last of a text
        return ids, (np.add.reduceat(lengths, last - counts) + counts - 1).tolist()

    def unknown_tokens(self, text: str) -> list[str]:
        """Return the tokens of a text that are encoded as `<unk>`, in order."""
        first, *others = map(self._unknown_tokens, self.unknown.split(text))
        return [*first, *chain.from_iterable([str(self.unknown.word), *part] for part in others)]

    def gaps(self, text: str) -> list[str]:
        """Return the characters of a text that belong to no token.

        Args:
            text: The text.

        Returns:
            For n tokens n + 1 strings of white space, before, between and after them; an empty list if tokens of this
            type have no gaps.
        """
        return []

    def spelling_bits(self, text: str) -> float:
        """Return the length of a code of the unknown tokens of a text in bits."""
        return self.unknown.bits(self.unknown_tokens(text))

    def spacing_bits(self, text: str) -> float:
        """Return the length of a code of the gaps of a text in bits; NaN without a model of them."""
        return 0.0

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

    def save(self, path: Path, others: "Mapping[str, Tokenizer] | None" = None) -> None:
        """Save the tokenizer as JSON.

        Args:
            path: The file.
            others: The tokenizers of other sides than the main one, by side: `SOURCE`, `TAGS` or `SHAPES`. None if
                there is no other side, or if all sides share this tokenizer.
        """
        state = self._full_state()
        for side, other in (others or {}).items():
            state[side] = other._full_state()
        path.write_text(json.dumps(state, ensure_ascii=False, separators=(",", ":")) + "\n", encoding="utf-8")

    def _full_state(self) -> dict[str, Any]:
        state = {"type": self.type, **self._state(), UNKNOWN: asdict(self.unknown)}
        if self.spacing is not None:
            state[SPACING] = [[*gap, count] for gap, count in self.spacing.counts.items()]
        return state

    def restore_code(self, state: Mapping[str, Any]) -> None:
        """Restore what `learn_code` learned from a saved state; states of earlier releases have nothing of it."""
        self.unknown = UnknownWords(**state.get(UNKNOWN, {}))
        if SPACING in state:
            rows = state[SPACING]
            self.spacing = Spacing({(left, right, previous, gap): n for left, right, previous, gap, n in rows})


def _count_unknown(tokenizer: Tokenizer, texts: Iterable[str]) -> Counter[bool]:
    """Count the unknown tokens that are, and those that are not, the word that stands for unknown words."""
    word = tokenizer.unknown.word
    return Counter(token == word for text in texts for token in tokenizer.unknown_tokens(text))
