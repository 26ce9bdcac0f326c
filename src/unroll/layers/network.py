"""The base of all networks that are language models, and the exchange of their weights with numpy."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from unroll.layers.recurrent import State
from unroll.layers.softmax import Adaptive, Softmax
from unroll.text.streams import Ids


class LanguageModelNetwork(nn.Module):
    """Embedding -> layers -> softmax.

    The network reads tokens (B, T) in a state and returns hidden vectors (B, T, H) and the state after the last token.
    The output for a token depends only on the tokens up to it, and reading a text in pieces equals reading it whole.
    The state is a tuple of tensors (B, ...).
    """

    embedding: nn.Embedding
    softmax: Softmax | Adaptive

    def start(self, batch_size: int) -> State:
        """Return the state of `batch_size` rows that have read nothing."""
        raise NotImplementedError

    def forward(self, tokens: Tensor, state: State) -> tuple[Tensor, State]:
        """Read tokens.

        Args:
            tokens: Token ids (B, T). `<bos>` begins a document: later positions do not depend on what precedes it.
            state: The state before the first token.

        Returns:
            Hidden vectors (B, T, H), and the state after the last token.
        """
        raise NotImplementedError


def as_tensor(tokens: Ids) -> Tensor:
    """Convert token ids of any integer type to an int64 tensor of the same shape."""
    return torch.from_numpy(np.asarray(tokens, dtype=np.int64))


def weights(network: nn.Module) -> dict[str, NDArray]:
    """Return the parameters and buffers of a network by name; of shared parameters, the first name only."""
    every, once = dict(network.named_parameters(remove_duplicate=False)), dict(network.named_parameters())
    return {name: value.numpy() for name, value in network.state_dict().items() if name in once or name not in every}


@torch.no_grad()
def restore(network: nn.Module, saved: Mapping[str, NDArray[Any]]) -> None:
    """Copy weights into a network.

    Args:
        network: A network of the same structure as the one that was saved.
        saved: What `weights` returned.
    """
    state = network.state_dict()
    for name in weights(network):
        state[name].copy_(torch.from_numpy(saved[name]))
