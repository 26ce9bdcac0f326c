"""The attention of a recurrent language model to its own past, for a text."""

import numpy as np

from unroll.errors import UnrollError
from unroll.models.base.protocol import PastAttentionModel
from unroll.text.tokenizers.vocabulary import BOS, EOS
from unroll.use.model import TextModel
from unroll.use.translation import AttentionMap


def map_past_attention(model: TextModel, text: str, count: int) -> AttentionMap:
    """Compute the attention to earlier states behind the prediction of each token of a text.

    Args:
        model: A recurrent language model with attention to its past.
        text: The text.
        count: The maximum number of tokens, from the beginning of the text.

    Returns:
        The map. Its targets are the predicted tokens, and its sources the tokens that were read. Each row sums to one,
        but that of the first token is zero, since no state is before that of `<bos>`.

    Raises:
        UnrollError: The model has no attention to its past.
    """
    tokens = np.append(model.encode(text), EOS)[:count]
    language_model = model.language_model("score")
    weights = language_model.past_attention(tokens) if isinstance(language_model, PastAttentionModel) else None
    if weights is None:
        raise UnrollError(
            f"{model.folder}: has no attention to its past to draw; use a model of family recurrent with attention of "
            "kind dot, general or additive"
        )
    spelled = [model.spellings[token] for token in (BOS, *tokens.tolist())]
    return AttentionMap(spelled[:-1], spelled[1:], weights)
