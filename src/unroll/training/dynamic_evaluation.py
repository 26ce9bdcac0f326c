"""Dynamic evaluation (Krause, Kahembwe, Murray and Renals 2018): the weights learn from the text that is scored.

A text is cut into segments s_1, s_2, ... Each is scored, and then the weights learn from it:

    theta_i = theta_{i-1} - rate grad L(s_i; theta_{i-1}) + decay (theta_0 - theta_{i-1})

L is the loss of a segment in nats divided by the planned length of a segment, so that a short segment counts for less.
theta_0 are the trained weights. The state continues from segment to segment and is reset at each document. The weights
continue across documents.
"""

from collections.abc import Iterator, Sequence
from copy import deepcopy

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from unroll.errors import UnrollError
from unroll.layers.network import LanguageModelNetwork
from unroll.layers.recurrent import detach
from unroll.params.evaluate import DynamicSgd
from unroll.text.streams import Ids
from unroll.text.tokenizers.vocabulary import BOS


def score(network: LanguageModelNetwork, documents: Sequence[Ids], params: DynamicSgd) -> list[NDArray[np.float32]]:
    """Score documents in their order.

    Args:
        network: The trained network, which is not changed.
        documents: Arrays of token ids.
        params: The settings of dynamic evaluation.

    Returns:
        For each document, the log-probability of every token (natural logarithm).

    Raises:
        UnrollError: The weights diverge.
    """
    adapted = deepcopy(network).eval()  # without dropout, so that the scored network is the one that learns
    weights = [
        (weight, weight.detach().clone()) for weight in adapted.parameters() if weight.requires_grad
    ]  # theta_{i-1} and theta_0
    return [np.concatenate([np.empty(0, np.float32), *_scored(adapted, d, weights, params)]) for d in documents]


def _scored(
    network: LanguageModelNetwork, document: Ids, weights: Sequence[tuple[Tensor, Tensor]], params: DynamicSgd
) -> Iterator[NDArray[np.float32]]:
    """Yield the log-probabilities of each segment."""
    read = torch.from_numpy(np.concatenate([[BOS], document]).astype(np.int64))[None]  # (1, T + 1)
    state = network.start(1)
    for first in range(0, len(document), params.segment):
        segment = read[:, first : first + params.segment + 1]
        with torch.enable_grad():
            hidden, state = network(segment[:, :-1], state)
            nats = network.softmax.negative_log_likelihood(hidden, segment[:, 1:])  # (1, segment)
            network.zero_grad()
            (nats.sum() / params.segment).backward()  # type: ignore[no-untyped-call]
        if not torch.isfinite(nats).all():
            raise UnrollError(
                f"evaluate.dynamic.learning_rate {params.learning_rate}: the weights diverged; give a smaller one"
            )
        yield -nats[0].detach().numpy()
        _learn(weights, params)
        state = detach(state)


@torch.no_grad()
def _learn(weights: Sequence[tuple[Tensor, Tensor]], params: DynamicSgd) -> None:
    for weight, trained in weights:
        weight.lerp_(trained, params.decay)
        if weight.grad is not None:
            weight.sub_(weight.grad, alpha=params.learning_rate)
