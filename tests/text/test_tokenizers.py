"""Laws of all tokenizers, and examples that were computed by hand."""

import json
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.text.conftest import bpe, chars, words
from unroll.errors import UnrollError
from unroll.text.tokenizers import bpe as segmentation
from unroll.text.tokenizers.base import Tokenizer
from unroll.text.tokenizers.loading import learn_tokenizer, load_tokenizer
from unroll.text.tokenizers.vocabulary import PAD, SPECIAL, UNK

TEXTS = [
    "the cooker cooks, the cook cooked while cooking",
    "don't cook the cook's book: 3.14 cooks\tand\u00a0more",
    "naïve café — 東京 Ελλάδα 🙂 the end",
    "  two  spaces\n\na new paragraph ",
]


class Texts:
    def __init__(self, texts: Sequence[str]) -> None:
        self.texts = texts

    def __iter__(self) -> Iterator[str]:
        return iter(self.texts)

    def count(self, function: Callable[[Iterable[str]], Counter[Any]]) -> Counter[Any]:
        return function(self.texts)


def learned(params: Any, texts: Sequence[str] = TEXTS, unknown_word: str | None = None) -> Tokenizer:
    return learn_tokenizer(params, Texts(texts), unknown_word)


PARAMS = {
    "whitespace": words(),
    "punctuation": words(pretokenizer="punctuation"),
    "char": chars(),
    "bytes": bpe(vocabulary_size=300),
    "characters": bpe(vocabulary_size=100, base_alphabet="characters"),
}
TOKENIZERS = {name: learned(params) for name, params in PARAMS.items()}
every = pytest.mark.parametrize("name", PARAMS)


@every
def test_loading_restores_what_was_saved(name: str, tmp_path: Path) -> None:
    tokenizer = TOKENIZERS[name]
    tokenizer.save(tmp_path / "tokenizer.json")
    other = load_tokenizer(tmp_path / "tokenizer.json")
    assert other.encode_batch(TEXTS) == tokenizer.encode_batch(TEXTS)
    other.save(tmp_path / "again.json")
    assert (tmp_path / "again.json").read_bytes() == (tmp_path / "tokenizer.json").read_bytes()


@every
def test_the_order_of_the_texts_does_not_matter(name: str, tmp_path: Path) -> None:
    for number, texts in enumerate((TEXTS, TEXTS[::-1])):
        learned(PARAMS[name], texts).save(tmp_path / f"{number}.json")
    assert (tmp_path / "0.json").read_bytes() == (tmp_path / "1.json").read_bytes()


@every
def test_ids_fill_the_vocabulary_and_spellings_differ(name: str) -> None:
    tokenizer = TOKENIZERS[name]
    spellings = [tokenizer.id_to_token(token) for token in range(tokenizer.vocabulary_size)]
    assert tuple(spellings[: len(SPECIAL)]) == SPECIAL
    assert len(set(spellings[len(SPECIAL) :])) == tokenizer.vocabulary_size - len(SPECIAL)
    for token in (-1, tokenizer.vocabulary_size):
        with pytest.raises(ValueError, match="not in a vocabulary"):
            tokenizer.id_to_token(token)


@every
def test_a_batch_is_encoded_like_its_texts(name: str) -> None:
    tokenizer = TOKENIZERS[name]
    assert tokenizer.encode_batch([*TEXTS, ""]) == [tokenizer.encode(text) for text in [*TEXTS, ""]]
    assert tokenizer.encode("") == []
    assert tokenizer.encode_batch([]) == []


@every
@given(text=st.text())
def test_unknown_tokens_are_those_that_become_unk(name: str, text: str) -> None:
    tokenizer = TOKENIZERS[name]
    assert len(tokenizer.unknown_tokens(text)) == tokenizer.encode(text).count(UNK)


@pytest.mark.parametrize("name", ["char", "characters"])
@given(text=st.text(alphabet=sorted(set("".join(TEXTS)))))
def test_round_trip_of_known_characters(name: str, text: str) -> None:
    tokenizer = TOKENIZERS[name]
    assert tokenizer.decode(tokenizer.encode(text)) == text


