"""The Bayes-optimal tagger of corpus source toy-tags: p(tag of a word | sentence) by the grammar itself.

The grammar is a hidden Markov model (`unroll.corpora.toy_tags`). A tag has many states, and its probability is their
sum. Choosing the most probable tag of every word maximizes the expected accuracy. The oracle sees what other taggers
see: the tokens and the shapes. An unknown word is any word of its shape that the vocabulary lacks. The first word has a
capital, so its emission is that of the words with a capital.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file

from unroll.corpora.sampled import ARRAYS_FILE, SETTINGS_FILE
from unroll.errors import UnrollError
from unroll.models.base import storage
from unroll.models.base.inputs import Inputs
from unroll.models.base.protocol import Log, LogProbs
from unroll.models.base.tag_chain import Array, TagChain
from unroll.models.base.tagged import SHAPE, WORD, is_unknown
from unroll.models.tag_oracle.params import TagOracleParams
from unroll.text.streams import Data, Ids
from unroll.text.tokenizers.base import SHAPES, Tokenizer
from unroll.text.tokenizers.vocabulary import UNK

FIRST, LATER = 0, 1
"""The tables of emissions: of the first word of a sentence, and of the other words."""


class Model:
    """The exact posterior. It satisfies Tagger."""

    fitted_on_valid: tuple[str, ...] = ()

    def __init__(
        self,
        params: TagOracleParams,
        tags: list[str],
        transition: Array,
        state_tags: Ids,
        state_classes: Ids,
        word_emission: Array,
        shape_emission: Array,
    ) -> None:
        """Set the hidden Markov model.

        Args:
            params: The settings.
            tags: The K tags.
            transition: The probabilities (S + 1, S + 1) of the next state, as `unroll.corpora.toy_tags` writes them.
            state_tags: The number (S,) of the tag of each state.
            state_classes: The class of words (S,) of each state, one of C.
            word_emission: p(word | class), (2, V, C), of first and of later words.
            shape_emission: p(unknown, shape | class), (2, shapes, C), of first and of later words.
        """
        self.params, self.tags = params, tags
        self.transition, self.state_tags, self.state_classes = transition, state_tags, state_classes
        self.word_emission, self.shape_emission = word_emission, shape_emission
        self.chain = TagChain(transition[:, None])
        self._tag_of = np.eye(len(tags))[state_tags]  # (S, K)

    @property
    def parameters(self) -> int:
        """The number of positive probabilities of the grammar that its distributions do not determine.

        A distribution over n outcomes has n - 1 of them.
        """
        spread = (self.transition > 0).sum(1) - 1
        emitted = ((self.word_emission[LATER] > 0).sum(0) + (self.shape_emission[LATER] > 0).sum(0)) - 1
        return int(spread.sum() + np.maximum(0, emitted).sum())

    def tag(self, sentences: Sequence[Ids]) -> list[Ids]:
        """Return the most probable tag of each word of each sentence (T, 2)."""
        return [posteriors.argmax(1) for posteriors in self.tag_log_posteriors(sentences)]

    def tag_log_posteriors(self, sentences: Sequence[Ids]) -> list[LogProbs]:
        """Return log p(tag of a word | sentence) of each sentence, (T, K)."""
        with np.errstate(divide="ignore"):
            return [
                np.log(np.exp(states) @ self._tag_of) for states in self.chain.log_posteriors(sentences, self._emission)
            ]

    def _emission(self, batch: Ids, position: int) -> Array:
        """Return p(word | state), (B, S), of the words at a position of sentences (B, T, 2)."""
        at, table = batch[:, position], LATER if position else FIRST
        by_class = np.where(
            is_unknown(at)[:, None], self.shape_emission[table, at[:, SHAPE]], self.word_emission[table, at[:, WORD]]
        )
        # A word that the grammar does not have there says nothing about its state.
        by_class[~by_class.any(axis=1)] = 1.0
        return by_class[:, self.state_classes]

    def save(self, path: Path) -> None:
        """Write the model into the existing folder `path`, with the positive transitions only, since most are zero."""
        names = ("state_tags", "state_classes", "word_emission", "shape_emission")
        weights = {name: getattr(self, name) for name in names}
        edges = np.argwhere(self.transition)
        weights |= {"edges": edges.astype(np.int32), "edge_probabilities": self.transition[tuple(edges.T)]}
        storage.write(path, {"params": self.params.model_dump(), "tags": self.tags}, weights)


def load(path: Path) -> Model:
    """Load the model that `Model.save` wrote into the folder `path`."""
    saved, weights = storage.read_params(path), storage.read_weights(path)
    transition = np.zeros((len(weights["state_tags"]) + 1,) * 2)
    transition[tuple(weights.pop("edges").T)] = weights.pop("edge_probabilities")
    return Model(TagOracleParams.model_validate(saved["params"]), saved["tags"], transition, **weights)


def fit(params: TagOracleParams, data: Data, inputs: Inputs, log: Log) -> Model:
    """Make the oracle from the grammar of the corpus.

    Args:
        params: The settings.
        data: The partition of the corpus.
        inputs: Where the raw corpus and the tokenizers are found.
        log: Not used.

    Returns:
        The oracle.

    Raises:
        UnrollError: The raw corpus is missing, or is not of source toy-tags.
    """
    folder = inputs.raw(params.corpus)
    try:
        settings = json.loads((folder / SETTINGS_FILE).read_text(encoding="utf-8"))
        arrays = load_file(folder / ARRAYS_FILE)
        words, names = settings["words"], settings["tags"]
    except (OSError, ValueError, KeyError) as error:
        raise UnrollError(f"{folder}: unreadable ({error}); run `dvc repro -f download@{params.corpus}`") from error
    tokenizers = (inputs.tokenizer(params.tokenizer), inputs.tokenizer(params.tokenizer, SHAPES))
    tables = [
        _emissions(spelled, arrays["emission"], *tokenizers)
        for spelled in ([word[:1].upper() + word[1:] for word in words], words)
    ]
    tags = [*data.tags, *sorted(set(names) - set(data.tags))]  # the rare tags of a small train split may be missing
    state_tags = np.asarray([tags.index(name) for name in names])
    word_emission, shape_emission = (np.stack(table) for table in zip(*tables, strict=True))
    return Model(params, tags, arrays["transition"], state_tags, arrays["state_classes"], word_emission, shape_emission)


def _emissions(words: Sequence[str], emission: Array, tokenizer: Tokenizer, shapes: Tokenizer) -> tuple[Array, Array]:
    """Add up the probabilities of words (C, W) by their token ids (V, C), and those of unknown words by shapes."""
    ids, shape_ids = (np.asarray(part.encode(" ".join(words))) for part in (tokenizer, shapes))
    known = ids != UNK
    tables: list[Any] = []
    for rows, size, chosen in ((ids, tokenizer.vocabulary_size, known), (shape_ids, shapes.vocabulary_size, ~known)):
        table = np.zeros((size, len(emission)))
        np.add.at(table, rows[chosen], emission.T[chosen])
        tables.append(table)
    return tables[0], tables[1]
