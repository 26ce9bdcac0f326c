"""Settings of family `naive_bayes`."""

from typing import Annotated, Literal

from pydantic import Field

from unroll.params.base import Name, Params


class NaiveBayesParams(Params):
    """Multinomial naive Bayes."""

    family: Literal["naive_bayes"]
    tokenizer: Name
    """A tokenizer of labelled text."""
    order: Literal[1, 2]
    """The features: 1 for single tokens, 2 for single tokens and pairs of neighbours."""
    pseudo_count: Annotated[float, Field(gt=0, le=1000)]
    """Added to the count of every feature in every class; 1 is Laplace's rule."""
    priors: Literal["empirical", "uniform"]
    """The prior of a class: its share of the train split, or the same for all classes."""