@given(text=st.text())
def test_round_trip_of_any_text_through_bytes(text: str) -> None:
    tokenizer = TOKENIZERS["bytes"]
    assert tokenizer.decode(tokenizer.encode(text)) == text


@settings(max_examples=30, deadline=None)
@given(
    texts=st.lists(st.text(alphabet=st.sampled_from("ab ,\t\n\u00a0\u2028\u3000\x1c\x85é"), max_size=60), min_size=1)
)
@pytest.mark.parametrize("alphabet", ["bytes", "characters"])
def test_no_token_has_white_space_after_its_first_character(alphabet: str, texts: list[str]) -> None:
    tokenizer = learned(bpe(base_alphabet=alphabet, vocabulary_size=330), texts)
    for token in range(len(SPECIAL), tokenizer.vocabulary_size):
        spelling = tokenizer.decode([token])
        assert not any(sign.isspace() for sign in spelling[1:]), repr(spelling)


def test_byte_pair_encoding_against_merges_by_hand() -> None:
    """The most frequent pair is merged first, and all words get the common token "cook"."""
    texts = ["cook cooks cooked cooking cooker " * 5]
    tokenizer = learned(bpe(base_alphabet="characters", vocabulary_size=4 + len(set(texts[0])) + 4), texts)
    merged = [tokenizer.id_to_token(token) for token in range(4 + len(set(texts[0])), tokenizer.vocabulary_size)]
    assert merged == _merges(texts[0], 4)
    assert " cook" in merged


def _merges(text: str, count: int) -> list[str]:
    """Merge the most frequent pair that does not begin a new word, `count` times, and return the merged tokens."""
    tokens, found = list(text), []
    alphabet = {sign: rank for rank, sign in enumerate(sorted(set(text)))}
    for _ in range(count):
        pairs: dict[tuple[str, str], int] = {}
        for a, b in pairwise(tokens):
            if not b[0].isspace():
                pairs[a, b] = pairs.get((a, b), 0) + 1
        best = min(pairs, key=lambda pair: (-pairs[pair], alphabet[pair[0]], alphabet[pair[1]]))
        alphabet[best[0] + best[1]] = len(alphabet)
        found.append(best[0] + best[1])
        merged: list[str] = []
        for token in tokens:
            if merged and (merged[-1], token) == best:
                merged[-1] += token
            else:
                merged.append(token)
        tokens = merged
    return found


