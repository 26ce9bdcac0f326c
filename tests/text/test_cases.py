"""The hostile corpora of the project's list of cases to survive, by their numbers: each is either refused in one
sentence that names the file or parameter and the fix, or has the outcome stated here."""

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
from unroll.text.streams import load, stream_of
from unroll.text.tokenize import tokenize
from unroll.text.tokenizers.base import Tokenizer
from unroll.text.tokenizers.loading import load_tokenizer
from unroll.text.tokenizers.vocabulary import SPECIAL
from unroll.training.batching import contiguous_batches

LINES = [f"line number {n} of a small text" for n in range(20)]
TEXT = "\n".join(LINES) + "\n"


def refused(workshop: Workshop, *parts: str, **values: object) -> str:
    """The message, which is one sentence with all `parts`; nothing is left behind."""
    with pytest.raises(UnrollError) as caught:
        workshop.clean(**values)
    message = str(caught.value)
    assert "\n" not in message
    for part in parts:
        assert part in message
    assert [path.name for path in workshop.folder.glob("*.draft")] == []
    return message


def test_case_55_empty_file(workshop: Workshop) -> None:
    refused(workshop.add(b""), "a.txt", "empty", "provide a text")


def test_case_56_white_space_only(workshop: Workshop) -> None:
    refused(workshop.add(" \n\t\n   \n"), "corpora.tiny", "nothing is left", "empty", "provide a text")


@pytest.mark.parametrize("empty", ["keep", "drop"])
def test_case_56_white_space_only_whatever_is_done_with_empty_lines(workshop: Workshop, empty: str) -> None:
    refused(workshop.add("\n" * 30), "corpora.tiny", "nothing is left", empty=empty)


def test_case_57_one_line(workshop: Workshop) -> None:
    refused(workshop.add("one line"), "corpora.tiny", "the valid and the test split are empty", "only 1 document")


def test_case_58_no_final_newline(workshop: Workshop) -> None:
    assert workshop.add(TEXT.removesuffix("\n")).texts() == LINES


def test_case_59_binary(workshop: Workshop) -> None:
    data = b"plain start " + bytes(range(256)) * 40
    refused(workshop.add(data), "a.txt", "binary", "offset 12")


def test_case_60_bad_utf8(workshop: Workshop) -> None:
    data = ("één " * 100 + "\ntwee\n").encode() * 5_000
    refused(workshop.add(data + b"drie \xff vier\n"), "a.txt: line 10001:", f"byte {len(data) + 5} (0xff)", "UTF-8")


def test_case_60_bad_utf8_replaced_and_counted(workshop: Workshop) -> None:
    workshop.add(TEXT.encode() + b"a \xff b \xfe\n")
    assert workshop.texts(errors="replace")[-1] == "a � b �"
    assert workshop.counts["changed"]["replaced_bytes"] == 2


def test_case_60_another_encoding_is_named_not_guessed(workshop: Workshop) -> None:
    text = "Le garçon a mangé une crème brûlée à l'hôtel, où il était déjà allé l'été passé.\n" * 20
    refused(workshop.add(text.encode("cp1252")), "a.txt: line 1:", "looks like cp125", "encoding")
    assert workshop.texts(encoding="cp1252")[0] == text.split("\n")[0]


@pytest.mark.parametrize("name", ["utf-16", "utf-16-le", "utf-16-be"])
def test_case_61_utf16(workshop: Workshop, name: str) -> None:
    refused(workshop.add(TEXT.encode(name)), "a.txt", "looks like UTF-16", "encoding: utf-16")


def test_case_61_utf16_said_to_be_so(workshop: Workshop) -> None:
    assert workshop.add(TEXT.encode("utf-16")).texts(encoding="utf-16") == LINES


def test_case_62_nul_dropped_and_counted(workshop: Workshop) -> None:
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
def peak():  # not ru_maxrss, which counts the parent's memory too
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
    """Bytes at the peak of a stage in a process of its own, as the pipeline runs it."""
    program = MEASURED.format(STAGES[stage].format(params))
    root = Path(__file__).parents[2]
    if not Path("/proc/self/status").exists():
        pytest.skip("memory is measured by /proc")
    run = subprocess.run([sys.executable, "-c", program, workshop.folder], capture_output=True, text=True, cwd=root)
    assert run.returncode == 0, run.stderr
    return int(run.stdout)


