"""n-gram models: laws, worked examples, and a reference implementation with dictionaries."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.models.ngrams import DATA, SIZE, SMOOTHED, TRAIN, VALID, documents, every_model, fitted, params, state_after
from unroll.evaluation.perplexity import evaluate
from unroll.models.base.curve import Curve
from unroll.models.base.inputs import Inputs
from unroll.models.base.protocol import LanguageModel, log_probs_by_stepping
from unroll.models.ngram import model as ngram
from unroll.models.ngram.counting import count_ngrams
from unroll.models.ngram.estimation import _discounts, estimate, fit_weights
from unroll.models.ngram.params import NgramParams
from unroll.text.streams import Data, Stream, stream_of
from unroll.text.tokenizers.vocabulary import BOS, EOS, PAD, UNK


class Reference:
    """The same models, computed from their definitions with dictionaries, one token and one order at a time."""

    def __init__(self, order: int, kind: str, prune: Sequence[int], weights: Sequence[float]) -> None:
        self.order, self.kind, self.prune, self.weights = order, kind, prune, weights
        self.raw: Counter[tuple[int, ...]] = Counter()
        self.left: dict[tuple[int, ...], set[int]] = defaultdict(set)
        for document in TRAIN:
            text = (BOS, *document.tolist(), EOS)
            for end in range(1, len(text)):
                for first in range(max(0, end - order + 1), end + 1):
                    gram = text[first : end + 1]
                    self.raw[gram] += 1
                    if first:
                        self.left[gram].add(text[first - 1])

    def count(self, gram: tuple[int, ...]) -> int:
        continuation = "kneser_ney" in self.kind and len(gram) < self.order and gram[0] != BOS
        return len(self.left[gram]) if continuation else self.raw[gram]

    @cache  # noqa: B019 - the object lives only as long as a test
    def discounts(self, k: int) -> list[float]:
        n = Counter(self.count(gram) for gram in list(self.raw) if len(gram) == k)
        if self.kind != "modified_kneser_ney":
            return [n[1] / (n[1] + 2 * n[2]) if n[1] else 0.6] * 3
        if not (n[1] and n[2] and n[3]):
            return [0.5, 1.0, 1.5]
        y = n[1] / (n[1] + 2 * n[2])
        three = [1 - 2 * y * n[2] / n[1], 2 - 3 * y * n[3] / n[2], 3 - 4 * y * n[4] / n[3]]
        return three if min(three) >= 0 else [0.5, 1.0, 1.5]

    def kept(self, gram: tuple[int, ...]) -> float:
        count, k = self.count(gram), len(gram)
        if count == 0 or self.raw[gram] <= self.prune[min(k, len(self.prune)) - 1]:
            return 0
        if self.kind in ("maximum_likelihood", "add_k"):
            return count
        if self.kind == "jelinek_mercer":
            return self.weights[k - 1] * count
        return count - self.discounts(k)[min(count, 3) - 1]

    def prob(self, context: tuple[int, ...], word: int) -> float:
        uniform, add = 1 / (SIZE - 2), self.kind == "add_k"
        total = sum(self.count((*context, other)) for other in range(2, SIZE)) + add * 0.3 / uniform
        lower = self.prob(context[1:], word) if context and not add else uniform
        if total == 0:
            return lower
        kept = {other: self.kept((*context, other)) for other in range(2, SIZE)}
        return (kept[word] + (total - sum(kept.values())) * lower) / total


@every_model
def test_equals_the_definition(kind: str, order: int, prune: list[int]) -> None:
    model = fitted(kind, order, prune)
    weights = [1.0] * order
    if kind == "jelinek_mercer":
        orders = count_ngrams(DATA.train.tokens, order, SIZE)
        weights = fit_weights(orders, DATA.valid.tokens, 30, SIZE, lambda step, **values: None)
    reference = Reference(order, kind, prune, weights)
    for history in ([], [5], [5, 6], [5, 6, 7, 9], [UNK], [11], [5, 11, 6], [11, 5, 6], [10, 4, 5]):
        context = tuple([BOS, *history][max(0, len(history) + 2 - order) :])
        expected = [reference.prob(context, word) for word in range(2, SIZE)]
        actual = np.exp(model.next_log_probs(state_after(model, history)))[0]
        np.testing.assert_allclose(actual[2:], expected, rtol=2e-6, atol=1e-12, err_msg=str(history))
        assert actual[PAD] == actual[BOS] == 0


@every_model
def test_laws(kind: str, order: int, prune: list[int], tmp_path: Path) -> None:
    model = fitted(kind, order, prune)
    assert isinstance(model, LanguageModel)
    texts = [np.array([*text, EOS]) for text in documents(3, 40)]
    texts += [np.array([], dtype=np.int64), np.array([11]), np.array([UNK, 11, 11, 5, EOS])]
    scores = model.log_probs(texts)
    for fast, slow in zip(scores, log_probs_by_stepping(model, texts), strict=True):
        np.testing.assert_array_equal(fast, slow)
    for text, one in zip(texts, scores, strict=True):
        np.testing.assert_array_equal(model.log_probs([text[:2]])[0], one[:2])  # neither suffixes nor neighbours matter

    batch = model.advance(model.advance(model.start(SIZE - 2), np.arange(2, SIZE)), np.full(SIZE - 2, 6))
    rows = model.next_log_probs(batch)
    np.testing.assert_allclose(np.exp(rows).sum(axis=1), 1, rtol=1e-6)
    np.testing.assert_array_equal(model.next_log_probs(model.select(batch, np.array([3, 3, 0]))), rows[[3, 3, 0]])

    model.save(tmp_path)
    for before, after in zip(scores, ngram.load(tmp_path).log_probs(texts), strict=True):
        np.testing.assert_array_equal(before, after)
    assert ngram.load(tmp_path).params == model.params


@pytest.mark.parametrize("kind", SMOOTHED)
@pytest.mark.parametrize("order", [1, 4])
def test_beats_uniform_and_has_no_zero(kind: str, order: int) -> None:
    score = evaluate(fitted(kind, order), DATA.valid.documents)
    assert score.perplexity < SIZE - 2
    assert np.isfinite(fitted(kind, order).log_probs([np.array([11, 11, EOS])])[0]).all()


def test_context_lowers_perplexity() -> None:
    unigram, bigram = (evaluate(fitted("modified_kneser_ney", order), DATA.valid.documents) for order in (1, 2))
    assert bigram.perplexity < 0.8 * unigram.perplexity


def test_maximum_likelihood_gives_infinity_not_nan() -> None:
    model = fitted("maximum_likelihood", 3)
    text = np.array([5, 11, 6, EOS])  # 11 is in the vocabulary, but not in the train split
    assert not np.isnan(model.next_log_probs(state_after(model, [5, 11, 6]))).any()
    score = evaluate(model, [text])
    assert (score.perplexity, score.impossible_tokens) == (np.inf, 1)
    train = evaluate(model, DATA.train.documents)
    assert train.impossible_tokens == 0
    assert train.perplexity < evaluate(fitted("modified_kneser_ney", 3), DATA.train.documents).perplexity


def test_fewer_tokens_than_the_order() -> None:
    short = {split: {"text": stream_of([np.array([5]), np.array([6])], SIZE)} for split in ("train", "valid")}
    model = ngram.fit(
        params("modified_kneser_ney", 5), Data("short", SIZE, 1, 1, short), Inputs(), lambda step, **values: None
    )
    assert len(model.orders) == 3  # the longest n-gram is <bos> 5 <eos>
    assert np.isfinite(model.log_probs([np.array([5, 6, 7, 8, 9, EOS])])[0]).all()


# Worked example: the notes "Recurrent Neural Networks" (Qin), section 5.1, as in Zhang et al. 2023, section 9.3.2

THE, TIME, TRAVELER, ARRIVED = 4, 5, 6, 7
WORKED = [THE] * 35 + [THE, TIME, TRAVELER, ARRIVED] * 2 + [THE, TIME, TRAVELER] * 3 + [THE, TIME] * 10
WORKED += [TIME, TRAVELER] * 3 + [TRAVELER, ARRIVED, TRAVELER, TIME, TIME, ARRIVED, ARRIVED]


def test_worked_counts_and_products() -> None:
    """The section gives counts but no text. WORKED has these counts (without <eos>, which is not counted there)."""
    stream = Stream(np.array([BOS, *WORKED]), np.array([0, len(WORKED) + 1]))
    unigrams, bigrams = count_ngrams(stream.tokens, 2, 8)
    assert unigrams.counts.tolist()[THE:] == [50, 20, 10, 5]
    counts = dict(zip(bigrams.keys.tolist(), bigrams.counts.tolist(), strict=True))
    pairs = [(THE, TIME), (TIME, TRAVELER), (TRAVELER, ARRIVED)]
    assert [counts[first * 8 + last] for first, last in pairs] == [15, 8, 3]
    texts = [WORKED[i : i + 3] for i in range(83)]
    assert (texts.count([THE, TIME, TRAVELER]), texts.count([TIME, TRAVELER, ARRIVED])) == (5, 2)

    data = Data("worked", 8, 1, 1, {split: {"text": stream} for split in ("train", "valid")})
    one, two, three = (
        ngram.fit(params("maximum_likelihood", n), data, Inputs(), lambda step, **values: None) for n in (1, 2, 3)
    )

    def prob(model: ngram.Model, word: int, *history: int) -> float:
        return float(np.exp(model.next_log_probs(state_after(model, history)))[0, word])

    unigram = [prob(one, word) for word in (THE, TIME, TRAVELER, ARRIVED)]
    # The notes print 9.58e-5; 50 * 20 * 10 * 5 / 85^4 is 9.578e-4: their power of ten is a slip.
    assert np.prod(unigram) == pytest.approx(9.578e-4, rel=1e-4)
    bigram = [unigram[0], prob(two, TIME, THE), prob(two, TRAVELER, TIME), prob(two, ARRIVED, TRAVELER)]
    assert np.prod(bigram) == pytest.approx(0.0212, rel=2e-3)
    # The notes print 0.0145; their own factors 50/85 * 15/50 * 5/15 * 2/8 give 0.01471.
    trigram = [*bigram[:2], prob(three, TRAVELER, THE, TIME), prob(three, ARRIVED, TIME, TRAVELER)]
    assert np.prod(trigram) == pytest.approx(0.014706, rel=1e-4)


def test_the_log_of_an_impossible_valid_split_is_infinite(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    curve = Curve()
    with caplog.at_level("INFO"):
        ngram.fit(params("maximum_likelihood", 2), DATA, Inputs(), curve)
    assert caplog.messages == ["step 0: valid_loss inf (perplexity inf)"]
    curve.write(tmp_path / "curve.csv")
    assert (tmp_path / "curve.csv").read_text(encoding="utf-8") == "step,valid_loss\n0,inf\n"


# Weights of Jelinek-Mercer smoothing


def test_em_finds_the_best_weights() -> None:
    losses = []
    smoothing = {"kind": "jelinek_mercer", "iterations": 200}
    many = NgramParams.model_validate({**params("jelinek_mercer", 3).model_dump(), "smoothing": smoothing})
    ngram.fit(many, DATA, Inputs(), lambda step, **values: losses.append(values["valid_loss"]))
    assert len(losses) == 201
    assert (np.diff(losses) < 1e-7).all()  # the last loss is that of the model, which is in float32
    orders = count_ngrams(DATA.train.tokens, 3, SIZE)
    best = fit_weights(orders, DATA.valid.tokens, 200, SIZE, lambda step, **values: None)
    for k in range(3):
        for move in (-0.02, 0.02):
            moved = [*best[:k], min(1 - 1e-9, max(0.0, best[k] + move)), *best[k + 1 :]]
            model = ngram.Model({}, SIZE, estimate(orders, many, moved, SIZE))
            assert evaluate(model, DATA.valid.documents).cross_entropy >= losses[-1] - 1e-6


def em(n: int, updates: int) -> tuple[list[float], list[float]]:
    """Fit the weights token by token, with the posterior probability of each order; also the loss before each step."""
    counts: Counter[tuple[int, ...]] = Counter()
    for document in TRAIN:
        text = (BOS, *document.tolist(), EOS)
        counts.update(text[a:b] for b in range(2, len(text) + 1) for a in range(max(0, b - n), b))
    totals: Counter[tuple[int, ...]] = Counter()
    for gram, count in counts.items():
        totals[gram[:-1]] += count
    weights, losses = [0.5] * n, []
    for _ in range(updates):
        generated, reached, nats = [0.0] * n, [0.0] * n, []
        for document in VALID:
            text = (BOS, *document.tolist(), EOS)
            for end in range(2, len(text) + 1):
                shares, left = [0.0] * n, 1.0
                seen = [k for k in range(1, min(n, end) + 1) if totals[text[end - k : end - 1]]]
                for k in reversed(seen):
                    gram = text[end - k : end]
                    shares[k - 1] = left * weights[k - 1] * counts[gram] / totals[gram[:-1]]
                    left *= 1 - weights[k - 1]
                p = sum(shares) + left / (SIZE - 2)
                nats.append(-np.log(p))
                for k in seen:
                    generated[k - 1] += shares[k - 1] / p
                    reached[k - 1] += 1 - sum(shares[k:]) / p
        losses.append(float(np.mean(nats)))
        weights = [a / b for a, b in zip(generated, reached, strict=True)]
    return weights, losses


@pytest.mark.parametrize("updates", [1, 2, 7])
def test_a_step_of_em_sets_each_weight_to_its_share_of_the_tokens_that_reach_it(updates: int) -> None:
    orders, log = count_ngrams(DATA.train.tokens, 4, SIZE), list[tuple[int, float]]()
    weights = fit_weights(
        orders, DATA.valid.tokens, updates, SIZE, lambda step, **values: log.append((step, values["valid_loss"]))
    )
    expected, losses = em(4, updates)
    assert weights == pytest.approx(expected, rel=1e-9)
    assert log == [(step, pytest.approx(loss, rel=1e-9)) for step, loss in enumerate(losses)]


def test_an_order_without_a_seen_context_keeps_its_weight() -> None:
    train, valid = stream_of([np.array([5])] * 3, SIZE), stream_of([np.array([6, 7])], SIZE)
    orders = count_ngrams(train.tokens, 3, SIZE)
    assert fit_weights(orders, valid.tokens, 5, SIZE, lambda step, **values: None)[2] == 0.5


@pytest.mark.parametrize(("order", "length", "size"), [(2, 3, SIZE), (4, 3, SIZE), (2, 4, 60)])
def test_weights_are_finite_if_the_highest_order_is_always_right(order: int, length: int, size: int) -> None:
    """Then its weight becomes 1, and no token reaches the lower orders. Rounding could give the weight 1 + 2^-52."""
    same = stream_of([np.arange(4, 4 + length)] * 3, size)
    orders, losses = count_ngrams(same.tokens, order, size), list[float]()
    weights = fit_weights(orders, same.tokens, 200, size, lambda step, **values: losses.append(values["valid_loss"]))
    assert all(0 <= weight <= 1 for weight in weights)
    assert (np.diff(losses) < 1e-12).all()
    tables = estimate(orders, params("jelinek_mercer", order), weights, size)
    assert not any(np.isnan(values).any() for table in tables for values in (table.log_probs, table.log_backoffs))


@every_model
def test_tables_are_in_single_precision(kind: str, order: int, prune: list[int]) -> None:
    for table in fitted(kind, order, prune).orders:
        assert [array.dtype for array in vars(table).values()] == [np.int64, np.float32, np.float32]
    assert len(fitted(kind, order, prune).orders[-1].log_backoffs) == 0


@every_model
def test_tables_hold_the_ngrams_that_pruning_keeps(kind: str, order: int, prune: list[int]) -> None:
    """A key names its context by the index of a kept n-gram. All 1-grams are kept."""
    raw = Reference(order, kind, prune, []).raw
    shorter: list[tuple[int, ...]] = [()]
    for k, table in enumerate(fitted(kind, order, prune).orders, 1):
        assert (table.keys >= 0).all()
        grams = [(*shorter[int(key) // SIZE], int(key) % SIZE) for key in table.keys]
        kept = {gram for gram, count in raw.items() if len(gram) == k and count > prune[min(k, len(prune)) - 1]}
        assert grams == (sorted(kept) if k > 1 else [(token,) for token in range(SIZE)])
        shorter = grams


@pytest.mark.parametrize(
    ("counts", "discounts"),
    [
        # n1 = 2, n2 = 1, n3 = 1, n4 = 1: Y = 1/2, so 1 - 2 Y / 2, 2 - 3 Y, 3 - 4 Y.
        ([1, 1, 2, 3, 4], [0.5, 0.5, 1]),
        ([1, 1, 2, 3, 4, 5, 6, 70], [0.5, 0.5, 1]),  # counts above 4 have no part in it
        # n1 = 1, n2 = 1, n3 = 2, n4 = 0: Y = 1/3, so 1 - 2 Y, 2 - 3 Y * 2, 3. A discount of 0 is in [0, 2].
        ([1, 2, 3, 3], [1 / 3, 0, 3]),
        # n1 = 1, n2 = 1, n3 = 3: 2 - 3 Y * 3 = -1 is not in [0, 2].
        ([1, 2, 3, 3, 3], [0.25, 1.25, 1.75]),
        ([1, 2, 4], [0.25, 1.25, 1.75]),  # n3 = 0
        ([], []),
    ],
)
def test_the_discounts_of_chen_and_goodman_by_hand(counts: list[int], discounts: list[float]) -> None:
    found = _discounts(np.array([*counts, 0], np.int64), [0.25, 1.25, 1.75])
    assert found.tolist() == pytest.approx([discounts[min(count, 3) - 1] for count in counts] + [0])


# Parameters


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"prune": [1]}, "must begin with 0"),
        ({"prune": [0, 2, 1]}, "never fall"),
        ({"smoothing": {"kind": "modified_kneser_ney", "fallback": [0.5, 2.5, 1.5]}}, "may not exceed its count"),
    ],
)
def test_impossible_params_are_refused(change: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        NgramParams.model_validate({**params("add_k", 2).model_dump(), **change})
