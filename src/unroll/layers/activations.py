"""The Jacobians of simple recurrent networks and their factors (Pascanu, Mikolov and Bengio 2013, section 2).

    d h_t / d h_{t-1} = diag(phi'_t) U        |d h_t / d h_{t-k}| <= (max phi' |U|)^k

|U| is the spectral norm, the largest factor by which U stretches a vector. It is at least the spectral radius, which is
the factor of many products with U. phi' is small where phi saturates.
"""

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from unroll.layers.cells.rnn import DERIVATIVES, LARGEST_DERIVATIVES, RNN
from unroll.layers.diagnostics import largest_eigenvalues, read_by_layer
from unroll.layers.recurrent import Recurrent


class Activations(NamedTuple):
    """The activations of one simple recurrent layer."""

    outputs: NDArray[np.float32]
    """h = phi(..) (B, T, H)."""
    slopes: NDArray[np.float32]
    """phi' at each of them (B, T, H)."""
    largest_slope: float
    """The maximum of phi': 1/4 for the logistic function, otherwise 1."""
    radius: float
    """The spectral radius of U."""
    norm: float
    """The spectral norm of U."""


@torch.no_grad()
def simple_activations(network: Recurrent, inputs: Tensor) -> list[Activations]:
    """Compute the activations of every layer of a simple network, from a zero state.

    Args:
        network: The recurrent layers.
        inputs: Inputs (B, T, I).

    Returns:
        The activations of each layer; nothing for cells with gates.
    """
    return [
        Activations(
            outputs.transpose(0, 1).cpu().numpy(),
            DERIVATIVES[layer.phi](outputs).transpose(0, 1).cpu().numpy(),
            LARGEST_DERIVATIVES[layer.phi],
            largest_eigenvalues(layer.weight_hh_l0[None]).item(),
            spectral_norm(layer.weight_hh_l0),
        )
        for layer, _, outputs in read_by_layer(network, inputs)
        if isinstance(layer, RNN)
    ]


def spectral_norm(weight: Tensor) -> float:
    """Compute the largest singular value of U (H, H): the root of the largest eigenvalue of U^T U."""
    return largest_eigenvalues((weight.t() @ weight)[None]).sqrt().item()
