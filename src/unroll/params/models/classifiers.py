"""Families of classifiers: `naive_bayes`, `per_class`."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from unroll.params.base import Name, Params
from unroll.params.models.hmm import HmmParams
from unroll.params.models.ngram import NgramParams
from unroll.params.models.recurrent import RecurrentParams


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
