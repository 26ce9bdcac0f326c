"""How good translations are: BLEU (Papineni et al. 2002), chrF (Popović 2015), exact match, by the source's length."""

from collections.abc import Sequence
from typing import Any

import numpy as np

LENGTHS = (5, 10, 15, 20, 30, 50)
"""Borders of the groups by source length in tokens; a last group holds what is longer."""

Metrics = dict[str, Any]


def measure(answers: Sequence[str], references: Sequence[str], exact: Sequence[bool]) -> Metrics:
    """`exact` tells which answers are the reference, token by token. BLEU and chrF are sacrebleu's, of the corpus, with
    the signatures that say how (Post 2018); `length_ratio` is words of all answers over words of all references."""
    from sacrebleu.metrics.bleu import BLEU
    from sacrebleu.metrics.chrf import CHRF

    bleu, chrf = BLEU(force=True), CHRF()  # our texts may well be tokenized: no warning
    return {
        "exact_match": float(np.mean(exact)),
        "bleu": bleu.corpus_score(list(answers), [list(references)]).score,
        "chrf": chrf.corpus_score(list(answers), [list(references)]).score,
        "length_ratio": sum(len(text.split()) for text in answers)
        / max(1, sum(len(text.split()) for text in references)),
        "bleu_signature": str(bleu.get_signature()),
        "chrf_signature": str(chrf.get_signature()),
    }


def by_length(
    lengths: Sequence[int], answers: Sequence[str], references: Sequence[str], exact: Sequence[bool]
) -> list[Metrics]:
    """The same for groups of sentences with sources of like length; groups without a sentence are left out."""
    groups = np.searchsorted(LENGTHS, lengths)
    found = []
    for group in np.unique(groups):
        rows = np.flatnonzero(groups == group)
        own = rows.tolist()
        part = measure([answers[row] for row in own], [references[row] for row in own], [exact[row] for row in own])
        first = LENGTHS[group - 1] + 1 if group else 1
        last = LENGTHS[group] if group < len(LENGTHS) else max(lengths)
        numbers = {name: value for name, value in part.items() if isinstance(value, float)}
        found.append({"first": first, "last": int(last), "sentences": len(rows), **numbers})
    return found
