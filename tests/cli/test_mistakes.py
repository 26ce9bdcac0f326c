"""Bad input gives one sentence that names the file, line or parameter; output has no control characters."""

import shutil
from pathlib import Path

import pytest

from tests.trained import Run

ESCAPES = "the \x1b[31mstudents\x07\u202e \x9b2J\n"


@pytest.fixture(autouse=True)
def _files(workspace: Path) -> None:
    (workspace / "lines.txt").write_text("the students\n", encoding="utf-8")
    (workspace / "empty.txt").write_bytes(b"")
    (workspace / "blank.txt").write_bytes(b"\n \n")
    (workspace / "binary.txt").write_bytes(bytes(range(256)) * 20)
    (workspace / "bad.txt").write_bytes(b"good line\nbad \xff line\n")
    (workspace / "long.jsonl").write_text("a" * 1_048_576 + "\n", encoding="utf-8")
    (workspace / "bad.jsonl").write_text('{"text": \n', encoding="utf-8")
    (workspace / "list.jsonl").write_text("[1]\n", encoding="utf-8")
    (workspace / "field.jsonl").write_text('{"txt": "the"}\n', encoding="utf-8")


VERBS = {
    "score": ["trigram"],
    "evaluate": ["hmm"],
    "compare": ["trigram", "lstm"],
    "rescore": ["trigram"],
    "judge": ["lstm"],
    "spell": ["trigram"],
    "spell words": ["trigram", "--words"],
    "spell dev": ["trigram", "lines.txt", "--dev"],
    "classify": ["bayes"],
    "index": ["new"],
    "search": ["searched", "--queries"],
}
"""The arguments between a verb and its file."""


@pytest.fixture
def _searched(unroll: Run, workspace: Path) -> None:
    if not (workspace / "searched").exists():
        assert unroll("index", "searched", "lines.txt").code == 0


@pytest.mark.usefixtures("_searched")
@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize(
    ("file", "sentence"),
    [
        ("absent.txt", "cannot be read"),
        ("empty.txt", "the file is empty"),
        ("blank.txt", "has no "),
        ("binary.txt", "binary data"),
        ("long.jsonl", "line 1: is longer than 1,000,000 characters"),
        ("bad.jsonl", "line 1: is not JSON"),
        ("list.jsonl", "line 1: is JSON, but not an object"),
        ("field.jsonl", "line 1: has no "),
    ],
)
def test_a_bad_file_is_one_sentence(unroll: Run, workspace: Path, verb: str, file: str, sentence: str) -> None:
    result = unroll(verb.split()[0], *VERBS[verb], file)
    assert result.code == 1
    assert result.err.startswith(f"unroll: {file}: {sentence}")
    assert len(result.err.splitlines()) == 1
    assert result.out == ""
    assert not (workspace / "new").exists()


@pytest.mark.parametrize("option", ["--accuracy", "--learn"])
@pytest.mark.parametrize(("file", "sentence"), [("empty.txt", "the file is empty"), ("lines.txt", "line 1: is not")])
def test_bad_pairs_are_one_sentence(unroll: Run, option: str, file: str, sentence: str) -> None:
    result = unroll("spell", "trigram", "lines.txt", option, file)
    assert (result.code, result.out) == (1, "")
    assert result.err.startswith(f"unroll: {file}: {sentence}")


@pytest.mark.parametrize("file", ["lines.txt", "empty.txt", "binary.txt", "list.jsonl"])
def test_an_invalid_lock_is_one_sentence(unroll: Run, workspace: Path, file: str) -> None:
    """As the lock of the folder, and as another one."""
    shutil.copyfile(workspace / file, workspace / "dvc.lock")
    result = unroll("verify")
    assert (result.code, result.out) == (1, "")
    assert result.err == "unroll: dvc.lock: is not a dvc.lock; name one that `dvc repro` wrote\n"
    (workspace / "dvc.lock").write_text("stages: {}\n", encoding="utf-8")
    result = unroll("verify", "--against", file)
    assert (result.code, result.out) == (1, "")
    assert result.err == f"unroll: {file}: is not a dvc.lock; name one that `dvc repro` wrote\n"
    (workspace / "dvc.lock").unlink()


def test_a_folder_instead_of_a_file_is_one_sentence(unroll: Run, workspace: Path) -> None:
    (workspace / "params.yaml").write_text("seed: 1\n", encoding="utf-8")
    result = unroll("apply", "models")
    assert (result.code, result.out) == (1, "")
    assert result.err == "unroll: models: is a folder; name one of its files\n"


@pytest.mark.parametrize(
    ("verb", "option", "value"),
    [
        ("generate", "--temperature", "inf"),
        ("generate", "--repetition-penalty", "nan"),
        ("rescore", "--length-penalty", "nan"),
        ("rescore", "--weight", "inf"),
        ("search", "--mu", "inf"),
        ("translate", "--length-penalty", "inf"),
        ("translate", "--nbest", "1001"),
        ("compare", "--block", "99999999999999999999"),
        ("spell", "--weight", "3e306"),
    ],
)
def test_a_number_out_of_range_is_refused(unroll: Run, verb: str, option: str, value: str) -> None:
    result = unroll(verb, "trigram", option, value)
    assert (result.code, result.out) == (2, "")
    assert option in result.err


