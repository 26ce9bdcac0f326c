"""Settings of family `generative_classifier`."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from unroll.models.hmm.params import HmmParams
from unroll.models.ngram.params import NgramParams
from unroll.models.recurrent.params import RecurrentParams
from unroll.params.base import Name, Params


class GenerativeClassifierParams(Params):
    """An entry of `generative_classifiers`.

    Its members are models of another family, so it has a section of its own: its stages depend on that family, too.
    """

    family: Literal["generative_classifier"]
    tokenizer: Name
    """A tokenizer of labelled text."""
    priors: Literal["empirical", "uniform"]
    """The prior of a class: its share of the train split, or the same for all classes."""
    member: Annotated[NgramParams | HmmParams | RecurrentParams, Field(discriminator="family")]
    """The language model of each class. It has the same `tokenizer`."""

    @model_validator(mode="after")
    def _same_tokenizer(self) -> "GenerativeClassifierParams":
        if self.member.tokenizer != self.tokenizer:
            raise ValueError(
                f"member.tokenizer is {self.member.tokenizer}, but tokenizer is {self.tokenizer}; make them equal"
            )
        return self
