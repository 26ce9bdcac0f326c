"""`models`: one entry per experiment, by family (stages train and evaluate)."""

from typing import Annotated, Literal

from pydantic import Field

from unroll.params.base import Count, Name, Params, Size


class AddK(Params):
    kind: Literal["add_k"]
    k: Annotated[float, Field(gt=0, le=1000)]
    """Added to every count; 1 is Laplace's rule."""


class JelinekMercer(Params):
    kind: Literal["jelinek_mercer"]
    iterations: Annotated[int, Field(ge=1, le=1000)]
    """EM steps that fit one weight per order on the valid split."""


class NgramParams(Params):
    family: Literal["ngram"]
    tokens: Name
    """A key of `tokens`."""
    order: Annotated[int, Field(ge=1, le=20)]
    """n: the model sees n - 1 tokens of context; 1 is the bag of words."""
    smoothing: Annotated[AddK | JelinekMercer, Field(discriminator="kind")]


class Training(Params):
    """How a network is trained."""

    epochs: Annotated[int, Field(ge=1, le=100_000)]
    """At most; early stopping may end sooner."""
    patience: Annotated[int, Field(ge=1, le=100_000)]
    """Epochs without a better validation loss before training stops; the best weights are kept."""
    batch_size: Size
    """Subsequences (or sentence pairs) per step."""
    learning_rate: Annotated[float, Field(gt=0, le=100)]
    schedule: Literal["constant", "cosine"]
    """Learning rate over the planned steps: as it is, or falling along a half cosine to nought."""
    clip_norm: Annotated[float, Field(gt=0, le=1_000_000)]
    """Gradients with a larger Euclidean norm are scaled down to it."""


Dropout = Annotated[float, Field(ge=0, lt=1)]


class RecurrentParams(Params):
    family: Literal["recurrent"]
    tokens: Name
    cell: Literal["rnn", "gru", "lstm"]
    """`rnn` is the tanh network of Elman (1990)."""
    embedding_size: Size
    hidden_size: Size
    layers: Annotated[int, Field(ge=1, le=100)]
    dropout: Dropout
    """Before, between and after the layers, in training only."""
    tie_weights: bool
    """Output weights are the embedding's (Press and Wolf 2017); needs embedding_size == hidden_size."""
    order: Literal["random", "sequential"]
    """`random`: shuffled subsequences, each from a zero state; `sequential`: the state is carried from one
    subsequence to the next and detached: truncated backpropagation through time."""
    training: Training


class Seq2seqParams(Params):
    family: Literal["seq2seq"]
    tokens: Name
    cell: Literal["rnn", "gru", "lstm"]
    """Of encoder and decoder."""
    embedding_size: Size
    hidden_size: Size
    layers: Annotated[int, Field(ge=1, le=100)]
    dropout: Dropout
    training: Training


ModelParams = Annotated[NgramParams | RecurrentParams | Seq2seqParams, Field(discriminator="family")]

__all__ = ["Count", "ModelParams", "NgramParams", "RecurrentParams", "Seq2seqParams", "Training"]
