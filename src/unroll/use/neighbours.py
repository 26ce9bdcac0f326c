"""Words near a word, and words that complete an analogy, by the vectors of a model."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from unroll.errors import UnrollError
from unroll.evaluation.analysis.embeddings import normalised
from unroll.models.base.protocol import WordVectors
from unroll.text.tokenizers.vocabulary import SPECIAL
from unroll.use.capabilities import refuse
from unroll.use.model import TextModel


class Neighbour(NamedTuple):
    word: str
    cosine: float


def neighbours(loaded: TextModel, word: str, count: int) -> list[Neighbour]:
    """The `count` words nearest to `word` by cosine, nearest first."""
    return _nearest(loaded, [word], [], count)


def analogy(loaded: TextModel, a: str, b: str, c: str, count: int) -> list[Neighbour]:
    """a is to b as c is to what? The words nearest to b - a + c, of vectors of length one (3CosAdd), those three left
    out."""
    return _nearest(loaded, [b, c], [a], count)


def _nearest(loaded: TextModel, plus: Sequence[str], minus: Sequence[str], count: int) -> list[Neighbour]:
    model = loaded.model
    if not isinstance(model, WordVectors):
        refuse(model, loaded.folder, "have vectors of words")
    more, less = ([_token(loaded, model, word) for word in words] for words in (plus, minus))
    unit = normalised(model.vectors)
    wanted = normalised((unit[more].sum(0) - unit[less].sum(0))[None])[0]  # (D,)
    cosines = unit @ wanted
    cosines[~model.known] = cosines[: len(SPECIAL)] = cosines[[*more, *less]] = -np.inf
    order = np.argsort(-cosines, kind="stable")[: min(count, int(np.isfinite(cosines).sum()))]
    return [Neighbour(loaded.tokenizer.token(int(token)), float(cosines[token])) for token in order]


def _token(loaded: TextModel, model: WordVectors, word: str) -> int:
    tokens = loaded.encode(word)
    if len(tokens) != 1 or tokens[0] < len(SPECIAL) or not model.known[tokens[0]]:
        raise UnrollError(f"{loaded.folder}: has no vector of {word!r}; give one word of its vocabulary")
    return int(tokens[0])
