"""Prepared corpora: the word that stands for unknown words is the unknown token of every tokenizer."""

import json
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.text.conftest import Workshop, bpe, chars, words
from tests.text.test_tokenizers import learned
from unroll.errors import UnrollError
from unroll.text.tokenize import tokenize
from unroll.text.tokenizers.loading import load_tokenizer
from unroll.text.tokenizers.unknown import UnknownWords
from unroll.text.tokenizers.vocabulary import UNK

TEXTS = ["the <unk> of the <unk> , the end", "an <unk>", "no unknown word"]
PARAMS = {
    "whitespace": words(),
    "punctuation": words(pretokenizer="punctuation"),
    "char": chars(),
    "bytes": bpe(vocabulary_size=300),
    "characters": bpe(vocabulary_size=60, base_alphabet="characters"),
}
TOKENIZERS = {name: learned(params, TEXTS, "<unk>") for name, params in PARAMS.items()}
every = pytest.mark.parametrize("name", PARAMS)


@every
def test_the_word_is_one_unknown_token(name: str) -> None:
    tokenizer = TOKENIZERS[name]
    for text in TEXTS:
        ids = tokenizer.encode(text)
        assert ids.count(UNK) == text.count("<unk>")
        assert tokenizer.unknown_tokens(text) == ["<unk>"] * text.count("<unk>")
        assert tokenizer.decode(ids) == text
    assert tokenizer.encode("<unk>") == [UNK]
    assert tokenizer.encode("<unk> <unk>").count(UNK) == 2
    assert tokenizer.encode_batch([*TEXTS, "", "<unk>"]) == [tokenizer.encode(text) for text in [*TEXTS, "", "<unk>"]]
    spellings = [tokenizer.id_to_token(token) for token in range(UNK + 1, tokenizer.vocabulary_size)]
    if name != "bytes":
        assert not [spelling for spelling in spellings if "<" in spelling or ">" in spelling]


@every
def test_loading_restores_the_word_and_the_counts(name: str, tmp_path: Path) -> None:
    TOKENIZERS[name].save(tmp_path / "tokenizer.json")
    other = load_tokenizer(tmp_path / "tokenizer.json")
    assert other.unknown == TOKENIZERS[name].unknown == UnknownWords("<unk>", replaced=3, others=0)
    assert other.encode_batch(TEXTS) == TOKENIZERS[name].encode_batch(TEXTS)
    assert [other.spacing_bits(text) for text in TEXTS] == [TOKENIZERS[name].spacing_bits(text) for text in TEXTS]


@every
@given(text=st.lists(st.sampled_from(["<unk>", "the", " ", "<", ">", "x", "é"])).map("".join))
def test_it_is_the_word_only_between_white_space(name: str, text: str) -> None:
    tokenizer = TOKENIZERS[name]
    unknown = tokenizer.unknown_tokens(text)
    assert len(unknown) == tokenizer.encode(text).count(UNK)
    assert unknown.count("<unk>") >= text.split().count("<unk>")
    if "<unk>" not in text.split() and name == "bytes":
        assert not unknown


def test_the_word_costs_little_and_other_unknown_words_are_spelled() -> None:
    code = UnknownWords("<unk>", replaced=97, others=2)
    assert code.bits(["<unk>"]) == pytest.approx(-math.log2(97.5 / 100))
    assert code.bits(["zebra"]) == pytest.approx(8 * 6 - math.log2(2.5 / 100))
    assert code.bits(["zebra", "<unk>"]) == pytest.approx(code.bits(["zebra"]) + code.bits(["<unk>"]))
    assert UnknownWords().bits(["<unk>"]) == 8 * 6
    assert 2 ** -code.bits(["<unk>"]) + 2 ** (8 * 6 - code.bits(["zebra"])) == pytest.approx(1)


@every
def test_the_stages_carry_the_word_from_the_manifest_to_the_tokenizer(workshop: Workshop, name: str) -> None:
    workshop.add("the <unk> sat on the <unk>\n" * 20, unknown_word="<unk>").clean()
    counts = tokenize(PARAMS[name], workshop.out, workshop.folder)
    test = counts["test"]["text"]
    assert test["oov"] == 2 * test["documents"]
    assert test["spelling_bits"] < 1
    assert not [warning for warning in counts["warnings"] if "<unk>" in warning]
    assert json.loads((workshop.folder / "corpus.json").read_text())["unknown_word"] == "<unk>"
    assert load_tokenizer(workshop.folder / "tokenizer.json").encode("on <unk>").count(UNK) == 1


def test_a_text_with_the_word_and_without_the_setting_causes_a_warning(workshop: Workshop) -> None:
    workshop.add("the <unk> sat on the <unk>\n" * 20).clean()
    [warning] = tokenize(words(pretokenizer="punctuation"), workshop.out, workshop.folder)["warnings"]
    assert "the word <unk> occurs 40 times" in warning
    assert "set unknown_word: <unk> in corpora.tiny" in warning


@pytest.mark.parametrize(
    ("word", "settings"),
    [("<unk>", {"cleaning": "letters"}), ("<unk>", {"markup": "html"}), ("<UNK>", {"lowercase": True})],
)
def test_cleaning_that_changes_the_word_is_refused(workshop: Workshop, word: str, settings: dict[str, str]) -> None:
    workshop.add(f"the {word} sat\n" * 20, unknown_word=word)
    with pytest.raises(UnrollError, match=r"corpora.tiny: '<.*>' stands for unknown words .* cleaning changes it to"):
        workshop.clean(**settings)
