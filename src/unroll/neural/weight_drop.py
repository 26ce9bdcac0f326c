"""Weight drop (Merity, Keskar and Socher 2018): recurrent connections are dropped, not units.

The same ones for a whole sequence, so that a layer runs as fast as ever: it is handed other weights. On a GPU
cuDNN gathers them into its own buffer at each call.
"""

from torch import Tensor
from torch.nn import functional as F


def weight_drop(weight: Tensor, rate: float, training: bool) -> Tensor:
    """The recurrent weights of one sequence: as they are, or in training with a share `rate` of them zero."""
    return F.dropout(weight, rate) if training and rate > 0 else weight
