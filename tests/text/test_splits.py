"""The assignment of documents to splits at its borders, and the hash of a text by another program."""

import numpy as np
import pytest

from unroll.params.cleaning import Splits
from unroll.text.splits import TEST, TRAIN, VALID, assign_by_hash, assign_by_position, hash_text, split_starts
from unroll.text.streams import SPLITS


def splits(by: str, valid: float, test: float) -> Splits:
    return Splits.model_validate({"by": by, "valid": valid, "test": test})


def test_codes_are_indices_of_the_names_of_splits() -> None:
    assert [SPLITS[code] for code in (TRAIN, VALID, TEST)] == ["train", "valid", "test"]


@pytest.mark.parametrize(
    ("text", "digits"),
    [("", "e4a6a0577479b2b4"), ("abc", "d8bb14d833d59559"), ("naïve 日本", "1febc8e01ca4d675")],
)
def test_the_hash_of_a_text_is_that_of_b2sum(text: str, digits: str) -> None:
    """`printf '%s' abc | b2sum --length 64`."""
    assert hash_text(text) == int(digits, 16)


def test_a_document_belongs_to_the_split_of_its_share() -> None:
    """The shares are halves of powers of two, so that the borders are exact: test [0, 1/4), valid [1/4, 1/2)."""
    quarter = 2**62
    step = 2**11  # the distance of neighbouring floats below 2^64
    hashes = [0, quarter - step, quarter, 2 * quarter - step, 2 * quarter, 4 * quarter - 1]
    found = assign_by_hash(np.array(hashes, np.uint64), splits("hash", valid=0.25, test=0.25))
    assert found.tolist() == [TEST, TEST, VALID, VALID, TRAIN, TRAIN]
    assert found.dtype == np.int8


def test_the_shares_of_splits_by_hash() -> None:
    hashes = np.array([hash_text(f"text {number}") for number in range(10_000)], np.uint64)
    counts = np.bincount(assign_by_hash(hashes, splits("hash", valid=0.2, test=0.1)), minlength=3)
    assert abs(counts - np.array([7000, 2000, 1000])).max() < 250  # more than five deviations


def test_the_split_of_tinyshakespeare() -> None:
    """Its 1,115,394 characters are divided at int(0.9 * 1115394) = 1003854 in the usual comparison."""
    assert split_starts(1_115_394, splits("position", valid=0.05, test=0.05)) == (1_003_854, 1_059_624)


def test_a_document_belongs_to_the_split_of_its_first_character() -> None:
    """Of 1,000 characters with 1/4 for valid and 1/8 for test, valid begins at 625 and test at 875."""
    starts = np.array([0, 624, 625, 874, 875, 999])
    found = assign_by_position(starts, 1000, splits("position", valid=0.25, test=0.125))
    assert found.tolist() == [TRAIN, TRAIN, VALID, VALID, TEST, TEST]
    assert found.dtype == np.int8
