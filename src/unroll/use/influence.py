"""How much each earlier word of a text moves each prediction of a language model."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unroll.errors import UnrollError
from unroll.evaluation.analysis.influence import influence
from unroll.text.tokenizers.vocabulary import EOS, UNK
from unroll.use.model import TextModel


@dataclass(frozen=True)
class InfluenceMap:
    """The influences in a text."""

    tokens: list[str]
    """The tokens (T,), `<eos>` last unless the text was cut."""
    nats: NDArray[np.float64]
    """The influences (T, T): how much token s (column) raises the log-probability of token t (row); 0 unless s < t."""


def map_influence(model: TextModel, text: str, count: int, replacement: str | None = None) -> InfluenceMap:
    """Compute the influence of every earlier token of a text on every prediction.

    Args:
        model: The model.
        text: The text.
        count: The maximum number of tokens, from the beginning of the text.
        replacement: The token that replaces the earlier token, which is left out if this is None.

    Returns:
        The influences.

    Raises:
        UnrollError: The model is not a language model, or its vocabulary lacks the replacement.
    """
    language_model = model.language_model("score")
    substitute = None if replacement is None else _find(model, replacement)
    tokens = np.append(model.encode(text), EOS)[:count]
    nats = influence(language_model, tokens, substitute)
    return InfluenceMap([model.spellings[token] for token in tokens.tolist()], nats)


def _find(model: TextModel, token: str) -> int:
    """Return the id of a token by its spelling."""
    if token not in model.spellings[UNK:]:
        raise UnrollError(f"{model.folder}: its vocabulary lacks {token!r}; name another token, for example <unk>")
    return model.spellings.index(token, UNK)
