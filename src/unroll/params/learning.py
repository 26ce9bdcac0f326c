"""`learning`: models fitted to parts of a sampled corpus (stage learn). Its keys are keys of `models`."""

from typing import Annotated

from pydantic import Field, model_validator

from unroll.params.base import Name, Params

Part = Annotated[int, Field(ge=2, le=10**6)]


class LearningParams(Params):
    """How the model's excess over the truth falls as its train split grows."""

    family: Name
    """Of the model; DVC wants to know it."""
    tokens: Name
    """Likewise."""
    truth: Name
    """A key of `truths`: the source of those tokens."""
    parts: Annotated[list[Part], Field(min_length=1, max_length=20)]
    """Descending: the model is fitted to the first 1/part of the train split's documents, and is fitted to all."""

    @model_validator(mode="after")
    def _descend(self) -> "LearningParams":
        if self.parts != sorted(set(self.parts), reverse=True):
            raise ValueError(f"parts {self.parts} do not descend; write {sorted(set(self.parts), reverse=True)}")
        return self
