"""Gradient flow and gates of recurrent networks: why a network remembers or forgets.

The gradient of a loss with respect to a state k steps earlier contains a product of k Jacobians (Pascanu, Mikolov and
Bengio 2013). If its norm falls with k, the gradient vanishes; if it rises, the gradient explodes. A gate below 0.1 is
called closed, and one above 0.9 open (Karpathy, Johnson and Fei-Fei 2015). An open gate lets gradients pass.

In a simple network each Jacobian is diag(phi') U. An activation is called saturated if phi' is less than a tenth of its
maximum there, so that hardly any gradient passes: for tanh if |h| > 0.949, for the logistic function if h < 0.026 or
h > 0.974, for relu if h = 0. It is called exploded if |h| > 10, which only relu and the identity allow.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unroll.evaluation.analysis.context_ablation import sample_positions
from unroll.evaluation.result import Evaluation
from unroll.evaluation.subject import Subject
from unroll.models.base.protocol import UnrolledModel
from unroll.params.evaluate import ContextAblation
from unroll.text.streams import Ids

BINS = 10
"""The number of bins of a gate's values. The first bin is closed, the last one open. Those of phi' are alike."""
SATURATED = 0.1
"""The share of the maximum of phi' below which an activation is saturated: the first bin."""
EXPLODED = 10.0
"""The absolute value above which an activation is exploded."""


def measure(subject: Subject) -> Evaluation | None:
    """Measure the gradient flow and the gates of a recurrent language model."""
    if not isinstance(subject.model, UnrolledModel):
        return None
    documents, length = subject.documents["valid"], subject.data.sequence_length
    return Evaluation(
        diagnostics=diagnose(subject.model, documents, length, subject.params.context_ablation, subject.seed)
    )


def diagnose(
    model: UnrolledModel, documents: Sequence[Ids], sequence_length: int, params: ContextAblation, seed: int
) -> dict[str, list[dict[str, Any]]]:
    """Measure gradients and gates on a random sample of tokens and the K tokens before each.

    Args:
        model: The recurrent language model.
        documents: The documents, with `<eos>`.
        sequence_length: The number of steps through which training propagates gradients.
        params: The number of sampled tokens and the distances. K is the smaller of `sequence_length` and the largest
            distance.
        seed: The random seed.

    Returns:
        `gradient_flow`, the norm of the gradient for each number of steps back; `gates`, the mean and the distribution
        of the values of each gate; and for a simple network `activations`, the factors of the Jacobians of each layer.
        Empty if no document is long enough.
    """
    length = min(sequence_length, params.distances[-1])
    sampled = sample_positions(documents, length, params.tokens, np.random.default_rng([seed, 5]))
    if not sampled:
        return {}
    contexts = np.stack([documents[d][p - length : p] for d, p in sampled]).astype(np.int64)  # (N, K)
    targets = np.array([documents[d][p] for d, p in sampled], dtype=np.int64)
    flow = model.gradient_flow(contexts, targets)
    layers = enumerate(model.gate_activations(contexts), 1)
    simple = [_describe(number, layer) for number, layer in enumerate(model.activations(contexts), 1)]
    return {
        "gradient_flow": [{"steps": steps, "norm": float(norm)} for steps, norm in enumerate(flow)],
        "gates": [
            {"layer": layer, "gate": name, **_distribution(values)}
            for layer, gates in layers
            for name, values in gates.items()
        ],
    } | ({"activations": simple} if simple else {})


def _describe(number: int, layer: Any) -> dict[str, Any]:
    """Return the factors of the Jacobians of a layer, and the shares of saturated and of exploded activations.

    `mean` and `shares` are those of phi' as a fraction of its maximum. `bound` is |U| max phi', with the largest phi'
    that was seen: the norm of a product of k Jacobians is at most its power k.
    """
    relative = layer.slopes / layer.largest_slope
    return {
        "layer": number,
        "radius": layer.radius,
        "norm": layer.norm,
        "bound": layer.norm * float(layer.slopes.max()),
        "saturated": float(np.mean(relative < SATURATED)),
        "exploded": float(np.mean(np.abs(layer.outputs) > EXPLODED)),
        **_distribution(relative),
    }


def _distribution(values: NDArray[np.floating]) -> dict[str, Any]:
    """Return the mean of values in [0, 1], and the share of them in each bin."""
    counts, _ = np.histogram(values, BINS, (0.0, 1.0))
    return {"mean": float(values.mean(dtype=np.float64)), "shares": counts / values.size}
