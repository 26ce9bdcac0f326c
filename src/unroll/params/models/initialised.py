"""Models whose embeddings begin from vectors: the section `initialised`."""

from typing import Annotated

from pydantic import Field

from unroll.params.base import Name, Params
from unroll.params.models.recurrent import RecurrentParams
from unroll.params.models.transformer import TransformerParams
from unroll.params.models.window import WindowParams


class Initialised(Params):
    """What such a model has besides the params of its family."""

    vectors: Name
    """A key of `vectors`, over the same tokens; their size must be the embedding's."""
    frozen: bool
    """Leave the embedding as it is; otherwise it is trained on (fine-tuned). With tie_weights the output layer too."""


class InitialisedWindow(Initialised, WindowParams):
    def of_family(self) -> WindowParams:
        """The params of the family alone: what a saved model is described by."""
        return WindowParams.model_validate(self.model_dump(exclude=set(Initialised.model_fields)))


class InitialisedRecurrent(Initialised, RecurrentParams):
    def of_family(self) -> RecurrentParams:
        """As above."""
        return RecurrentParams.model_validate(self.model_dump(exclude=set(Initialised.model_fields)))


class InitialisedTransformer(Initialised, TransformerParams):
    def of_family(self) -> TransformerParams:
        """As above."""
        return TransformerParams.model_validate(self.model_dump(exclude=set(Initialised.model_fields)))


InitialisedParams = Annotated[
    InitialisedWindow | InitialisedRecurrent | InitialisedTransformer, Field(discriminator="family")
]
