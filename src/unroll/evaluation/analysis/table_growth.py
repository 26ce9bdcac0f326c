"""How large tables of p(x_n | x_1 .. x_{n-1}) are, and how little of them a text fills (Bishop and Bishop 2023, 12.2).

With K tokens there are K^(n-1) contexts of n - 1 tokens. Each has a distribution with K - 1 free parameters, so the
table of order n has (K - 1) K^(n-1), and all tables up to order n have K^n - 1. An n-gram model stores the n-grams that
its text has.
"""

from collections.abc import Sequence
from typing import Any

from unroll.evaluation.result import Evaluation
from unroll.evaluation.subject import Subject
from unroll.models.base.protocol import NgramTablesModel
from unroll.text.tokenizers.vocabulary import FIRST_PREDICTED


def measure(subject: Subject) -> Evaluation | None:
    """Compare the tables of an n-gram model with complete ones."""
    model = subject.model
    if not isinstance(model, NgramTablesModel):
        return None
    rows = grow(model.vocabulary_size - FIRST_PREDICTED, model.stored_ngrams)
    return Evaluation(diagnostics={"table_growth": rows})


def grow(tokens: int, stored: Sequence[tuple[int, int]]) -> list[dict[str, Any]]:
    """Compute the sizes of complete tables beside those of stored ones.

    Args:
        tokens: The number of tokens that can be predicted, K.
        stored: For each order n = 1, 2, .. the numbers of contexts and of n-grams that are stored.

    Returns:
        A row for each order: `contexts`, K^(n-1); `parameters`, (K - 1) K^(n-1); `total`, K^n - 1; `stored_contexts`
        and `stored_ngrams`.
    """
    return [
        {
            "order": order,
            "contexts": tokens ** (order - 1),
            "parameters": (tokens - 1) * tokens ** (order - 1),
            "total": tokens**order - 1,
            "stored_contexts": contexts,
            "stored_ngrams": ngrams,
        }
        for order, (contexts, ngrams) in enumerate(stored, 1)
    ]
