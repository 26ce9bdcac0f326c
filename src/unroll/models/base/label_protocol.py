"""The contract of models that label texts or words, beside that of `unroll.models.base.protocol`."""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from unroll.models.base.protocol import LogProbs, Weights
from unroll.text.streams import Ids


@runtime_checkable
class Classifier(Protocol):
    """p(class | document)."""

    classes: list[str]
    """The labels, sorted."""

    def log_posteriors(self, documents: Sequence[Ids]) -> LogProbs:
        """Return log p(class | document), (D, C), column c for classes[c]. The exponentials of each row sum to one."""


@runtime_checkable
class Tagger(Protocol):
    """p(tags | words). A sentence is an array (T, 2) of the token id and the shape id of each word."""

    tags: list[str]
    """The tags in the order of their numbers."""

    def tag(self, sentences: Sequence[Ids]) -> list[Ids]:
        """Return the number (T,) of the tag that the tagger chooses for each word of each sentence."""

    def tag_log_posteriors(self, sentences: Sequence[Ids]) -> list[LogProbs]:
        """Return log p(tag of a word | sentence) of each sentence, (T, K), column k for tags[k]."""


@runtime_checkable
class AttentiveClassifier(Protocol):
    """A classifier that can return the attention weights of the tokens behind a prediction."""

    def attention_weights(self, documents: Sequence[Ids]) -> list[tuple[Ids, Weights]] | None:
        """Return the tokens that are read of each document, and their attention weights.

        Returns:
            For each document the tokens (T,) and their weights (T,), which sum to one; None without attention.
        """
