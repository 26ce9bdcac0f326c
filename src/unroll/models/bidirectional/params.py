"""Settings of family `bidirectional`."""

from typing import Literal

from unroll.models.recurrent.params import RecurrentLayers


class BidirectionalParams(RecurrentLayers):
    """Two recurrent language models, one for each direction. Every size is that of one direction."""

    family: Literal["bidirectional"]