@pytest.mark.slow
@pytest.mark.parametrize("params", ["words(min_count=2)", "bpe(max_training_characters=1_000_000)"])
def test_case_63_a_line_of_50_mb_in_bounded_memory(workshop: Workshop, params: str) -> None:
    generator = np.random.default_rng(0)
    lengths = generator.integers(2, 12, 50_000)
    letters = generator.choice(np.frombuffer(b"etaoinshrdlu", np.uint8), lengths.sum()).tobytes()
    vocabulary = [letters[end - length : end] for end, length in zip(np.cumsum(lengths), lengths, strict=True)]
    ranks = np.minimum(generator.zipf(1.2, 8_000_000), len(vocabulary)) - 1
    workshop.add(b" ".join(vocabulary[rank] for rank in ranks)[:50_000_000], documents="file")
    for stage in STAGES:
        assert memory(workshop, stage, params) < 5 * 50_000_000, stage


@pytest.mark.slow
def test_case_63_a_line_of_50_mb_without_white_space(workshop: Workshop) -> None:
    workshop.add(np.random.default_rng(0).integers(97, 123, 50_000_000, np.uint8).tobytes(), documents="file")
    for stage in STAGES:
        assert memory(workshop, stage, "words(min_count=2)") < 5 * 50_000_000, stage


@pytest.mark.parametrize("end", ["\r\n", "\r"])
def test_case_64_crlf_is_lf(workshop: Workshop, end: str) -> None:
    assert workshop.add(TEXT.replace("\n", end)).texts(cleaning="layout") == LINES


def test_case_64_crlf_inside_json(workshop: Workshop) -> None:
    line = json.dumps({"document": "d", "text": "a b\r\nc d\r\n"}) + "\n"
    workshop.add(line * 10, "d.jsonl", format="documents", documents=None)
    assert set(workshop.texts(documents="line", cleaning="layout")) == {"a b", "c d"}


def test_case_65_byte_order_mark(workshop: Workshop) -> None:
    assert workshop.add(codecs.BOM_UTF8 + TEXT.encode()).texts(cleaning="layout") == LINES


@pytest.mark.parametrize("sign", ["\u2028", "\u2029", "\x85", "\x0b", "\x0c", "\x1c", "\x1d", "\x1e"])
def test_case_66_what_is_no_newline_splits_no_line(workshop: Workshop, sign: str) -> None:
    lines = [f"a{n} {sign} b" for n in range(10)]
    assert len(workshop.add("\n".join(lines)).texts()) == 10
    assert len(workshop.texts(cleaning="layout")) == 10


def test_case_66_nor_inside_json(workshop: Workshop) -> None:
    line = json.dumps({"document": "d", "text": "a\u2028b\x85c\x0bd\ne"}) + "\n"
    workshop.add(line * 10, "d.jsonl", format="documents", documents=None)
    assert workshop.texts(documents="line")[:2] == ["a b c d", "e"]


def test_case_67_cut_multibyte_at_the_end(workshop: Workshop) -> None:
    data = TEXT.encode() + "é".encode()[:1]
    refused(workshop.add(data), "a.txt: line 21:", f"byte {len(data) - 1} (0xc3)", "unexpected end")


def test_case_68_lone_surrogate(workshop: Workshop) -> None:
    data = TEXT.encode() + "\ud800".encode("utf-8", "surrogatepass")
    refused(workshop.add(data), "a.txt: line 21:", f"byte {len(TEXT)}")


def test_case_68_lone_surrogate_in_json(workshop: Workshop) -> None:
    workshop.add('{"document": "d", "text": "\\ud800"}\n', "d.jsonl", format="documents")
    refused(workshop, "d.jsonl: line 1:", "Unicode")


def test_case_69_nfd_is_nfc(workshop: Workshop) -> None:
    assert workshop.add(TEXT + "cafe\u0301").texts()[-1] == "caf\u00e9"


