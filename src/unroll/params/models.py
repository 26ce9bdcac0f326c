"""`models`: one entry per experiment, by family (stages train and evaluate)."""

from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from unroll.params.base import Count, Name, Params, Size


class MaximumLikelihood(Params):
    kind: Literal["maximum_likelihood"]
    """Relative frequencies: what was not seen after a context has probability zero; a context never seen is cut."""


class AddK(Params):
    kind: Literal["add_k"]
    k: Annotated[float, Field(gt=0, le=1000)]
    """Added to every count; 1 is Laplace's rule."""


class JelinekMercer(Params):
    kind: Literal["jelinek_mercer"]
    iterations: Annotated[int, Field(ge=1, le=1000)]
    """EM steps that fit one weight per order on the valid split."""


Discount = Annotated[float, Field(gt=0, lt=1)]


class AbsoluteDiscounting(Params):
    """Each order's discount is n1 / (n1 + 2 n2), of the counts of counts (Ney, Essen and Kneser 1994)."""

    kind: Literal["absolute_discounting"]
    fallback: Discount
    """The discount of an order too small to estimate one."""


class KneserNey(Params):
    """As absolute discounting, but a lower order counts distinct left neighbours."""

    kind: Literal["kneser_ney"]
    fallback: Discount
    """The discount of an order too small to estimate one."""


class ModifiedKneserNey(Params):
    kind: Literal["modified_kneser_ney"]
    fallback: Annotated[list[Annotated[float, Field(gt=0, le=3)]], Field(min_length=3, max_length=3)]
    """Discounts of counts 1, 2 and 3 or more for an order too small to estimate them (lmplz --discount_fallback)."""

    @field_validator("fallback")
    @classmethod
    def _within_counts(cls, fallback: list[float]) -> list[float]:
        if any(discount > count for count, discount in enumerate(fallback, 1)):
            raise ValueError(f"{fallback}: no discount may be above its count; keep them at most [1, 2, 3]")
        return fallback


Smoothing = Annotated[
    MaximumLikelihood | AddK | JelinekMercer | AbsoluteDiscounting | KneserNey | ModifiedKneserNey,
    Field(discriminator="kind"),
]


class NgramParams(Params):
    family: Literal["ngram"]
    tokens: Name
    """A key of `tokens`."""
    order: Annotated[int, Field(ge=1, le=20)]
    """n: the model sees n - 1 tokens of context; 1 is the bag of words."""
    smoothing: Smoothing
    prune: Annotated[list[Annotated[int, Field(ge=0, le=10**9)]], Field(min_length=1)]
    """n-grams seen at most this often are left out, by order from 1 on; the last number holds for all higher orders
    (lmplz --prune). [0] keeps all; the first is 0, since it is `tokens` that decides which words there are."""

    @field_validator("prune")
    @classmethod
    def _never_falls(cls, prune: list[int]) -> list[int]:
        if prune[0] != 0 or prune != sorted(prune):
            raise ValueError(f"{prune} must begin with 0 and never fall, so that a kept n-gram's context is kept too")
        return prune


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


class HmmParams(Params):
    family: Literal["hmm"]
    tokens: Name
    states: Annotated[int, Field(ge=1, le=4096)]
    """Hidden states."""
    pseudo_count: Annotated[float, Field(ge=0, le=1000)]
    """Added to the expected count of every token in every state (a Dirichlet prior), so that no token has probability
    zero. 0 is maximum likelihood: a token that training lacks is impossible."""
    restarts: Annotated[int, Field(ge=1, le=10_000)]
    """Random beginnings of EM, each for `restart_iterations` on `restart_tokens`; the likeliest goes on."""
    restart_tokens: Annotated[int, Field(ge=1, le=10**10)]
    """Of the train split, for choosing among the beginnings: whole documents, from the first on."""
    restart_iterations: Annotated[int, Field(ge=1, le=100_000)]
    """EM iterations of each beginning at most."""
    iterations: Annotated[int, Field(ge=1, le=100_000)]
    """EM iterations of the best beginning at most."""
    tolerance: Annotated[float, Field(ge=0, le=1)]
    """EM ends when an iteration gains less than this, in nats per token."""


class NaiveBayesParams(Params):
    family: Literal["naive_bayes"]
    tokens: Name
    """Of labelled texts."""
    order: Literal[1, 2]
    """Features: 1 single tokens, 2 also pairs of neighbours."""
    pseudo_count: Annotated[float, Field(gt=0, le=1000)]
    """Added to the count of every feature in every class; 1 is Laplace's rule."""
    priors: Literal["empirical", "uniform"]
    """Of the classes: their shares of the train split, or all the same."""


class CacheParams(Params):
    family: Literal["cache"]
    tokens: Name
    window: Annotated[int, Field(ge=1, le=1_000_000)]
    """Tokens of the document's past that are remembered."""
    decay: Annotated[float, Field(gt=0, le=1)]
    """A remembered token weighs decay^age; 1 weighs all alike."""
    uniform: Annotated[float, Field(ge=0, le=1)]
    """Share of the uniform distribution, without which a token that is not remembered is impossible."""


class SourceParams(Params):
    """The true source of a sampled corpus (markov, hmm, pcfg). It has nothing to learn and is made of the corpus' own
    parameters, so it stands in a section of its own (`truths`), not in ModelParams."""

    family: Literal["source"]
    tokens: Name
    """Of level word, all symbols in the vocabulary (min_count: 1)."""
    corpus: Name
    """The corpus of these tokens: its source (markov, hmm, pcfg) is the model."""


class MixtureParams(Params):
    """Its members are other models, so it stands in a section of its own (`mixtures`), not in ModelParams."""

    family: Literal["mixture"]
    tokens: Name
    """The members' too."""
    first: Name
    """A key of `models`."""
    second: Name
    iterations: Annotated[int, Field(ge=1, le=100_000)]
    """EM steps that fit the weights on the valid split, at most."""
    tolerance: Annotated[float, Field(ge=0, le=1)]
    """EM ends when a step gains less than this, in nats per token."""


class PerClassParams(Params):
    family: Literal["per_class"]
    tokens: Name
    """Of labelled texts."""
    priors: Literal["empirical", "uniform"]
    """Of the classes: their shares of the train split, or all the same."""
    member: Annotated[NgramParams | HmmParams | RecurrentParams, Field(discriminator="family")]
    """The language model that every class gets; its `tokens` are the same."""

    @model_validator(mode="after")
    def _same_tokens(self) -> "PerClassParams":
        if self.member.tokens != self.tokens:
            raise ValueError(f"member.tokens is {self.member.tokens}, but tokens is {self.tokens}; make them equal")
        return self


ModelParams = Annotated[
    NgramParams | HmmParams | NaiveBayesParams | PerClassParams | CacheParams | RecurrentParams | Seq2seqParams,
    Field(discriminator="family"),
]

__all__ = [
    "CacheParams",
    "Count",
    "HmmParams",
    "MixtureParams",
    "ModelParams",
    "NaiveBayesParams",
    "NgramParams",
    "PerClassParams",
    "RecurrentParams",
    "Seq2seqParams",
    "SourceParams",
    "Training",
]
