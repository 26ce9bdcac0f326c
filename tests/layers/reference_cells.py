"""One step of every cell, written like its equations. The layers are tested against these functions.

x is (B, I) and states are (B, H). W, U, b and c are weight_ih_l0, weight_hh_l0, bias_ih_l0 and bias_hh_l0 of a layer. A
step takes and returns a tuple of states.
"""

import torch
from torch import Tensor, sigmoid, tanh

State = tuple[Tensor, ...]


def rnn(x: Tensor, state: State, W: Tensor, U: Tensor, b: Tensor, c: Tensor) -> State:
    """Elman (1990)."""
    (h,) = state
    return (tanh(x @ W.T + b + h @ U.T + c),)


def rnn_relu(x: Tensor, state: State, W: Tensor, U: Tensor, b: Tensor, c: Tensor) -> State:
    (h,) = state
    return (torch.relu(x @ W.T + b + h @ U.T + c),)


def rnn_sigmoid(x: Tensor, state: State, W: Tensor, U: Tensor, b: Tensor, c: Tensor) -> State:
    (h,) = state
    return (sigmoid(x @ W.T + b + h @ U.T + c),)


def rnn_identity(x: Tensor, state: State, W: Tensor, U: Tensor, b: Tensor, c: Tensor) -> State:
    (h,) = state
    return (x @ W.T + b + h @ U.T + c,)


def lstm(x: Tensor, state: State, W: Tensor, U: Tensor, b: Tensor, c: Tensor) -> State:
    """Hochreiter and Schmidhuber (1997), with the forget gates of Gers et al. (2000)."""
    h, memory = state
    i, f, g, o = (x @ W.T + b + h @ U.T + c).chunk(4, -1)
    memory = sigmoid(f) * memory + sigmoid(i) * tanh(g)
    return sigmoid(o) * tanh(memory), memory


def gru(x: Tensor, state: State, W: Tensor, U: Tensor, b: Tensor, c: Tensor) -> State:
    """Cho et al. (2014), with the reset gate after the product."""
    (h,) = state
    r, z, n = (x @ W.T + b).chunk(3, -1)
    reset, update, past = (h @ U.T + c).chunk(3, -1)
    r, z = sigmoid(r + reset), sigmoid(z + update)
    n = tanh(n + r * past)
    return ((1 - z) * n + z * h,)


def gru_reset_before(x: Tensor, state: State, W: Tensor, U: Tensor, b: Tensor, c: Tensor) -> State:
    """Cho et al. (2014), equations 5 to 8, with the roles of z and 1 - z exchanged as in torch."""
    (h,) = state
    (U_r, U_z, U_n), (c_r, c_z, c_n) = U.chunk(3), c.chunk(3)
    r, z, n = (x @ W.T + b).chunk(3, -1)
    r, z = sigmoid(r + h @ U_r.T + c_r), sigmoid(z + h @ U_z.T + c_z)
    n = tanh(n + (r * h) @ U_n.T + c_n)
    return ((1 - z) * n + z * h,)


def mingru(x: Tensor, state: State, W: Tensor, b: Tensor) -> State:
    """Feng et al. (2024), section 3.1."""
    (h,) = state
    z, candidate = (x @ W.T + b).chunk(2, -1)
    z = sigmoid(z)
    return ((1 - z) * h + z * candidate,)


def minlstm(x: Tensor, state: State, W: Tensor, b: Tensor) -> State:
    """Feng et al. (2024), section 3.2."""
    (h,) = state
    f, i, candidate = (x @ W.T + b).chunk(3, -1)
    f, i = sigmoid(f), sigmoid(i)
    return (f / (f + i) * h + i / (f + i) * candidate,)
