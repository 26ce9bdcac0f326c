"""Settings of family `recurrent`."""

from typing import Literal

from unroll.params.layers import RecurrentLayers


class RecurrentParams(RecurrentLayers):
    """A recurrent language model that reads from left to right."""

    family: Literal["recurrent"]
