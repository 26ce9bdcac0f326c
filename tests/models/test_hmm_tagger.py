"""The tagger of counts: worked examples of its probabilities, and the weights of the TnT tagger of NLTK."""

from typing import Any

import numpy as np
import pytest

from unroll.models.hmm_tagger.model import fit
from unroll.models.hmm_tagger.params import AdditiveSmoothing, HmmTaggerParams, InterpolatedSmoothing
from unroll.models.hmm_tagger.transitions import count, deleted_interpolation, estimate
from unroll.text.streams import Data, stream_of
from unroll.text.tokenizers.vocabulary import UNK

LABELS = [np.asarray(tags) for tags in ([0, 1, 1, 2], [0, 1, 2], [1, 2, 0, 1], [2])]
PARAMS: dict[str, Any] = {
    "family": "hmm_tagger",
    "tokenizer": "tagged",
    "order": 2,
    "smoothing": {"kind": "additive", "k": 1.0},
    "word_pseudo_count": 0.0,
    "rare_count": 1,
    "shape_pseudo_count": 0.5,
}


def data() -> Data:
    """Sentences of the words 4 (tags 0 and 1), 5 (tag 1) and 6 (tag 1, once); their shapes are 4, 5 and 5."""
    words = [[4, 5, 5], [4, 4], [5, 6]]
    labels = [[0, 1, 1], [0, 1], [1, 1]]
    shapes = [[word if word < 6 else 5 for word in sentence] for sentence in words]
    sides = {"text": words, "shapes": shapes, "tags": [[4 + tag for tag in sentence] for sentence in labels]}
    streams = {side: stream_of([np.asarray(row) for row in rows], 10) for side, rows in sides.items()}
    return Data("tagged", 7, 5, 1, dict.fromkeys(("train", "valid", "test"), streams), tags=["A", "B"], shapes=6)


def test_worked_transitions_of_a_bigram_tagger() -> None:
    """Three sentences; tag 0 begins two of them and is followed by tag 1 twice; k = 1 is added to three outcomes."""
    model = fit(HmmTaggerParams.model_validate(PARAMS), data(), None, None)  # type: ignore[arg-type]
    begin, after_0, after_1 = model.transition[2, 0], model.transition[0, 0], model.transition[1, 0]
    np.testing.assert_allclose(begin, np.asarray([3, 2, 1]) / 6)
    np.testing.assert_allclose(after_0, np.asarray([1, 3, 1]) / 5)
    np.testing.assert_allclose(after_1, np.asarray([1, 3, 4]) / 8)


def test_worked_emissions() -> None:
    """Tag 0 has two words, none of them rare; tag 1 has five, one of them (word 6, shape 5) seen once."""
    model = fit(HmmTaggerParams.model_validate(PARAMS), data(), None, None)  # type: ignore[arg-type]
    unknown = np.asarray([(0 + 0.5) / (2 + 1), (1 + 0.5) / (5 + 1)])
    np.testing.assert_allclose(model.word_emission[4], (1 - unknown) * [2 / 2, 1 / 5])
    np.testing.assert_allclose(model.word_emission[5], (1 - unknown) * [0, 3 / 5])
    np.testing.assert_allclose(model.word_emission[: UNK + 1], 0)
    np.testing.assert_allclose(model.shape_emission[5], unknown * [0.5 / 3, 1.5 / 4])
    total = model.word_emission.sum(0) + model.shape_emission.sum(0)
    np.testing.assert_allclose(total, 1)
    assert model.parameters == 3 * 2 + 2 * (2 + 5 + 1)


def test_an_unknown_word_is_tagged_by_its_shape() -> None:
    model = fit(HmmTaggerParams.model_validate(PARAMS), data(), None, None)  # type: ignore[arg-type]
    ((first, second),) = np.exp(model.tag_log_posteriors([np.asarray([[UNK, 5]])])[0])
    odds = (3 * 1) * model.shape_emission[5, 0] / ((2 * 4 / 8 * 5) * model.shape_emission[5, 1])
    assert first / second == pytest.approx(odds)


@pytest.mark.parametrize(
    "smoothing", [AdditiveSmoothing(kind="additive", k=0.3), InterpolatedSmoothing(kind="interpolated")]
)
@pytest.mark.parametrize("order", [2, 3])
def test_transitions_sum_to_one(order: int, smoothing: Any) -> None:
    transition = estimate(count(LABELS, 3, order), smoothing)
    assert transition.shape == (4, 4 ** (order - 2), 4)
    np.testing.assert_allclose(transition.sum(-1), 1)
    assert (transition > 0).all()


def test_counts_of_borders() -> None:
    counts = count(LABELS, 3, 3)
    assert counts[3, 3].tolist() == [2, 1, 1, 0]  # the first tags
    assert counts[..., 3].sum() == len(LABELS)
    assert counts.sum() == sum(len(tags) + 1 for tags in LABELS)


def test_deleted_interpolation_of_a_worked_example() -> None:
    """0 is always followed by 1. Without itself, every (0, 1) is still predicted by the bigrams; borders vote, too."""
    counts = count([np.asarray([0, 1]), np.asarray([0, 1]), np.asarray([0, 1])], 2, 2)
    # (border, 0), (0, 1) and (1, border): bigram (3 - 1) / (3 - 1) = 1, unigram (3 - 1) / (9 - 1) = 1 / 4
    np.testing.assert_allclose(deleted_interpolation(counts), [0, 1])
    counts = count([np.asarray([0, 1]), np.asarray([1, 1, 0])], 2, 2)
    # each bigram occurs once, so without itself it predicts nothing, and the unigrams win
    np.testing.assert_allclose(deleted_interpolation(counts), [1, 0])


def test_the_weights_equal_those_of_brants_as_he_wrote_them() -> None:
    """Figure 1 of the paper, with loops over the trigrams."""
    generator = np.random.default_rng(3)
    labels = [generator.integers(3, size=generator.integers(1, 9)) for _ in range(60)]
    counts = count(labels, 3, 3)
    two, one, total = counts.sum(0), counts.sum((0, 1)), counts.sum()
    weights = np.zeros(3)
    for (a, b, c), n in np.ndenumerate(counts):
        if n:
            cases = [
                (one[c] - 1) / (total - 1),
                (two[b, c] - 1) / (two[b].sum() - 1) if two[b].sum() > 1 else 0,
                (n - 1) / (counts[a, b].sum() - 1) if counts[a, b].sum() > 1 else 0,
            ]
            weights[max(range(3), key=lambda order, cases=cases: (cases[order], order))] += n  # type: ignore[misc]
    np.testing.assert_allclose(deleted_interpolation(counts), weights / weights.sum())
