"""minGRU and minLSTM (Feng et al. 2024): recurrent layers whose gates depend on the input alone.

    h_t = keep_t * h_{t-1} + (1 - keep_t) * candidate_t

Since no gate reads h_{t-1}, all steps are one scan h_t = a_t h_{t-1} + b_t. It is computed in linear space with its
exact gradient, so the candidate needs no positive transform. Each step is one fused operation. A long sequence is cut
into blocks, on a CPU only if its steps are small: all blocks are scanned side by side from zero, and then the state
that enters a block, times the product of its decays, is added.
"""

from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from unroll.layers.one_hot import project

MAX_BLOCKED_ELEMENTS = 1 << 12
"""The number of elements of a step (B x H) up to which a CPU scans in blocks."""
MIN_BLOCKED_STEPS = 256
"""The number of steps from which a sequence is scanned in blocks."""


class MinRNN(nn.Module):
    """The base of both layers. It has no recurrent weights."""

    projections: ClassVar[int]
    """The number of products with the input: one for each gate, and the last one for the candidate."""

    def __init__(self, input_size: int, hidden_size: int) -> None:
        """Build the layer.

        Args:
            input_size: The size of the inputs, I.
            hidden_size: The size of the state, H.
        """
        super().__init__()
        self.weight_ih_l0 = nn.Parameter(torch.empty(self.projections * hidden_size, input_size))
        self.bias_ih_l0 = nn.Parameter(torch.empty(self.projections * hidden_size))
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -(hidden_size**-0.5), hidden_size**-0.5)

    def keep(self, *gates: Tensor) -> Tensor:
        """Return the share of the past that is kept (..., H), given the arguments of the sigmoids of the gates."""
        raise NotImplementedError

    def forward(
        self, inputs: Tensor, state: tuple[Tensor, ...], recurrent_weight: Any = None
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Run all time steps.

        Args:
            inputs: Inputs (T, B, I), or the ids (T, B) of one-hot inputs.
            state: The state before the first step, one tensor (B, H).
            recurrent_weight: Not used. Other layers need it.

        Returns:
            The outputs (T, B, H), and the state after the last step.
        """
        *gates, candidate = (
            project(inputs, self.weight_ih_l0, self.bias_ih_l0).to(state[0].dtype).chunk(self.projections, -1)
        )
        keep = self.keep(*gates)
        outputs = scan(keep, candidate - keep * candidate, state[0])
        return outputs, (outputs[-1],)


class MinGRU(MinRNN):
    """z_t = sigmoid(W_z x_t + b_z) and keep = 1 - z. Weights are stacked in the order z, candidate."""

    projections = 2

    def keep(self, *gates: Tensor) -> Tensor:
        """Return 1 - sigmoid(gate), with the shape of the gate."""
        return torch.sigmoid(-gates[0])


class MinLSTM(MinRNN):
    """f_t = sigmoid(W_f x_t + b_f), i_t = sigmoid(W_i x_t + b_i) and keep = f / (f + i).

    Weights are stacked in the order f, i, candidate.
    """

    projections = 3

    def keep(self, *gates: Tensor) -> Tensor:
        """Return f / (f + i), with the shape of the gates; it is computed in log space, where it is stable."""
        forget_gate, input_gate = gates
        return torch.sigmoid(F.logsigmoid(forget_gate) - F.logsigmoid(input_gate))


def scan(decay: Tensor, added: Tensor, start: Tensor) -> Tensor:
    """Compute h_t = a_t h_{t-1} + b_t for all steps.

    Args:
        decay: a_1 .. a_T (T, B, H).
        added: b_1 .. b_T (T, B, H).
        start: h_0 (B, H).

    Returns:
        h_1 .. h_T (T, B, H).
    """
    return Scan.apply(decay, added, start)  # type: ignore[no-untyped-call]


class Scan(torch.autograd.Function):
    """The scan and its gradient, which is a scan backward in time.

    dh_{t-1} = g_{t-1} + a_t dh_t, where g is the gradient of the outputs; da_t = dh_t h_{t-1}; db_t = dh_t.
    """

    @staticmethod
    def forward(ctx: Any, decay: Tensor, added: Tensor, start: Tensor) -> Tensor:
        """Compute h_1 .. h_T (T, B, H); the arguments are those of `scan`."""
        hidden = torch.cat([start[None], added])  # h_0 .. h_T
        scan_in_place(decay, hidden)
        ctx.save_for_backward(decay, hidden)
        return hidden[1:]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the gradients of the arguments of `forward`, given the gradient of its result (T, B, H)."""
        decay, hidden = ctx.saved_tensors
        d_hidden = torch.cat([gradient.flip(0), torch.zeros_like(hidden[:1])])  # dh_T .. dh_0
        scan_in_place(decay.flip(0), d_hidden)
        d_hidden = d_hidden.flip(0)
        return d_hidden[1:] * hidden[:-1], d_hidden[1:], d_hidden[0]


def scan_in_place(decay: Tensor, hidden: Tensor) -> None:
    """Add decay[t] * hidden[t] to hidden[t + 1] for t = 0 .. T - 1, one after the other.

    Args:
        decay: The decays (T, B, H).
        hidden: (T + 1, B, H); it is overwritten.
    """
    steps = len(decay)
    if steps < MIN_BLOCKED_STEPS or (hidden[0].numel() > MAX_BLOCKED_ELEMENTS and not hidden.is_cuda):
        _scan_by_steps(decay, hidden)
        return
    length = int(steps**0.5)
    blocks = steps // length
    whole = blocks * length
    inner = hidden[1 : whole + 1].view(blocks, length, *hidden.shape[1:])
    products = decay[:whole].reshape(blocks, length, *hidden.shape[1:]).clone()
    for t in range(1, length):  # scan all blocks from zero, and multiply the decays of each up to step t
        inner[:, t].addcmul_(products[:, t], inner[:, t - 1])
        products[:, t].mul_(products[:, t - 1])
    entry = hidden[0]
    for block, product in zip(inner.unbind(), products.unbind(), strict=True):
        block.addcmul_(product, entry)
        entry = block[-1]
    _scan_by_steps(decay[whole:], hidden[whole:])  # the steps after the last whole block


def _scan_by_steps(decay: Tensor, hidden: Tensor) -> None:
    for a, past, now in zip(decay.unbind(), hidden[:-1].unbind(), hidden[1:].unbind(), strict=True):
        now.addcmul_(a, past)
