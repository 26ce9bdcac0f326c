"""Why gradients vanish or explode: Pascanu, Mikolov and Bengio (2013); Goodfellow et al. (2016), section 10.7.

In a simple recurrent network a gradient is multiplied by d h_j / d h_{j-1} = diag(phi') U at every step, so it shrinks
or grows like a power of U. Gates give it another path. These functions measure this for a trained or an untrained
network.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn, sigmoid
from torch.nn import functional as F

from unroll.layers.one_hot import project
from unroll.layers.recurrent import Recurrent

GATES = {
    "gru": ("reset", "update"),
    "gru_reset_before": ("reset", "update"),
    "lstm": ("input", "forget", "", "output"),
}
"""The names of the gates by cell, in the order of the stacked weights; "" is the candidate of the LSTM."""
SQUARINGS = 16
"""The number of times a matrix is squared to compute its spectral radius."""


@torch.no_grad()
def spectral_radii(network: Recurrent) -> list[Tensor]:
    """Compute the spectral radius (the largest |eigenvalue|) of the recurrent weights U (H, H) of each gate.

    In a simple network gradients may explode if it is above 1, and they vanish if it is below 1. It is the limit of
    |U^n|^(1/n) (Gelfand 1941), here with n = 2^SQUARINGS. The error is a factor of about H^(1 / 2n), below 1.0001.

    Args:
        network: The recurrent layers.

    Returns:
        The radii of each layer (gates,), in the order of the stacked weights and on the device of the weights; empty
        for a layer without recurrent weights.
    """
    return [
        largest_eigenvalues(getattr(layer, "weight_hh_l0", torch.empty(0, size)).float().view(-1, size, size))
        for layer, size in zip(network.layers, network.sizes, strict=True)
    ]


def largest_eigenvalues(power: Tensor) -> Tensor:
    """Compute the largest |eigenvalue| (G,) of each of the matrices (G, H, H); see `spectral_radii`."""
    log = power.new_zeros(len(power))  # U^(2^i) = exp(log) * power
    for _ in range(SQUARINGS):
        norm = torch.linalg.matrix_norm(power)
        power = power / norm[:, None, None]
        power, log = power @ power, 2 * (log + norm.log())
    return ((log + torch.linalg.matrix_norm(power).log()) / 2**SQUARINGS).exp()


def largest_radii(network: nn.Module) -> dict[str, float]:
    """Compute the largest spectral radius of every recurrent layer in a network.

    Args:
        network: A network that contains `Recurrent` modules.

    Returns:
        The largest radius among the gates of a layer, by the name `spectral_radius_<module>_<layer>`.
    """
    return {
        f"spectral_radius_{name.replace('.', '_')}_{number}": radii.max().item()
        for name, part in network.named_modules()
        if isinstance(part, Recurrent)
        for number, radii in enumerate(spectral_radii(part), 1)
        if len(radii)
    }


def gradient_flow(
    network: Recurrent, inputs: Tensor, loss: Callable[[Sequence[Tensor]], Tensor]
) -> NDArray[np.float64]:
    """Measure how far gradients reach back in time.

    Args:
        network: The recurrent layers.
        inputs: Inputs (B, T, I).
        loss: Maps the outputs (B, H) of all steps to the sum of the losses of the rows after the last step.

    Returns:
        The norm of d loss(h_T) / d state_{T-k} for k = 0 .. T (T + 1,), the mean over rows. A state consists of h, and
        for LSTMs C, of all layers.
    """
    network.eval()
    states = [tuple(part.requires_grad_() for part in network.start(len(inputs)))]
    for step in inputs.unbind(1):
        _, state = network(step[:, None], states[-1])
        states.append(state)
    # The output as a function of the state: h_t of the last layer, or with residual connections the sum over layers.
    hidden = [state[:: network.parts] for state in states[1:]]
    value = loss([torch.stack(parts).sum(0) if network.residual else parts[-1] for parts in hidden])
    parts = [part for state in states for part in state]
    gradients = torch.autograd.grad(value, parts, allow_unused=True)
    # In 64 bits, since the square of a vanished gradient is zero in 32 bits.
    squares = [inputs.new_zeros(len(inputs)).double() if g is None else g.double().square().sum(-1) for g in gradients]
    norms = torch.stack(squares).view(len(states), -1, len(inputs)).sum(1).sqrt()  # (T + 1, B)
    return norms.mean(1).flip(0).cpu().numpy()


@torch.no_grad()
def gate_activations(network: Recurrent, inputs: Tensor) -> list[dict[str, NDArray[np.float32]]]:
    """Compute the activations of all gates, from a zero state.

    Args:
        network: The recurrent layers.
        inputs: Inputs (B, T, I).

    Returns:
        For each layer, the activations (B, T, H) in [0, 1] by the name of the gate. `keep` is the share of the past
        that minGRU and minLSTM keep. A simple network has no gates.
    """
    activations = []
    for layer, read, outputs in read_by_layer(network, inputs):
        gates = _gates(network.cell, layer, read, torch.cat([torch.zeros_like(outputs[:1]), outputs[:-1]]))
        activations.append({name: gate.transpose(0, 1).cpu().numpy() for name, gate in gates.items()})
    return activations


def read_by_layer(network: Recurrent, inputs: Tensor) -> Iterator[tuple[Any, Tensor, Tensor]]:
    """Yield each layer with what it reads of inputs (B, T, I), (T, B, ..), and its outputs (T, B, H) from h_0 = 0."""
    network.eval()
    state, read = network.start(len(inputs)), inputs.transpose(0, 1)
    for index, layer in enumerate(network.layers):
        start = state[index * network.parts : (index + 1) * network.parts]
        outputs, _ = layer(read, start, getattr(layer, "weight_hh_l0", None))
        yield layer, read, outputs
        read = outputs + read if network.residual and index else outputs


def _gates(cell: str, layer: Any, inputs: Tensor, past: Tensor) -> dict[str, Tensor]:
    """Return the gates (T, B, H) for inputs (T, B, I) and the outputs of the steps before (T, B, H)."""
    size = past.shape[-1]
    from_inputs = torch.split(project(inputs, layer.weight_ih_l0, layer.bias_ih_l0), size, -1)
    if cell in ("mingru", "minlstm"):
        return {"keep": layer.keep(*from_inputs[:-1])}
    from_past = torch.split(F.linear(past, layer.weight_hh_l0, layer.bias_hh_l0), size, -1)
    named = zip(GATES.get(cell, ()), from_inputs, from_past, strict=False)
    return {name: sigmoid(one + other) for name, one, other in named if name}
