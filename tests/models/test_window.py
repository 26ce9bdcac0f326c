"""The fixed-window model equals Bengio et al. (2003), equation 1, and windows end at documents."""

import numpy as np
import pytest
import torch

from tests import toy
from unroll.models.window.model import Model, Network, windows
from unroll.models.window.params import WindowParams
from unroll.text.tokenizers.vocabulary import BOS, EOS, PAD

PARAMS = WindowParams.model_validate(
    {
        "family": "window",
        "tokenizer": "toy",
        "window": 3,
        "embedding_size": 4,
        "hidden_size": 5,
        "direct_connections": True,
        "dropout": 0.0,
        "tie_weights": False,
        "batching": "shuffled",
        "softmax": toy.SOFTMAX,
        "training": toy.TRAINING,
    }
)


def test_windows_end_at_the_beginning_of_a_document() -> None:
    read = torch.tensor([[7, 8, 9, EOS, BOS, 5, 6]])
    assert windows(read, 3).tolist() == [
        [[7, 8, 9], [8, 9, EOS], [PAD, PAD, BOS], [PAD, BOS, 5], [BOS, 5, 6]],
    ]
    assert windows(read, 1).flatten().tolist() == read.flatten().tolist()


@pytest.mark.parametrize("direct", [True, False])
def test_it_equals_the_equation_of_the_paper(direct: bool) -> None:
    torch.manual_seed(1)
    network = Network(PARAMS.model_copy(update={"direct_connections": direct}), toy.VOCABULARY_SIZE)
    model = Model(PARAMS, toy.VOCABULARY_SIZE, network)
    document = np.asarray([5, 9, 7, 11])
    e, h, d = (part.detach().double().numpy() for part in (network.embedding.weight, *network.hidden.parameters()))
    u, b = (part.detach().double().numpy() for part in (network.softmax.weight, network.softmax.bias))
    read = [PAD, PAD, BOS, *document]
    expected = []
    for position, token in enumerate(document):
        x = np.concatenate([e[before] for before in read[position : position + 3]])
        y = b + u[:, :5] @ np.tanh(d + h @ x) + (u[:, 5:] @ x if direct else 0)
        expected.append(y[token] - np.log(np.exp(y[EOS:]).sum()))
    np.testing.assert_allclose(model.log_probs([document])[0], expected, rtol=1e-5)


def test_tokens_outside_the_window_have_no_effect() -> None:
    model = Model(PARAMS, toy.VOCABULARY_SIZE, Network(PARAMS, toy.VOCABULARY_SIZE))
    one, other = model.log_probs([np.asarray([4, 5, 6, 7, 8]), np.asarray([9, 5, 6, 7, 8])])
    assert one[4] == other[4]
    assert one[3] != other[3]
