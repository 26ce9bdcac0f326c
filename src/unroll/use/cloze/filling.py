"""Filling blanks: the words that a model of both sides expects in the gaps of a text."""

from dataclasses import dataclass

import numpy as np

from unroll.errors import UnrollError
from unroll.models.base.protocol import ClozeModel
from unroll.text.tokenizers.vocabulary import SPECIAL, UNK
from unroll.use.capabilities import raise_unsupported
from unroll.use.model import TextModel

BLANK = "___"
"""What stands for a word to find in a text."""


@dataclass(frozen=True)
class Filling:
    """A token that fills a blank."""

    token: str
    """Its spelling."""
    probability: float
    """Its probability, given all other words."""


def fill_blanks(model: TextModel, text: str, count: int = 5) -> list[list[Filling]]:
    """Find the most probable tokens of the blanks of a text.

    Args:
        model: A model that reads both sides.
        text: The text, with BLANK for each token to find.
        count: The maximum number of tokens for each blank.

    Returns:
        For each blank the tokens, most probable first. `<unk>` and `<eos>` are left out.

    Raises:
        UnrollError: The model does not read both sides, or the text has no blank.
    """
    if not isinstance(model.model, ClozeModel):
        raise_unsupported(model.model, model.folder, "fill blanks")
    parts = [model.encode(part) for part in text.split(BLANK)]
    if len(parts) == 1:
        raise UnrollError(f"the text has no blank; write {BLANK} for each word to find")
    document = np.concatenate([part for piece in parts[:-1] for part in (piece, [UNK])] + [parts[-1]])
    blanks = np.cumsum([len(part) + 1 for part in parts[:-1]]) - 1
    log_probs = model.model.blank_log_probs(document.astype(np.int64), blanks)
    results = []
    for row in log_probs:
        tokens = np.argsort(-row[len(SPECIAL) :], kind="stable")[:count] + len(SPECIAL)
        results.append([Filling(model.spellings[token], float(np.exp(row[token]))) for token in tokens])
    return results