@pytest.mark.parametrize("name", ["bytes", "characters"])
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(alphabet=st.sampled_from("cok \n\u00a0\u2028\x1c\x85,é"), max_size=80))
def test_a_long_text_is_encoded_like_its_segments(name: str, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = TOKENIZERS[name].encode_batch([text, text])
    with monkeypatch.context() as patch:
        patch.setattr("unroll.text.tokenizers.bpe.SEGMENT_CHARACTERS", 7)
        patch.setattr("unroll.text.tokenizers.bpe.BATCH_CHARACTERS", 20)
        assert TOKENIZERS[name].encode_batch([text, text]) == whole


def test_words_by_frequency_then_spelling() -> None:
    tokenizer = learned(words(), ["b a c a b a", "d"])
    assert [tokenizer.id_to_token(token) for token in range(4, 8)] == ["a", "b", "c", "d"]
    assert tokenizer.encode("a d e") == [4, 7, UNK]
    assert tokenizer.decode([1, 4, UNK, 5, 2, PAD]) == "a <unk> b"


def test_min_count_and_vocabulary_size() -> None:
    texts = ["a a a b b c"]
    assert learned(words(min_count=2), texts).vocabulary_size == 4 + 2
    assert learned(words(vocabulary_size=5), texts).encode("a b c") == [4, UNK, UNK]
    assert learned(chars(min_count=3), texts).encode("a b") == [5, 4, UNK]


def test_punctuation() -> None:
    tokenizer = TOKENIZERS["punctuation"]
    assert tokenizer.split("Don't cook, o'clock zo’n <unk>: 3.14!") == (  # type: ignore[attr-defined]
        ["Don't", "cook", ",", "o'clock", "zo’n", "<", "unk", ">", ":", "3", ".", "14", "!"]
    )


def test_combining_characters_are_part_of_their_word() -> None:
    assert TOKENIZERS["punctuation"].split("हिन्दी में") == ["हिन्दी", "में"]  # type: ignore[attr-defined]


def test_a_sample_is_spread_over_the_text() -> None:
    from unroll.text.tokenizers.bpe import _sample

    texts = Texts([f"{n:04}" for n in range(1000)])
    sample = list(_sample(texts, sum(map(len, texts)), 400))
    assert len(sample) == 100
    assert sample == [f"{n:04}" for n in range(0, 1000, 10)]
    assert list(_sample(texts, sum(map(len, texts)), 4000)) == texts.texts


def test_the_source_side_can_have_its_own_tokenizer(tmp_path: Path) -> None:
    source, target = learned(words(), ["a b"]), learned(words(), ["x y z"])
    target.save(tmp_path / "tokenizer.json", {"source": source})
    assert load_tokenizer(tmp_path / "tokenizer.json").vocabulary_size == 7
    assert load_tokenizer(tmp_path / "tokenizer.json", side="source").encode("a") == [4]
    target.save(tmp_path / "tokenizer.json")
    assert load_tokenizer(tmp_path / "tokenizer.json", side="source").encode("x") == [4]


@pytest.mark.parametrize(
    "content", ["", "{}", "[]", '{"type": "bpe"}', '{"type": "no"}', '{"type": "word", "pretokenizer": 1}']
)
def test_a_damaged_file_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "tokenizer.json").write_text(content)
    with pytest.raises(UnrollError, match=r"tokenizer.json: not a readable tokenizer"):
        load_tokenizer(tmp_path / "tokenizer.json")


def test_the_file_is_json(tmp_path: Path) -> None:
    TOKENIZERS["whitespace"].save(tmp_path / "tokenizer.json")
    assert json.loads((tmp_path / "tokenizer.json").read_text())["vocabulary"][0] == "the"


class _Stop(Exception):
    """What the test's handler of a signal raises."""


def _stop(*_: object) -> None:
    raise _Stop


@pytest.mark.slow
def test_a_line_without_white_space_is_learned_in_bounded_pieces() -> None:
    """The time for a pretoken is quadratic in its length, so that 300,000 characters took minutes (fault E5)."""
    text = "".join(chr(0x4E00 + n * n % 2000) for n in range(100_000))
    assert max(map(len, segmentation._segments(text))) <= 2 * segmentation.SEGMENT_CHARACTERS
    assert "".join(segmentation._segments(text)) == text
    begin = time.process_time()
    tokenizer = learned(bpe(vocabulary_size=600), [text])
    ids = tokenizer.encode(text)
    assert time.process_time() - begin < 10
    assert tokenizer.decode(ids) == text


@pytest.mark.slow
@given(st.lists(st.sampled_from(["a", ".", "一", " ", "é"]), max_size=60))
def test_segments_are_the_text_and_begin_with_a_pretoken_where_they_can(characters: list[str]) -> None:
    text = "".join(characters)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(segmentation, "SEGMENT_CHARACTERS", 5)
        segments = list(segmentation._segments(text))
    assert "".join(segments) == text
    assert all(len(segment) <= 10 for segment in segments)


def test_a_signal_interrupts_the_library_while_it_learns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(segmentation, "_segments", lambda text: iter([text]))  # so that the library needs seconds
    text = "".join(chr(0x4E00 + n * n % 2000) for n in range(40_000))
    before = signal.signal(signal.SIGALRM, _stop)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.2)
        with pytest.raises(_Stop):
            learned(bpe(vocabulary_size=2000), [text])
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert any(thread.name == segmentation.TRAINING_THREAD for thread in threading.enumerate())
