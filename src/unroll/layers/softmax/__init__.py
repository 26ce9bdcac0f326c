"""Output layers: a distribution over the vocabulary but for `<pad>` and `<bos>`, which are never predicted.

Each has `log_probs` and `negative_log_likelihood`, which are exact, and `loss`, which training descends: exact too but
for the sampled ones. `count` tells it the words' frequencies in the train split, before training.
"""

from torch import Tensor

from unroll.layers.softmax.adaptive import Adaptive as Adaptive
from unroll.layers.softmax.full import Softmax as Softmax
from unroll.layers.softmax.nce import NegativeSampling, NoiseContrastive
from unroll.layers.softmax.sampled import Sampled
from unroll.params.softmax import SoftmaxParams

SAMPLED = {"sampled": Sampled, "nce": NoiseContrastive, "negative_sampling": NegativeSampling}


def build(
    params: SoftmaxParams, hidden_size: int, vocabulary_size: int, tied: Tensor | None = None
) -> Softmax | Adaptive:
    """The output layer of `params`; `tied` is the embedding matrix (V, H) it shares its weights with."""
    if params.kind == "full":
        return Softmax(hidden_size, vocabulary_size, tied, params.precision == "bf16")
    if params.kind == "adaptive":
        return Adaptive(params, hidden_size, vocabulary_size, tied)
    return SAMPLED[params.kind](params, hidden_size, vocabulary_size, tied)
