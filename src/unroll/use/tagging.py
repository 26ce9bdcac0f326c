"""The tags of the words of texts, by a trained tagger."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from unroll.models.base.folder import TOKENIZER
from unroll.models.base.label_protocol import Tagger
from unroll.text.cleaner import Cleaner
from unroll.text.tagged.cleaning import JOINER
from unroll.text.tokenizers.base import SHAPES, Tokenizer
from unroll.text.tokenizers.loading import load_tokenizer
from unroll.text.tokenizers.vocabulary import UNK
from unroll.text.tokenizers.word import PRETOKENIZERS
from unroll.use.capabilities import raise_unsupported


@dataclass(frozen=True)
class TaggedWord:
    """A word of a text with its tag."""

    word: str
    """The word as it is in the text."""
    tag: str
    """The tag that the model chooses."""
    probability: float
    """p(tag of this word | sentence). The best sequence of tags need not have the most probable tag of each word."""
    unknown: bool
    """Whether the word is unknown to the vocabulary, so that the model sees its shape only."""


def split_punctuation(text: str) -> list[str]:
    """Divide a text into words and punctuation."""
    return PRETOKENIZERS["punctuation"](text)


def tag(
    model: Any, tokenizer: Tokenizer, cleaner: Cleaner, folder: Path, texts: Sequence[str | Sequence[str]]
) -> list[list[TaggedWord]]:
    """Tag the words of texts.

    Args:
        model: The model of tokens.
        tokenizer: The tokenizer of its words.
        cleaner: The cleaning of the training corpus.
        folder: The folder of the model, which holds the tokenizer of shapes.
        texts: The sentences: texts with white space between the words, or lists of words.

    Returns:
        The words of each sentence with their tags. Words of which the cleaning leaves nothing are left out.

    Raises:
        UnrollError: The model is not a tagger.
    """
    if not isinstance(model, Tagger):
        raise_unsupported(model, folder, "tag words")
    shapes = load_tokenizer(folder / TOKENIZER, SHAPES)
    kept, arrays = [], []
    for text in texts:
        words = text.split() if isinstance(text, str) else list(text)
        cleaned = {word: JOINER.join(cleaner(word).split()) for word in words}
        kept.append([word for word in words if cleaned[word]])
        clean = " ".join(cleaned[word] for word in kept[-1])
        ids = [tokenizer.encode(clean), shapes.encode(clean)]
        arrays.append(np.asarray(ids, dtype=np.int64).reshape(2, -1).T)
    results = zip(kept, arrays, model.tag(arrays), model.tag_log_posteriors(arrays), strict=True)
    return [
        [
            TaggedWord(word, model.tags[number], float(np.exp(row[number])), bool(token == UNK))
            for word, token, number, row in zip(words, array[:, 0], numbers.tolist(), log_probs, strict=True)
        ]
        for words, array, numbers, log_probs in results
    ]
