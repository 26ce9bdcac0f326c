"""The sizes of complete tables by formula and by enumeration, and those that models store."""

from itertools import product

import numpy as np

from tests import toy
from tests.evaluation.subjects import subject
from tests.models.test_contract import train
from unroll.evaluation.analysis.table_growth import grow, measure
from unroll.text.tokenizers.vocabulary import BOS


def test_the_formulas_count_what_an_enumeration_counts() -> None:
    tokens = 3
    for row in grow(tokens, [(0, 0)] * 4):
        contexts = list(product(range(tokens), repeat=row["order"] - 1))
        assert row["contexts"] == len(contexts)
        assert row["parameters"] == sum(tokens - 1 for _ in contexts)
    rows = grow(tokens, [(0, 0)] * 4)
    assert [row["total"] for row in rows] == list(np.cumsum([row["parameters"] for row in rows]))
    assert grow(4340, [(1, 1)] * 5)[4]["total"] == 4340**5 - 1  # more than 64 bits hold


def test_a_model_stores_the_n_grams_of_its_text() -> None:
    result = measure(subject(train("trigram-interpolated")))
    assert result is not None
    text = [[BOS, *document] for document in toy.text().train.documents]
    for row in result.diagnostics["table_growth"][1:]:
        order = row["order"]
        grams = {tuple(one[i : i + order]) for one in text for i in range(len(one) - order + 1)}
        assert row["stored_ngrams"] == len(grams)
        assert row["stored_contexts"] == len({gram[:-1] for gram in grams})
    assert result.diagnostics["table_growth"][0]["stored_ngrams"] == toy.VOCABULARY_SIZE - 2
    assert measure(subject(train("window"))) is None
