"""Generation with a model whose next token is known."""

from typing import Any

import numpy as np
import pytest

from unroll.evaluation.generation import (
    SamplingOptions,
    apply_options,
    generate,
    read_prompt,
    sample_tokens,
)
from unroll.text.tokenizers.vocabulary import EOS


class Counting:
    """Token t is followed by t + 1 with probability 0.9, else by 4; token 9 is followed by <eos>."""

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
    (text,) = generate(model, model.start(1), 1, length=50, temperature=0, seed=1)
    assert text.tolist() == [4, 5, 6, 7, 8, 9]


def test_length_is_a_bound() -> None:
    model = Counting()
    (text,) = generate(model, model.start(1), 1, length=3, temperature=0, seed=1)
    assert text.tolist() == [4, 5, 6]
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
    drawn = sample_tokens(rows, temperature, np.random.default_rng(1))
    np.testing.assert_allclose(np.bincount(drawn, minlength=3) / len(rows), tempered, atol=0.01)


@pytest.mark.parametrize("temperature", [1e-320, 1e-30])
def test_a_tiny_temperature_is_greedy(temperature: float) -> None:
    rows = np.log(np.tile([0.1, 0.2, 0.7], (4, 1)))
    rows = np.hstack([rows, np.full((4, 1), -np.inf)])
    assert sample_tokens(rows, temperature, np.random.default_rng(1)).tolist() == [2] * 4
    kept = apply_options(rows, temperature, SamplingOptions(top_p=0.9), np.zeros_like(rows, bool))
    assert np.isfinite(kept).tolist() == [[False, False, True, False]] * 4


class Extreme:
    """The smallest and the largest number that a generator draws."""

    def random(self, size: int) -> Any:
        return np.asarray([0.0, 1 - 2**-53] * (size // 2))


def test_an_impossible_token_is_never_drawn() -> None:
    rows = np.log(np.tile([0.1, 0.2, 0.7], (1000, 1)))
    rows = np.hstack([np.full((1000, 1), -np.inf), rows, np.full((1000, 1), -np.inf)])
    extreme: Any = Extreme()
    assert sample_tokens(rows, 1.0, extreme).tolist() == [1, 3] * 500


def test_every_context_reads_the_prompt() -> None:
    model = Counting()
    state = read_prompt(model, np.asarray([4, 5]), 3)
    assert [list(a) for a in generate(model, state, 3, length=2, temperature=0, seed=1)] == [[6, 7]] * 3


ROW = np.log([[0.5, 0.25, 0.15, 0.1]])
NOTHING_USED = np.zeros((1, 4), dtype=bool)


@pytest.mark.parametrize(
    ("options", "kept"),
    [
        (SamplingOptions(top_k=2), [0, 1]),
        (SamplingOptions(top_k=9), [0, 1, 2, 3]),
        (SamplingOptions(top_p=0.5), [0]),
        (SamplingOptions(top_p=0.6), [0, 1]),
        (SamplingOptions(top_p=0.76), [0, 1, 2]),
        (SamplingOptions(top_p=1e-9), [0]),
        (SamplingOptions(top_k=3, top_p=0.99), [0, 1, 2]),
    ],
)
def test_only_the_most_probable_tokens_are_allowed(options: SamplingOptions, kept: list[int]) -> None:
    row = apply_options(ROW, 1.0, options, NOTHING_USED)
    assert np.flatnonzero(np.isfinite(row[0])).tolist() == kept
    np.testing.assert_array_equal(row[0, kept], ROW[0, kept])


def test_top_p_applies_to_the_distribution_with_temperature() -> None:
    row = apply_options(ROW, 0.25, SamplingOptions(top_p=0.9), NOTHING_USED)  # p ~ p^4: the first has 0.93
    assert np.flatnonzero(np.isfinite(row[0])).tolist() == [0]


def test_a_repetition_penalty_applies_to_tokens_of_the_text_and_the_prompt() -> None:
    used = np.asarray([[True, False, False, False]])
    row = apply_options(ROW, 1.0, SamplingOptions(repetition_penalty=2.0), used)
    np.testing.assert_allclose(np.exp(row), [[0.25, 0.25, 0.15, 0.1]])
    model = Counting()
    # 5 follows 4 with probability 0.9, but not with a penalty of 100.
    (text,) = generate(
        model, read_prompt(model, [4], 1), 1, 1, 0, 1, SamplingOptions(repetition_penalty=100.0), prompt=[5]
    )
    assert text.tolist() == [4]


def test_options_that_change_nothing_draw_the_same_tokens() -> None:
    model = Counting()
    plain = generate(model, model.start(3), 3, 20, 1.0, 7)
    same = generate(model, model.start(3), 3, 20, 1.0, 7, SamplingOptions(top_k=10, top_p=1.0))
    assert [list(a) for a in plain] == [list(a) for a in same]
