"""How much each earlier word of one text moves each of its predictions: erasure of Li, Monroe and Jurafsky (2016).

The influence of word s on the prediction of word t > s is

    log p(x_t | x_1 .. x_{t-1}) - log p(x_t | the same context without x_s)

It is positive if the word makes the text more probable. The words after x_s move one place closer to the beginning. A
replacement keeps their places, but then what it means to the model has an influence, too.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from unroll.evaluation.result import Evaluation
from unroll.evaluation.subject import Subject
from unroll.models.base.protocol import LanguageModel
from unroll.text.streams import Ids

SHOWN = 20
"""The maximum number of tokens of the text that the evaluation shows."""


def measure(subject: Subject) -> Evaluation | None:
    """Measure the influences in the beginning of the first test document that has several tokens.

    They are left out with `context_ablation`, which measures the use of context as well.
    """
    model, params = subject.model, subject.params.context_ablation
    document = next((document for document in subject.documents["test"] if len(document) > 1), None)
    if not isinstance(model, LanguageModel) or document is None or not params.tokens:
        return None
    shown = document[:SHOWN]
    words = [subject.tokenizer.id_to_token(int(token)) for token in shown]
    found = {"tokens": words, "nats": np.round(influence(model, shown), 4)}
    return Evaluation(diagnostics={"influence": found})


def influence(model: LanguageModel[Any], document: Ids, replacement: int | None = None) -> NDArray[np.float64]:
    """Compute the influence of every earlier token on every prediction.

    Args:
        model: The language model.
        document: The tokens (T,).
        replacement: The token that replaces the earlier token, which is left out if this is None.

    Returns:
        Influences in nats (T, T). Row t belongs to the prediction of token t and column s to the earlier token; they
        are 0 unless s < t. An influence is infinite if the prediction is impossible with only one of both contexts,
        and 0 if it is impossible with both.
    """
    document = np.asarray(document, dtype=np.int64)
    size = len(document)
    erased = [_erase(document, s, replacement) for s in range(size - 1)]
    full, *others = (np.asarray(row, dtype=np.float64) for row in model.log_probs([document, *erased]))
    nats = np.zeros((size, size))
    for s, other in enumerate(others):
        with_token, without = full[s + 1 :], other[len(other) - (size - s - 1) :]
        changed = with_token != without  # two equal infinities have no difference
        nats[s + 1 :, s][changed] = with_token[changed] - without[changed]
    return nats


def _erase(document: Ids, position: int, replacement: int | None) -> Ids:
    """Return the document without the token at a position, or with another token there."""
    if replacement is None:
        return np.delete(document, position)
    erased = document.copy()
    erased[position] = replacement
    return erased
