"""Hostile corpora: each is refused with one sentence that names the file or parameter and the fix, or has the outcome
that is stated here.
"""

import codecs
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.text.conftest import Workshop, bpe, chars, words
from unroll.errors import UnrollError
from unroll.text.partition import partition
from unroll.text.streams import load
from unroll.text.tokenize import tokenize
from unroll.text.tokenizers.base import Tokenizer
from unroll.text.tokenizers.loading import load_tokenizer
from unroll.text.tokenizers.vocabulary import SPECIAL

LINES = [f"line number {n} of a small text" for n in range(20)]
TEXT = "\n".join(LINES) + "\n"


def refused(workshop: Workshop, *parts: str, **values: object) -> str:
    """Check that cleaning fails with one sentence that contains all `parts`, and that it leaves no draft behind."""
    with pytest.raises(UnrollError) as caught:
        workshop.clean(**values)
    message = str(caught.value)
    assert "\n" not in message
    for part in parts:
        assert part in message
    assert [path.name for path in workshop.folder.glob("*.draft")] == []
    return message


def test_an_empty_file_is_refused(workshop: Workshop) -> None:
    refused(workshop.add(b""), "a.txt", "empty", "provide a text")


def test_white_space_only_is_refused(workshop: Workshop) -> None:
    refused(workshop.add(" \n\t\n   \n"), "corpora.tiny", "nothing is left", "empty", "provide a text")


@pytest.mark.parametrize("empty", ["keep", "drop"])
def test_blank_lines_only_are_refused_even_if_they_are_kept(workshop: Workshop, empty: str) -> None:
    refused(workshop.add("\n" * 30), "corpora.tiny", "nothing is left", empty=empty)


def test_one_line_is_refused_since_splits_are_empty(workshop: Workshop) -> None:
    refused(workshop.add("one line"), "corpora.tiny", "the valid and the test split are empty", "only 1 document")


def test_the_last_line_needs_no_newline(workshop: Workshop) -> None:
    assert workshop.add(TEXT.removesuffix("\n")).texts() == LINES


def test_binary_data_is_refused(workshop: Workshop) -> None:
    data = b"plain start " + bytes(range(256)) * 40
    refused(workshop.add(data), "a.txt", "binary", "offset 12")


def test_invalid_utf8_is_located(workshop: Workshop) -> None:
    data = ("één " * 100 + "\ntwee\n").encode() * 5_000
    refused(workshop.add(data + b"drie \xff vier\n"), "a.txt: line 10001:", f"byte {len(data) + 5} (0xff)", "UTF-8")


def test_replaced_bytes_are_counted(workshop: Workshop) -> None:
    workshop.add(TEXT.encode() + b"a \xff b \xfe\n")
    assert workshop.texts(errors="replace")[-1] == "a � b �"
    assert workshop.counts["changed"]["replaced_bytes"] == 2


def test_the_error_suggests_another_encoding(workshop: Workshop) -> None:
    text = "Le garçon a mangé une crème brûlée à l'hôtel, où il était déjà allé l'été passé.\n" * 20
    refused(workshop.add(text.encode("cp1252")), "a.txt: line 1:", "looks like cp1252", "encoding")
    assert workshop.texts(encoding="cp1252")[0] == text.split("\n")[0]


@pytest.mark.parametrize("name", ["utf-16", "utf-16-le", "utf-16-be"])
def test_utf16_is_detected(workshop: Workshop, name: str) -> None:
    refused(workshop.add(TEXT.encode(name)), "a.txt", "looks like UTF-16", "encoding: utf-16")


def test_utf16_is_read(workshop: Workshop) -> None:
    assert workshop.add(TEXT.encode("utf-16")).texts(encoding="utf-16") == LINES


def test_nul_characters_are_dropped_and_counted(workshop: Workshop) -> None:
    assert workshop.add(TEXT.replace("number 3", "num\0ber\0 3")).texts() == LINES
    assert workshop.counts["changed"] == {"control_characters": 2}


MEASURED = r"""
import re, sys
from pathlib import Path
from tests.text.conftest import bpe, corpus, words
from unroll.text.partition import partition
from unroll.text.clean import clean
from unroll.text.tokenize import tokenize
folder = Path(sys.argv[1])
table, ids, streams = folder / "tiny.parquet", folder / "ids", folder / "streams"
ids.mkdir(exist_ok=True), streams.mkdir(exist_ok=True)
def peak():  # ru_maxrss would include the memory of the parent process
    return 1024 * int(re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[1])
{}
print(peak())
"""
STAGES = {
    "clean": "clean(corpus(max_characters=100_000), folder / 'tiny', table)",
    "tokenize": "tokenize({}, table, ids)",
    "partition": "partition({}, 'tiny', 1, ids, streams)",
}


def memory(workshop: Workshop, stage: str, params: str) -> int:
    """Measure the peak memory of a stage in bytes, in its own process."""
    program = MEASURED.format(STAGES[stage].format(params))
    root = Path(__file__).parents[2]
    if not Path("/proc/self/status").exists():
        pytest.skip("this system has no /proc, by which memory is measured")
    run = subprocess.run([sys.executable, "-c", program, workshop.folder], capture_output=True, text=True, cwd=root)
    assert run.returncode == 0, run.stderr
    return int(run.stdout)


