"""The attention to the words of a text behind its class."""

import numpy as np

from unroll.models.base.label_protocol import AttentiveClassifier, Classifier
from unroll.text.tokenizers.vocabulary import EOS
from unroll.use.capabilities import raise_unsupported
from unroll.use.model import TextModel
from unroll.use.translation import AttentionMap


def map_attention(model: TextModel, text: str) -> AttentionMap | None:
    """Compute the attention behind the most probable class of a text.

    Args:
        model: A classifier.
        text: The text.

    Returns:
        The attention of the class, the only target, to the tokens that are read; None if the model has no attention.

    Raises:
        UnrollError: The model is not a classifier.
    """
    classifier = model.model
    if not isinstance(classifier, Classifier):
        raise_unsupported(classifier, model.folder, "classify")
    document = np.append(model.encode(text), EOS)
    if not isinstance(classifier, AttentiveClassifier) or (found := classifier.attention_weights([document])) is None:
        return None
    ((tokens, weights),) = found
    label = classifier.classes[int(classifier.log_posteriors([document])[0].argmax())]
    return AttentionMap([model.spellings[token] for token in tokens.tolist()], [label], weights[None])
