"""Exact and near copies. The estimated similarity is compared with the exact one."""

import random

import numpy as np
import pytest

from tests.text.conftest import Workshop
from unroll.text.duplicates import SIGNATURE, HashIndex, SignatureIndex, minhash
from unroll.text.splits import TEST, TRAIN, VALID

WORDS = [f"{a}{b}{c}" for a in "bdfgklmn" for b in "aeiou" for c in "prstvz"]


def jaccard(a: str, b: str, words: int) -> float:
    shingles = [{tuple(text.split()[i : i + words]) for i in range(len(text.split()) - words + 1)} for text in (a, b)]
    return len(shingles[0] & shingles[1]) / len(shingles[0] | shingles[1])


def changed(text: str, share: float, generator: random.Random) -> str:
    return " ".join(generator.choice(WORDS) if generator.random() < share else word for word in text.split())


@pytest.mark.slow
def test_signatures_estimate_the_similarity() -> None:
    generator = random.Random(1)
    errors = []
    for share in (0.01, 0.05, 0.1, 0.2):
        for _ in range(20):
            a = " ".join(generator.choices(WORDS, k=200))
            b = changed(a, share, generator)
            one, two = minhash([a, b], 3)
            errors.append(float((one == two).mean()) - jaccard(a, b, 3))
    assert abs(np.mean(errors)) < 0.02  # no bias
    assert np.std(errors) < 1.2 * 0.5 / SIGNATURE**0.5  # at most the binomial deviation


def test_case_punctuation_and_digits_are_ignored() -> None:
    one, two, three = minhash(["He is here!", "he -- IS here 3", "she is here"], 3)
    assert (one == two).all()
    assert not (one == three).any()


def test_a_short_text_is_one_shingle_and_a_text_without_words_is_not_similar_to_any() -> None:
    assert (minhash(["yes"], 3) == minhash(["Yes."], 3)).all()
    assert not (minhash(["yes"], 3) == minhash(["no"], 3)).any()
    texts, splits = ["123", "...", "123"], np.array([TRAIN, TRAIN, TEST], np.int8)
    signatures = minhash(texts, 3)
    index = SignatureIndex([(signatures[splits != TRAIN], splits[splits != TRAIN])])
    assert not index.find(signatures, splits, 0.8).any()


def test_the_signature_of_a_text_does_not_depend_on_other_texts() -> None:
    texts = [" ".join(random.Random(n).choices(WORDS, k=n)) for n in range(1, 40)]
    together = minhash(texts, 3)
    assert all((minhash([text], 3)[0] == row).all() for text, row in zip(texts, together, strict=True))


def test_near_copies_are_found_and_others_are_not() -> None:
    generator = random.Random(2)
    late = [" ".join(generator.choices(WORDS, k=100)) for _ in range(60)]
    copies = [changed(text, 0.01, generator) for text in late]
    others = [" ".join(generator.choices(WORDS, k=100)) for _ in range(200)]
    texts = [*copies, *others, *late]
    splits = np.array([TRAIN] * (len(copies) + len(others)) + [VALID] * 30 + [TEST] * 30, np.int8)
    batches = [(minhash(texts[a : a + 50], 3), splits[a : a + 50]) for a in range(0, len(texts), 50)]
    index = SignatureIndex((rows[codes != TRAIN], codes[codes != TRAIN]) for rows, codes in batches)
    found = np.concatenate([index.find(*batch, 0.8) for batch in batches])
    wanted = [jaccard(copy, text, 3) >= 0.8 for copy, text in zip(copies, late, strict=True)]
    assert sum(wanted) > 40
    assert np.mean(found[: len(copies)][wanted]) > 0.95
    assert not found[len(copies) :].any()


def test_exact_copies_are_found_in_later_splits_only() -> None:
    keys = np.array([1, 1, 2, 2, 3, 3, 4, 4], np.uint64)
    splits = np.array([TRAIN, TRAIN, TRAIN, VALID, VALID, TEST, TEST, TRAIN], np.int8)
    found = [False, False, True, False, True, False, False, True]
    assert HashIndex([(keys, splits)]).find(keys, splits).tolist() == found
    batches = [(keys[a : a + 3], splits[a : a + 3]) for a in range(0, len(keys), 3)]
    index = HashIndex(batches)
    assert np.concatenate([index.find(*batch) for batch in batches]).tolist() == found


def test_stage_clean_counts_and_drops_near_copies(workshop: Workshop) -> None:
    generator = random.Random(3)
    lines = [" ".join(generator.choices(WORDS, k=30)) for _ in range(20)]
    lines[2] = lines[18].upper() + " !"
    workshop.add("\n".join(lines))
    rule = {"kind": "near", "words": 3, "similarity": 0.8}
    assert len(workshop.clean(duplicates=rule | {"drop": False})) == 20
    assert workshop.counts["duplicates"]["near_in_train"] == 1
    rows = workshop.clean(duplicates=rule | {"drop": True})
    assert [row["text"] for row in rows] == [*lines[:2], *lines[3:]]
    assert workshop.counts["dropped"] == {"near_duplicate": 1}


@pytest.mark.parametrize("words", [1, 2, 5])
def test_shingles_do_not_cross_documents(words: int) -> None:
    a, b = " ".join(WORDS[:20]), " ".join(WORDS[20:40])
    assert (minhash([a, b], words)[1] == minhash([b], words)[0]).all()