@pytest.mark.slow
@pytest.mark.parametrize("params", ["words(min_count=2)", "bpe(max_training_characters=1_000_000)"])
def test_a_line_of_50_mb_needs_bounded_memory(workshop: Workshop, params: str) -> None:
    generator = np.random.default_rng(0)
    lengths = generator.integers(2, 12, 50_000)
    letters = generator.choice(np.frombuffer(b"etaoinshrdlu", np.uint8), lengths.sum()).tobytes()
    vocabulary = [letters[end - length : end] for end, length in zip(np.cumsum(lengths), lengths, strict=True)]
    ranks = np.minimum(generator.zipf(1.2, 8_000_000), len(vocabulary)) - 1
    workshop.add(b" ".join(vocabulary[rank] for rank in ranks)[:50_000_000], documents="file")
    for stage in STAGES:
        assert memory(workshop, stage, params) < 5 * 50_000_000, stage


@pytest.mark.slow
def test_a_line_of_50_mb_without_white_space_needs_bounded_memory(workshop: Workshop) -> None:
    workshop.add(np.random.default_rng(0).integers(97, 123, 50_000_000, np.uint8).tobytes(), documents="file")
    for stage in STAGES:
        assert memory(workshop, stage, "words(min_count=2)") < 5 * 50_000_000, stage


@pytest.mark.parametrize("end", ["\r\n", "\r"])
def test_crlf_and_cr_end_lines(workshop: Workshop, end: str) -> None:
    assert workshop.add(TEXT.replace("\n", end)).texts(cleaning="layout") == LINES


def test_crlf_ends_lines_inside_json(workshop: Workshop) -> None:
    line = json.dumps({"document": "d", "text": "a b\r\nc d\r\n"}) + "\n"
    workshop.add(line * 10, "d.jsonl", format="documents", documents=None)
    assert set(workshop.texts(documents="line", cleaning="layout")) == {"a b", "c d"}


def test_a_byte_order_mark_is_not_text(workshop: Workshop) -> None:
    assert workshop.add(codecs.BOM_UTF8 + TEXT.encode()).texts(cleaning="layout") == LINES


@pytest.mark.parametrize("sign", ["\u2028", "\u2029", "\x85", "\x0b", "\x0c", "\x1c", "\x1d", "\x1e"])
def test_other_separators_do_not_end_lines(workshop: Workshop, sign: str) -> None:
    lines = [f"a{n} {sign} b" for n in range(10)]
    assert len(workshop.add("\n".join(lines)).texts()) == 10
    assert len(workshop.texts(cleaning="layout")) == 10


def test_other_separators_do_not_end_lines_inside_json(workshop: Workshop) -> None:
    line = json.dumps({"document": "d", "text": "a\u2028b\x85c\x0bd\ne"}) + "\n"
    workshop.add(line * 10, "d.jsonl", format="documents", documents=None)
    assert workshop.texts(documents="line")[:2] == ["a b c d", "e"]


def test_a_truncated_character_at_the_end_is_located(workshop: Workshop) -> None:
    data = TEXT.encode() + "é".encode()[:1]
    refused(workshop.add(data), "a.txt: line 21:", f"byte {len(data) - 1} (0xc3)", "unexpected end")


def test_a_lone_surrogate_is_located(workshop: Workshop) -> None:
    data = TEXT.encode() + "\ud800".encode("utf-8", "surrogatepass")
    refused(workshop.add(data), "a.txt: line 21:", f"byte {len(TEXT)}")


def test_a_lone_surrogate_in_json_is_located(workshop: Workshop) -> None:
    workshop.add('{"document": "d", "text": "\\ud800"}\n', "d.jsonl", format="documents")
    refused(workshop, "d.jsonl: line 1:", "Unicode")


def test_text_is_normalized_to_nfc(workshop: Workshop) -> None:
    assert workshop.add(TEXT + "cafe\u0301").texts()[-1] == "caf\u00e9"


def test_unknown_words_in_the_test_split_are_counted_and_cause_a_warning(workshop: Workshop, caplog) -> None:
    workshop.add("a b c d\n" * 10).add("b c d e\n", "v.txt", split="valid").add("x yy zzz\n", "t.txt", split="test")
    workshop.files[0]["split"] = "train"
    (workshop.raw / "raw.json").write_text(json.dumps(workshop.files))
    workshop.clean(splits={"by": "source", "valid": 0.1, "test": 0.1})
    counts = tokenize(words(), workshop.out, workshop.folder)
    test = counts["test"]["text"]
    assert (test["tokens"], test["oov"], test["spelling_bits"], test["coverage"]) == (3, 3, 8.0 * (6 + 3), 0.0)
    assert "100 % of the test split" in counts["warnings"][0]
    assert "100 % of the test split" in caplog.text


