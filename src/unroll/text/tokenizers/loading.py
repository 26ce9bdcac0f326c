"""Learning a tokenizer from text, and loading one from its file."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import chain
from pathlib import Path

from unroll.errors import UnrollError
from unroll.params.tokenizers import TokenizerParams
from unroll.text.tokenizers.base import SHAPES, SOURCE, TAGS, Key, Tokenizer, TrainingTexts
from unroll.text.tokenizers.unknown import UnknownWords


def learn_tokenizer(params: TokenizerParams, texts: TrainingTexts, word: str | None = None) -> Tokenizer:
    """Learn a tokenizer of the type that its settings select.

    Args:
        params: The entry of `tokenizers` in params.yaml.
        texts: The texts of the train split. Their order does not matter.
        word: The word that stands for unknown words in a prepared corpus; None for other corpora.

    Returns:
        The tokenizer.

    Raises:
        UnrollError: The vocabulary size of a BPE tokenizer is smaller than its base alphabet.
    """
    known = texts if word is None else Parts(texts, UnknownWords(word))
    tokenizer = _types()[params.type].learn(params, known)
    tokenizer.learn_code(texts, word)
    return tokenizer


class Parts:
    """The texts of a train split without the word that stands for unknown words."""

    def __init__(self, texts: TrainingTexts, unknown: UnknownWords) -> None:
        """Set the texts and the word."""
        self.texts, self.unknown = texts, unknown

    def __iter__(self) -> Iterator[str]:
        yield from chain.from_iterable(map(self.unknown.split, self.texts))

    def count(self, function: Callable[[Iterable[str]], Counter[Key]]) -> Counter[Key]:
        """Count something in the parts of each shard, and return the sum of the counts."""
        return self.texts.count(partial(_count_in_parts, self.unknown, function))


def _count_in_parts(
    unknown: UnknownWords, function: Callable[[Iterable[str]], Counter[Key]], texts: Iterable[str]
) -> Counter[Key]:
    return function(chain.from_iterable(map(unknown.split, texts)))


def load_tokenizer(path: Path, side: str = "target") -> Tokenizer:
    """Load a tokenizer.

    Args:
        path: The file that `Tokenizer.save` wrote.
        side: `target`, or `source` for the tokenizer of the source side of pairs, or `tags` or `shapes` for those of
            tagged text; without a tokenizer of its own, a side has that of the target side.

    Returns:
        The tokenizer.

    Raises:
        UnrollError: The file is missing or damaged.
    """
    try:
        state = json.loads(path.read_text(encoding="utf-8"))
        others = {name: state.pop(name, None) for name in (SOURCE, TAGS, SHAPES)}
        state = others.get(side) or state
        tokenizer = _types()[state.pop("type")]._restore(state)
        tokenizer.restore_code(state)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UnrollError(
            f"{path}: not a readable tokenizer ({error}); run `dvc repro -f` for this tokenizer"
        ) from error
    return tokenizer


def _types() -> dict[str, type[Tokenizer]]:
    """Return the tokenizers by type. They are imported here, since BPE imports the library `tokenizers`."""
    from unroll.text.tokenizers.bpe import BpeTokenizer
    from unroll.text.tokenizers.shape import ShapeTokenizer
    from unroll.text.tokenizers.word import CharTokenizer, WordTokenizer

    return {"word": WordTokenizer, "char": CharTokenizer, "bpe": BpeTokenizer, "shape": ShapeTokenizer}