def test_case_72_test_split_of_unknown_words_is_counted_and_warned_of(workshop: Workshop, caplog) -> None:
    workshop.add("a b c d\n" * 10).add("b c d e\n", "v.txt", split="valid").add("x yy zzz\n", "t.txt", split="test")
    workshop.files[0]["split"] = "train"
    (workshop.raw / "raw.json").write_text(json.dumps(workshop.files))
    workshop.clean(splits={"by": "source", "valid": 0.1, "test": 0.1})
    counts = tokenize(words(), workshop.out, workshop.folder)
    test = counts["test"]["text"]
    assert (test["tokens"], test["oov"], test["oov_bytes"], test["coverage"]) == (3, 3, 6, 0.0)
    assert "100 % of the test split" in counts["warnings"][0]
    assert "100 % of the test split" in caplog.text


@pytest.mark.parametrize("params", [words(vocabulary_size=500), bpe(vocabulary_size=5000)])
def test_case_73_vocabulary_that_cannot_be_reached(workshop: Workshop, caplog, params) -> None:
    workshop.add(TEXT).clean()
    counts = tokenize(params, workshop.out, workshop.folder)
    size = counts["vocabulary_size"]
    assert size < params.vocabulary_size
    assert f"a vocabulary_size of {size} only, not the requested {params.vocabulary_size}" in caplog.text


@pytest.mark.parametrize(("alphabet", "needed"), [("bytes", 260), ("characters", 4 + len(set("".join(LINES[:13]))))])
def test_case_74_vocabulary_smaller_than_the_alphabet(workshop: Workshop, alphabet: str, needed: int) -> None:
    workshop.add(TEXT).clean()
    with pytest.raises(UnrollError, match=f"set it to {needed} or more"):
        tokenize(bpe(base_alphabet=alphabet, vocabulary_size=needed - 1), workshop.out, workshop.folder)
    assert (
        tokenize(bpe(base_alphabet=alphabet, vocabulary_size=needed), workshop.out, workshop.folder)["vocabulary_size"]
        == needed
    )


def test_case_75_train_split_shorter_than_a_subsequence(workshop: Workshop) -> None:
    workshop.add(TEXT).clean()
    tokenize(words(), workshop.out, workshop.folder)
    tokens = 13 * 9  # 13 train lines of 7 words with <bos> and <eos>
    message = f"tokenizers.tiny: .* {tokens} tokens.*sequence_length to {tokens // 2} or less"
    with pytest.raises(UnrollError, match=message):
        partition(words(sequence_length=tokens // 2 + 1), "tiny", 1, workshop.folder, workshop.folder)
    partition(words(sequence_length=tokens // 2), "tiny", 1, workshop.folder, workshop.folder)
    assert load(workshop.folder).train.predicted == tokens - 13


def test_case_76_corpus_smaller_than_a_batch() -> None:
    stream = stream_of([np.arange(4, 14)], 20)
    with pytest.raises(UnrollError, match="12 tokens are too few for 32 rows; set batch_size below"):
        list(contiguous_batches(stream, 4, 32, 1, 0))


def test_case_77_duplicates_across_splits_are_counted_and_removable(workshop: Workshop) -> None:
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
def test_case_78_many_lines_in_bounded_memory(workshop: Workshop) -> None:
    workshop.add("")
    few, many = 200_000, 600_000
    peaks: dict[int, list[int]] = {}
    for lines in (few, many):
        (workshop.raw / "a.txt").write_text("".join(f"{n % 977} word {n % 31}\n" for n in range(lines)))
        peaks[lines] = [memory(workshop, stage, "words()") for stage in STAGES]
    for stage, at_few, at_many in zip(STAGES, peaks[few], peaks[many], strict=True):
        assert (at_many - at_few) / (many - few) < 70, stage  # bytes a line: 10^7 of them stay within 1 GB


@pytest.mark.parametrize("params", [words(), chars(), bpe(), bpe(base_alphabet="characters")])
def test_case_79_special_tokens_in_the_text_forge_no_ids(workshop: Workshop, params) -> None:
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
def test_case_79_nothing_in_any_text_is_a_special_token(text: str, token: str) -> None:
    ids = EVERY[0].encode(text + token + text)
    assert min(ids, default=4) >= 4
    for tokenizer in EVERY[1:]:
        assert min(tokenizer.encode(text + token + text), default=3) >= 3


def _learned(params) -> Tokenizer:
    from tests.text.test_tokenizers import learned

    return learned(params, ["to be or not to be", "that is <unk> the <eos> question"])


EVERY = [_learned(params) for params in (bpe(), words(), chars(), bpe(base_alphabet="characters"))]