@pytest.mark.parametrize("params", [words(vocabulary_size=500), bpe(vocabulary_size=5000)])
def test_an_unreachable_vocabulary_size_causes_a_warning(workshop: Workshop, caplog, params) -> None:
    workshop.add(TEXT).clean()
    counts = tokenize(params, workshop.out, workshop.folder)
    size = counts["vocabulary_size"]
    assert size < params.vocabulary_size
    assert f"a vocabulary_size of {size} only, not the requested {params.vocabulary_size}" in caplog.text


@pytest.mark.parametrize(("alphabet", "needed"), [("bytes", 260), ("characters", 4 + len(set("".join(LINES[:13]))))])
def test_a_vocabulary_smaller_than_the_base_alphabet_is_refused(workshop: Workshop, alphabet: str, needed: int) -> None:
    workshop.add(TEXT).clean()
    with pytest.raises(UnrollError, match=f"set it to {needed} or more"):
        tokenize(bpe(base_alphabet=alphabet, vocabulary_size=needed - 1), workshop.out, workshop.folder)
    assert (
        tokenize(bpe(base_alphabet=alphabet, vocabulary_size=needed), workshop.out, workshop.folder)["vocabulary_size"]
        == needed
    )


def test_a_train_split_shorter_than_two_subsequences_is_refused(workshop: Workshop) -> None:
    workshop.add(TEXT).clean()
    tokenize(words(), workshop.out, workshop.folder)
    tokens = 13 * 9  # 13 train lines of 7 words with <bos> and <eos>
    message = f"tokenizers.tiny: .* {tokens} tokens.*sequence_length to {tokens // 2} or less"
    with pytest.raises(UnrollError, match=message):
        partition(words(sequence_length=tokens // 2 + 1), "tiny", 1, workshop.folder, workshop.folder)
    partition(words(sequence_length=tokens // 2), "tiny", 1, workshop.folder, workshop.folder)
    assert load(workshop.folder).train.predicted == tokens - 13


def test_duplicates_across_splits_are_counted_and_can_be_dropped(workshop: Workshop) -> None:
    lines = [*LINES[:12], LINES[18], LINES[13], LINES[14], LINES[15], LINES[3], LINES[18], LINES[4], LINES[19]]
    workshop.add("\n".join(lines))
    assert len(workshop.texts()) == 20
    assert workshop.counts["duplicates"] == {"exact_in_train": 3, "exact_in_valid": 0}
    rows = workshop.clean(duplicates={"kind": "exact", "drop": True})
    train, rest = ({row["text"] for row in rows if (row["split"] == "train") == wanted} for wanted in (True, False))
    assert train.isdisjoint(rest)
    assert rest == set(lines[12:])
    assert workshop.counts["dropped"] == {"exact_duplicate": 3}


@pytest.mark.slow
def test_many_lines_need_bounded_memory(workshop: Workshop) -> None:
    workshop.add("")
    few, many = 200_000, 600_000
    peaks: dict[int, list[int]] = {}
    for lines in (few, many):
        (workshop.raw / "a.txt").write_text("".join(f"{n % 977} word {n % 31}\n" for n in range(lines)))
        peaks[lines] = [memory(workshop, stage, "words()") for stage in STAGES]
    for stage, at_few, at_many in zip(STAGES, peaks[few], peaks[many], strict=True):
        assert (at_many - at_few) / (many - few) < 70, stage  # bytes per line: 10^7 lines need less than 1 GB


@pytest.mark.parametrize("params", [words(), chars(), bpe(), bpe(base_alphabet="characters")])
def test_special_tokens_in_the_text_are_ordinary_tokens(workshop: Workshop, params) -> None:
    text = "say <unk> <eos> <bos> <pad> now"
    workshop.add(f"{text}\n" * 10).clean()
    tokenize(params, workshop.out, workshop.folder)
    tokenizer = load_tokenizer(workshop.folder / "tokenizer.json")
    ids = tokenizer.encode(text)
    assert min(ids) >= len(SPECIAL)
    assert tokenizer.decode(ids) == text
    unseen = tokenizer.encode("<mask>") if params.type == "word" else tokenizer.encode("<eos>")
    assert min(unseen) >= 3


@given(st.text(), st.sampled_from(["<eos>", "<unk>", "<pad>", "<bos>", ""]))
def test_no_text_is_encoded_as_a_special_token(text: str, token: str) -> None:
    ids = EVERY[0].encode(text + token + text)
    assert min(ids, default=4) >= 4
    for tokenizer in EVERY[1:]:
        assert min(tokenizer.encode(text + token + text), default=3) >= 3


def _learned(params) -> Tokenizer:
    from tests.text.test_tokenizers import learned

    return learned(params, ["to be or not to be", "that is <unk> the <eos> question"])


EVERY = [_learned(params) for params in (bpe(), words(), chars(), bpe(base_alphabet="characters"))]


def test_json_that_is_nested_too_deeply_is_refused(workshop: Workshop) -> None:
    """A random input of `test_fuzz.py`."""
    workshop.add("[" * 100_000 + "\n", "a.jsonl", format="documents", documents=None)
    refused(workshop, "a.jsonl: line 1: not", "correct it")
