"""Settings of family `ngram`."""

from typing import Annotated, Literal

from pydantic import Field, field_validator

from unroll.params.base import Name, Params


class MaximumLikelihood(Params):
    """Relative frequencies.

    A token that was not seen after a context has probability zero. A context that was never seen is shortened.
    """

    kind: Literal["maximum_likelihood"]


class AddK(Params):
    """Additive smoothing."""

    kind: Literal["add_k"]
    k: Annotated[float, Field(gt=0, le=1000)]
    """Added to every count; 1 is Laplace's rule."""


class JelinekMercer(Params):
    """Linear interpolation of all orders (Jelinek and Mercer 1980)."""

    kind: Literal["jelinek_mercer"]
    iterations: Annotated[int, Field(ge=1, le=1000)]
    """The number of EM steps that fit one weight per order on the valid split."""


Discount = Annotated[float, Field(gt=0, lt=1)]


class AbsoluteDiscounting(Params):
    """Absolute discounting (Ney, Essen and Kneser 1994).

    The discount of each order is n1 / (n1 + 2 n2), where n1 and n2 are the numbers of n-grams with count 1 and 2.
    """

    kind: Literal["absolute_discounting"]
    fallback: Discount
    """The discount of an order too small to estimate one."""


class KneserNey(Params):
    """Absolute discounting in which lower orders count distinct left neighbours (Kneser and Ney 1995)."""

    kind: Literal["kneser_ney"]
    fallback: Discount
    """The discount of an order too small to estimate one."""


class ModifiedKneserNey(Params):
    """Kneser-Ney smoothing with three discounts per order (Chen and Goodman 1999)."""

    kind: Literal["modified_kneser_ney"]
    fallback: Annotated[list[Annotated[float, Field(gt=0, le=3)]], Field(min_length=3, max_length=3)]
    """The discounts of counts 1, 2 and 3 or more of an order too small to estimate them (lmplz --discount_fallback)."""

    @field_validator("fallback")
    @classmethod
    def _within_counts(cls, fallback: list[float]) -> list[float]:
        if any(discount > count for count, discount in enumerate(fallback, 1)):
            raise ValueError(f"{fallback}: a discount may not exceed its count; keep them at most [1, 2, 3]")
        return fallback


Smoothing = Annotated[
    MaximumLikelihood | AddK | JelinekMercer | AbsoluteDiscounting | KneserNey | ModifiedKneserNey,
    Field(discriminator="kind"),
]


class NgramParams(Params):
    """An n-gram model."""

    family: Literal["ngram"]
    tokenizer: Name
    """The tokenizer of the text, a key of `tokenizers`."""
    order: Annotated[int, Field(ge=1, le=20)]
    """n: the model sees n - 1 tokens of context. 1 is the bag of words."""
    smoothing: Smoothing
    prune: Annotated[list[Annotated[int, Field(ge=0, le=10**9)]], Field(min_length=1)]
    """n-grams with at most this count are left out. The list begins with order 1; its last number holds for all higher
    orders (lmplz --prune). [0] keeps all n-grams. The first number is 0, since the tokenizer determines the words."""

    @field_validator("prune")
    @classmethod
    def _ascend(cls, prune: list[int]) -> list[int]:
        if prune[0] != 0 or prune != sorted(prune):
            raise ValueError(
                f"{prune} must begin with 0 and never fall, so that the context of every kept n-gram is kept, too"
            )
        return prune
