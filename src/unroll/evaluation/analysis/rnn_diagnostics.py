"""Why a recurrent network remembers or forgets: notes "Homework 3", sections 1.1 and 1.2; Pascanu et al. (2013).

What a loss says to a state k steps before it is the product of k Jacobians: a norm that falls with k is a vanishing
gradient, one that rises an exploding one. Gates are how a network lets it pass; one below 0.1 is shut, one above 0.9
open (Karpathy, Johnson and Fei-Fei 2015).
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unroll.evaluation.analysis import context_ablation
from unroll.evaluation.evaluation import Evaluation
from unroll.evaluation.subject import Subject
from unroll.models.base.protocol import UnrolledModel
from unroll.params.evaluate import ContextAblation
from unroll.text.streams import Ids

BINS = 10
"""Of the shares of a gate's values: the first is what is shut, the last what is open."""


def diagnose(
    model: UnrolledModel, documents: Sequence[Ids], sequence_length: int, params: ContextAblation, seed: int
) -> dict[str, list[dict[str, Any]]]:
    """`gradient_flow`, the norm by steps back, and `gates`, the mean and the shares of the values of each; as far back
    as training reaches at least, and no further than the largest distance of `params`. Empty without a long enough
    document."""
    reach = min(sequence_length, params.distances[-1])
    sample = context_ablation.sample(documents, reach, params.tokens, np.random.default_rng([seed, 5]))
    if not sample:
        return {}
    contexts = np.stack([documents[d][p - reach : p] for d, p in sample]).astype(np.int64)  # (N, reach)
    targets = np.array([documents[d][p] for d, p in sample], dtype=np.int64)
    flow = model.gradient_flow(contexts, targets)
    layers = enumerate(model.gate_activations(contexts), 1)
    return {
        "gradient_flow": [{"steps": steps, "norm": float(norm)} for steps, norm in enumerate(flow)],
        "gates": [
            {"layer": layer, "gate": n, **_shares(values)} for layer, gates in layers for n, values in gates.items()
        ],
    }


def _shares(values: NDArray[np.floating]) -> dict[str, Any]:
    counts, _ = np.histogram(values, BINS, (0.0, 1.0))
    return {"mean": float(values.mean(dtype=np.float64)), "shares": counts / values.size}


def measure(subject: Subject) -> Evaluation | None:
    """Measure the gradient flow and the gates of a recurrent language model."""
    if not isinstance(subject.model, UnrolledModel):
        return None
    documents, length = subject.documents["valid"], subject.data.sequence_length
    found = diagnose(subject.model, documents, length, subject.params.context_ablation, subject.seed)
    return Evaluation(diagnostics=found)
