"""Why gradients vanish or explode: notes "Homework 3", sections 1.1 and 1.2 (c); Pascanu, Mikolov and Bengio (2013).

A gradient passes through d h_j / d h_{j-1} = diag(phi') U once per step, so it shrinks or grows like a power of U;
gates open another way. These functions measure it of a trained or a fresh network, as numpy arrays.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn, sigmoid
from torch.nn import functional as F

from unroll.layers.recurrent import Recurrent

GATES = {"gru": ("reset", "update"), "lstm": ("input", "forget", "", "output")}
"""By cell, in the order of the stacked weights; "" is the candidate, which is no gate. What follows is none either."""
SQUARINGS = 16


@torch.no_grad()
def spectral_radii(network: Recurrent) -> list[Tensor]:
    """Per layer, the largest |eigenvalue| of each gate's recurrent weights U (H, H), in their order, on their device;
    empty without U. Above 1 gradients may explode in a simple network, below 1 they vanish.

    Gelfand (1941): it is lim |U^n|^(1/n). Here n = 2^SQUARINGS, which for hundreds of units takes a tenth of the time
    of eigenvalues, and less on a GPU; off by a factor of about H^(1 / 2n), below 1.0001."""
    found = []
    for layer, size in zip(network.layers, network.sizes, strict=True):
        power = getattr(layer, "weight_hh_l0", torch.empty(0, size)).float().view(-1, size, size)
        log = power.new_zeros(len(power))  # U^(2^i) = exp(log) * power
        for _ in range(SQUARINGS):
            norm = torch.linalg.matrix_norm(power)
            power = power / norm[:, None, None]
            power, log = power @ power, 2 * (log + norm.log())
        found.append(((log + torch.linalg.matrix_norm(power).log()) / 2**SQUARINGS).exp())
    return found


def largest_radii(network: nn.Module) -> dict[str, float]:
    """Of every recurrent layer in a network the largest spectral radius among its gates, by a name for a table."""
    return {
        f"spectral_radius_{name.replace('.', '_')}_{number}": radii.max().item()
        for name, part in network.named_modules()
        if isinstance(part, Recurrent)
        for number, radii in enumerate(spectral_radii(part), 1)
        if len(radii)
    }


def gradient_flow(network: Recurrent, inputs: Tensor, loss: Callable[[Tensor], Tensor]) -> NDArray[np.float64]:
    """The norm of d loss(h_T) / d state_{T-k} for k = 0 .. T, the mean over the rows of inputs (B, T, I).

    `loss` takes the last outputs (B, H) to a sum over rows. A state is all there is of h, and of the LSTM's C, in all
    layers."""
    network.eval()
    states = [tuple(part.requires_grad_() for part in network.start(len(inputs)))]
    for step in inputs.unbind(1):
        _, state = network(step[:, None], states[-1])
        states.append(state)
    # The output as a function of the state: the last layer's h_T; with residual connections the sum of all layers'.
    hidden = states[-1][:: network.parts]
    value = loss(torch.stack(hidden).sum(0) if network.residual else hidden[-1])
    parts = [part for state in states for part in state]
    gradients = torch.autograd.grad(value, parts, allow_unused=True)
    # In 64 bits: the square of what has vanished is nought in 32.
    squares = [inputs.new_zeros(len(inputs)).double() if g is None else g.double().square().sum(-1) for g in gradients]
    norms = torch.stack(squares).view(len(states), -1, len(inputs)).sum(1).sqrt()  # (T + 1, B)
    return norms.mean(1).flip(0).cpu().numpy()


@torch.no_grad()
def gate_activations(network: Recurrent, inputs: Tensor) -> list[dict[str, NDArray[np.float32]]]:
    """Per layer, each gate by name: (B, T, H) in [0, 1], for inputs (B, T, I) from a zero state. `keep` is the share of
    the past that stays in minGRU and minLSTM. A simple network has no gates."""
    network.eval()
    found = []
    state, read = network.start(len(inputs)), inputs.transpose(0, 1)
    for index, layer in enumerate(network.layers):
        start = state[index * network.parts : (index + 1) * network.parts]
        outputs, _ = layer(read, start, getattr(layer, "weight_hh_l0", None))
        gates = _gates(network.cell, layer, read, torch.cat([start[0][None], outputs[:-1]]))
        found.append({name: gate.transpose(0, 1).cpu().numpy() for name, gate in gates.items()})
        read = outputs + read if network.residual and index else outputs
    return found


def _gates(cell: str, layer: Any, inputs: Tensor, past: Tensor) -> dict[str, Tensor]:
    """Of inputs (T, B, I) and the outputs before each, (T, B, H)."""
    size = past.shape[-1]
    given = torch.split(F.linear(inputs, layer.weight_ih_l0, layer.bias_ih_l0), size, -1)
    if cell in ("mingru", "minlstm"):
        return {"keep": layer.keep(*given[:-1])}
    remembered = torch.split(F.linear(past, layer.weight_hh_l0, layer.bias_hh_l0), size, -1)
    named = zip(GATES.get(cell, ()), given, remembered, strict=False)
    return {name: sigmoid(one + other) for name, one, other in named if name}