@pytest.mark.parametrize("verb", ["score", "evaluate", "rescore", "judge", "spell", "classify"])
def test_without_a_file_standard_input_is_read(unroll: Run, verb: str) -> None:
    result = unroll(verb, *VERBS[verb], text="")
    assert result.code == 1
    assert result.err.startswith("unroll: standard input: has no ")


def test_the_error_of_invalid_bytes_names_their_line(unroll: Run) -> None:
    assert unroll("score", "trigram", "bad.txt").err.startswith("unroll: bad.txt: line 2: byte 14")


@pytest.mark.parametrize(
    ("content", "encoding", "advice"),
    [
        ("L'été, le café était déjà plein – naïveté, façade, œuvre. " * 5, "cp1252", "it looks like cp1252"),
        ("Das Mädchen aß süße Äpfel “früh”. " * 5, "cp1252", "it looks like cp1252"),
        ("Все счастливые семьи похожи друг на друга. " * 5, "koi8-r", "it looks like koi8-r"),
        ("the students\n", "utf-16", "it looks like utf-16"),
        ("the students\n", "utf-32", "it looks like utf-32"),
    ],
)
@pytest.mark.parametrize("verb", ["score", "spell", "index", "classify"])
def test_the_advice_on_an_encoding_can_be_followed(
    unroll: Run, workspace: Path, verb: str, content: str, encoding: str, advice: str
) -> None:
    """A verb has no options `encoding` and `errors`; after the conversion that the message names, it works."""
    (workspace / "other.txt").write_bytes(content.encode(encoding))
    result = unroll(verb, *VERBS[verb], "other.txt")
    assert (result.code, result.out) == (1, "")
    assert f"; {advice}; convert it with `iconv -f {encoding} -t utf-8`\n" in result.err
    assert "set " not in result.err
    assert "errors:" not in result.err


def test_standard_input_is_decoded_strictly(unroll: Run) -> None:
    result = unroll("score", "trigram", "-", text=b"good\nbad \xff line\n")
    assert (result.code, result.err) == (
        1,
        "unroll: standard input: line 2: byte 0xff at column 5 is not UTF-8; convert the file to UTF-8\n",
    )
    assert "has no text" in unroll("score", "trigram", "-", text="\n").err
    assert "line 1: is longer than" in unroll("score", "trigram", "-", text="a" * 1_048_576).err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("score", "trigrm", "lines.txt"), "unroll: models/trigrm: no model here; there are "),
        (("doctor",), "unroll: "),
        (("verify",), "unroll: dvc.lock: not found"),
    ],
)
def test_a_missing_file_is_one_sentence(unroll: Run, arguments: tuple[str, ...], sentence: str) -> None:
    result = unroll(*arguments)
    assert result.code == 1
    assert result.err.startswith(sentence)
    assert len(result.err.splitlines()) == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ("score", "bayes", "lines.txt"),
        ("evaluate", "bayes", "lines.txt"),
        ("generate", "bayes"),
        ("rescore", "bayes", "lines.txt"),
        ("judge", "bayes", "lines.txt"),
        ("spell", "bayes", "lines.txt"),
        ("complete", "bayes", "the"),
        ("compare", "bayes", "trigram", "lines.txt"),
        ("compare", "trigram", "bayes", "lines.txt"),
    ],
)
def test_the_error_of_an_unsupported_verb_lists_the_supported_ones(unroll: Run, arguments: tuple[str, ...]) -> None:
    result = unroll(*arguments)
    assert (result.code, result.err) == (1, f"unroll: models/bayes: does not {arguments[0]}; it supports: classify\n")


@pytest.mark.parametrize(
    "arguments",
    [
        ("score", "trigram", "-", "--tokens"),
        ("generate", "chars", "--prompt", ESCAPES),
        ("score", "chars", "-", "--tokens"),
        ("complete", "trigram", ESCAPES),
        ("spell", "trigram", "-"),
        ("classify", "bayes", "-"),
        ("classify", "bayes", "-", "--all"),
        ("evaluate", "chars", "-", "--json"),
        ("spell", "trigram", "-", "--json"),
        ("classify", "bayes", "-", "--json"),
    ],
)
def test_case_70_control_characters_are_escaped(unroll: Run, arguments: tuple[str, ...]) -> None:
    result = unroll(*arguments, text=ESCAPES)
    assert result.code == 0, result.err
    assert not set("\x1b\x07\u202e\x9b") & set(result.out + result.err)


def test_escapes_are_visible(unroll: Run) -> None:
    assert "\\x1b[31m" in unroll("score", "trigram", "-", text=ESCAPES).out


def test_control_characters_of_errors_are_escaped(unroll: Run) -> None:
    result = unroll("score", "trigram", "no\x1b[31m\nsuch.txt")
    assert result.code == 1
    assert "no\\x1b[31m" in result.err
    assert "\x1b" not in result.err


def test_a_word_of_a_megabyte(unroll: Run, workspace: Path) -> None:
    (workspace / "word.txt").write_text("a" * 999_999 + "\n", encoding="utf-8")
    assert unroll("score", "trigram", "word.txt", "--sum").code == 0
    assert unroll("spell", "trigram", "word.txt").out == "a" * 999_999 + "\n"


@pytest.mark.parametrize("option", ["--partial", "--interactive"])
def test_a_sentence_is_completed_without_options_for_words(unroll: Run, option: str) -> None:
    result = unroll("complete", "trigram", "the", "--sentence", option)
    assert (result.code, result.out) == (1, "")
    assert result.err == "unroll: complete: --sentence goes with neither --partial nor --interactive; leave one out\n"
