"""Output layers: distributions over the vocabulary without `<pad>` and `<bos>`, which are never predicted.

Every output layer has `log_probs` and `negative_log_likelihood`, which are exact, and the training loss `loss`, which
is exact except in the sampled layers. Before training, `set_counts` sets the counts of the tokens in the train split.
"""

from torch import Tensor

from unroll.layers.softmax.adaptive import Adaptive as Adaptive
from unroll.layers.softmax.full import Softmax as Softmax
from unroll.layers.softmax.sampled import NegativeSampling, NoiseContrastive, Sampled
from unroll.params.layers import SoftmaxParams

SAMPLED = {"sampled": Sampled, "nce": NoiseContrastive, "negative_sampling": NegativeSampling}


def build(
    params: SoftmaxParams, hidden_size: int, vocabulary_size: int, tied: Tensor | None = None
) -> Softmax | Adaptive:
    """Build an output layer.

    Args:
        params: The settings of the layer.
        hidden_size: The size of the hidden vectors, H.
        vocabulary_size: The number of tokens, V.
        tied: The embedding matrix (V, H) that the layer shares its weights with (Press and Wolf 2017); None for weights
            of its own.

    Returns:
        The layer, with initial weights drawn from torch's global generator.

    Raises:
        UnrollError: An adaptive softmax is tied, or its cutoffs are too large for the vocabulary.
    """
    if params.kind == "full":
        return Softmax(hidden_size, vocabulary_size, tied, params.precision == "bf16")
    if params.kind == "adaptive":
        return Adaptive(params, hidden_size, vocabulary_size, tied)
    return SAMPLED[params.kind](params, hidden_size, vocabulary_size, tied)
