"""Generation over the contract, with a model whose next token is known."""

from typing import Any

import numpy as np
import pytest

from unroll.evaluation.generation import Truncation, choose, generate, read, truncated
from unroll.text.tokenizers.vocabulary import EOS


class Counting:
    """After token t comes t + 1 with probability 0.9 (else the token 4), after 9 <eos>."""

    vocabulary_size = 10

    def start(self, batch_size: int = 1) -> Any:
        return np.full(batch_size, 3)

    def advance(self, state: Any, tokens: Any) -> Any:
        return tokens

    def next_log_probs(self, state: Any) -> Any:
        probabilities = np.full((len(state), 10), 1e-12)
        following = np.where(state == 9, EOS, state + 1)
        probabilities[:, 4] = 0.1
        probabilities[np.arange(len(state)), following] = 0.9
        return np.log(probabilities)

    def select(self, state: Any, rows: Any) -> Any:
        return state[rows]


def test_greedy_takes_the_most_probable_and_stops_at_eos() -> None:
    model = Counting()
    (found,) = generate(model, model.start(1), 1, length=50, temperature=0, seed=1)
    assert found.tolist() == [4, 5, 6, 7, 8, 9]


def test_length_is_a_bound() -> None:
    model = Counting()
    (found,) = generate(model, model.start(1), 1, length=3, temperature=0, seed=1)
    assert found.tolist() == [4, 5, 6]
    assert generate(model, model.start(2), 2, length=0, temperature=1.0, seed=1)[1].tolist() == []


def test_same_seed_same_texts_and_rows_differ() -> None:
    model = Counting()
    one = generate(model, model.start(20), 20, length=30, temperature=1.0, seed=5)
    two = generate(model, model.start(20), 20, length=30, temperature=1.0, seed=5)
    assert [list(a) for a in one] == [list(b) for b in two]
    assert len({tuple(a) for a in one}) > 1


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_sampling_follows_the_tempered_distribution(temperature: float) -> None:
    probabilities = np.asarray([0.6, 0.3, 0.1])
    tempered = probabilities ** (1 / temperature)
    tempered /= tempered.sum()
    rows = np.log(np.tile(probabilities, (40_000, 1)))
    drawn = choose(rows, temperature, np.random.default_rng(1))
    np.testing.assert_allclose(np.bincount(drawn, minlength=3) / len(rows), tempered, atol=0.01)


@pytest.mark.parametrize("temperature", [1e-320, 1e-30])
def test_next_to_no_temperature_is_greedy(temperature: float) -> None:
    rows = np.log(np.tile([0.1, 0.2, 0.7], (4, 1)))
    rows = np.hstack([rows, np.full((4, 1), -np.inf)])
    assert choose(rows, temperature, np.random.default_rng(1)).tolist() == [2] * 4
    kept = truncated(rows, temperature, Truncation(nucleus=0.9), np.zeros_like(rows, bool))
    assert np.isfinite(kept).tolist() == [[False, False, True, False]] * 4


class Extreme:
    """The least and the greatest numbers that a generator draws."""

    def random(self, size: int) -> Any:
        return np.asarray([0.0, 1 - 2**-53] * (size // 2))


def test_what_cannot_be_is_never_drawn() -> None:
    rows = np.log(np.tile([0.1, 0.2, 0.7], (1000, 1)))
    rows = np.hstack([np.full((1000, 1), -np.inf), rows, np.full((1000, 1), -np.inf)])
    extreme: Any = Extreme()
    assert choose(rows, 1.0, extreme).tolist() == [1, 3] * 500


def test_reading_a_prompt_moves_every_context() -> None:
    model = Counting()
    state = read(model, np.asarray([4, 5]), 3)
    assert [list(a) for a in generate(model, state, 3, length=2, temperature=0, seed=1)] == [[6, 7]] * 3


ROW = np.log([[0.5, 0.25, 0.15, 0.1]])
NOTHING_SEEN = np.zeros((1, 4), dtype=bool)


@pytest.mark.parametrize(
    ("truncation", "kept"),
    [
        (Truncation(top_k=2), [0, 1]),
        (Truncation(top_k=9), [0, 1, 2, 3]),
        (Truncation(nucleus=0.5), [0]),
        (Truncation(nucleus=0.6), [0, 1]),
        (Truncation(nucleus=0.76), [0, 1, 2]),
        (Truncation(nucleus=1e-9), [0]),
        (Truncation(top_k=3, nucleus=0.99), [0, 1, 2]),
    ],
)
def test_truncation_keeps_the_most_probable(truncation: Truncation, kept: list[int]) -> None:
    row = truncated(ROW, 1.0, truncation, NOTHING_SEEN)
    assert np.flatnonzero(np.isfinite(row[0])).tolist() == kept
    np.testing.assert_array_equal(row[0, kept], ROW[0, kept])


def test_the_nucleus_is_of_the_tempered_distribution() -> None:
    row = truncated(ROW, 0.25, Truncation(nucleus=0.9), NOTHING_SEEN)  # p ~ p^4: the first has 0.93
    assert np.flatnonzero(np.isfinite(row[0])).tolist() == [0]


def test_a_repetition_penalty_is_for_what_the_text_or_the_prompt_holds() -> None:
    seen = np.asarray([[True, False, False, False]])
    row = truncated(ROW, 1.0, Truncation(repetition_penalty=2.0), seen)
    np.testing.assert_allclose(np.exp(row), [[0.25, 0.25, 0.15, 0.1]])
    model = Counting()
    # 5 would follow 4 with 0.9 > 0.1; penalised by 100 it does not.
    (found,) = generate(model, read(model, [4], 1), 1, 1, 0, 1, Truncation(repetition_penalty=100.0), prompt=[5])
    assert found.tolist() == [4]


def test_without_truncation_the_draws_are_what_they_were() -> None:
    model = Counting()
    plain = generate(model, model.start(3), 3, 20, 1.0, 7)
    same = generate(model, model.start(3), 3, 20, 1.0, 7, Truncation(top_k=10, nucleus=1.0))
    assert [list(a) for a in plain] == [list(a) for a in same]
