"""Any input of any verb gives a result for each line, or one sentence: no traceback, no lost line, no hang.

`UNROLL_FUZZ_INPUTS` sets the number of inputs in proportion: with 200, the default, they are the same ones each time,
and take about a minute; with any other number they are drawn at random. At the end their number is printed.
"""

import json
import math
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.cli.command import Commands, Output
from tests.cli.taggers import save_tagger
from tests.cli.test_vectors import save_vectors
from tests.cli.translators import save_translators
from tests.use.cloze.test_filling import save_both
from unroll.printing import escape_control

pytestmark = pytest.mark.slow
DEFAULT = 200
FACTOR = int(os.environ.get("UNROLL_FUZZ_INPUTS", str(DEFAULT))) / DEFAULT


def fuzzed(examples: int) -> Any:
    """Settings of a test."""
    return settings(
        max_examples=max(1, round(examples * FACTOR)),
        deadline=None,  # `Commands` limits the CPU time
        derandomize=FACTOR == 1,
        database=None,
        suppress_health_check=list(HealthCheck),
    )


@pytest.fixture(scope="module")
def commands(workspace: Path) -> Iterator[Commands]:
    """The commands of all tests of this file."""
    folder = workspace / "fuzzed"
    folder.mkdir()
    (folder / "models").symlink_to(workspace / "models")
    save_translators(workspace)
    save_tagger(workspace)
    save_vectors(workspace)
    save_both(workspace)
    runner = Commands(folder)
    (folder / "collection.txt").write_text("open a file\nclose the file\nthe time traveller\n", encoding="utf-8")
    (folder / "list.jsonl").write_text('{"candidates": [{"text": "the", "score": 0}]}\n', encoding="utf-8")
    assert runner.run("index", "indexed", "collection.txt").code == 0
    yield runner
    print(f"{runner.count} inputs of verbs")


# Line ends are added; a carriage return inside a line would end it in a file.
CHARACTERS = st.characters(codec="utf-8", exclude_characters="\n\r")
ODD = [
    "",
    " ",
    "\t",
    "\x00",
    "\x1b[2J",
    "\u202e",
    "\u2028",
    "\x85",
    "\x0b\x0c\x1c",
    "\u200b",
    "\ufeff",
    "می\u200cخواهم",
    "👩\u200d👩\u200d👧",
    "हिन्दी",
    "\u0301",
    "<unk>",
    "<eos> <bos> <pad>",
    "<0xE2>",
    "http://teh.boks/teh?x=1",
    "teh@boks.org",
    "1e999 -0 ٣ ²",
    "İ ß ǅ",
    "a" * 3000,
    "日本" * 700,
    "teh " * 500,
    "!" * 1000,
]
WORDS = ["the", "students", "opened", "their", "books", "teh", "bokos", "time", ".", ",", "'s", "/"]
SENTENCES = st.lists(st.sampled_from(WORDS), max_size=8).map(" ".join)
LINES = st.one_of(SENTENCES, st.sampled_from(ODD), st.text(CHARACTERS, max_size=30))
TEXTS = st.lists(LINES, min_size=1, max_size=6)
ENDS = st.sampled_from(["\n", "\r\n"])
NUMBERS = [
    *(
        "nan",
        "inf",
        "-inf",
        "-0",
        "0",
        "1",
        "-1",
        "1e-400",
        "1e309",
        "0x10",
        "1_000",
        "٣",
        "３",
        "²",
        " 1",
        "",
        "1.",
        "1,5",
    ),
    *("99999999999999999999", "2", "0.5", "True", "\u200b1", "-", "--", "１e2"),
]
ARGUMENTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20) | LINES.filter(
    lambda line: "\0" not in line and len(line) < 2000
)


def write(commands: Commands, name: str, text: str | bytes) -> str:
    """Write a file of the folder, and return its name."""
    (commands.folder / name).write_bytes(text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass"))
    return name


def run_lines(commands: Commands, arguments: tuple[str, ...], lines: list[str], end: str, as_file: bool) -> Output:
    """Run a verb on lines, in a file or as standard input."""
    text = "".join(line + end for line in lines).encode()
    if as_file:
        return commands.run(*arguments, write(commands, "lines.txt", text))
    return commands.run(*arguments, "-", text=text)


def first_line(lines: list[str]) -> list[str]:
    """The lines as they are read: a byte order mark at the start of an input is none of its text."""
    return [lines[0].removeprefix("\ufeff"), *lines[1:]]


@pytest.mark.parametrize(
    "arguments",
    [
        ("score", "trigram"),
        ("score", "chars"),
        ("score", "lstm"),
        ("classify", "bayes"),
        ("spell", "trigram"),
        ("correct", "trigram"),
        ("translate", "translator", "--beam", "2"),
        ("tag", "tagger"),
        ("tag", "tagger", "--split"),
    ],
    ids="-".join,
)
@fuzzed(40)
@given(lines=TEXTS, end=ENDS, as_file=st.booleans(), as_json=st.booleans())
def test_each_line_has_its_result(
    commands: Commands, arguments: tuple[str, ...], lines: list[str], end: str, as_file: bool, as_json: bool
) -> None:
    options = ("--json",) * as_json
    result = run_lines(commands, (*arguments, *options), lines, end, as_file)
    texts = first_line(lines)
    if not any(text.strip() for text in texts):
        assert result.code == 1 or arguments[0] == "translate"
        return
    if result.code == 1 and as_file:
        assert "binary data" in result.err or "looks like UTF-16" in result.err
        return
    assert result.code == 0, result
    if as_json:
        assert [json.loads(line)["text"] for line in result.lines] == texts
    elif arguments[0] in ("spell", "correct", "translate", "tag"):
        assert len(result.lines) == len(texts)
    else:
        columns = 1 if arguments[0] == "score" else 2
        assert [line.split("\t", columns)[columns] for line in result.lines] == [escape_control(text) for text in texts]
    if arguments[0] == "score":
        assert f"{sum(not text.strip() for text in texts)} blank line" in result.err or all(
            text.strip() for text in texts
        )


@fuzzed(40)
@given(lines=TEXTS, end=ENDS, options=st.sampled_from([(), ("--json",), ("--tokens", "--json"), ("--sum", "--json")]))
def test_sums_are_numbers(commands: Commands, lines: list[str], end: str, options: tuple[str, ...]) -> None:
    result = run_lines(commands, ("score", "hmm", *options), lines, end, False)
    evaluated = run_lines(commands, ("evaluate", "hmm", "--json"), lines, end, False)
    assert result.code == evaluated.code == (not any(line.strip() for line in first_line(lines)))
    if result.code == 0:
        total = json.loads(evaluated.out)
        assert total["lines"] + total["blank_lines"] == len(lines)
        if "--sum" in options:
            assert json.loads(result.out) == total


@fuzzed(40)
@given(lines=TEXTS)
def test_comparisons(commands: Commands, lines: list[str]) -> None:
    arguments = ("compare", "trigram", "hmm", "--resamples", "100", "--block", "10")
    result = run_lines(commands, arguments, lines, "\n", False)
    assert result.code == (not any(line.strip() for line in first_line(lines)))
    assert len(result.lines) == (0 if result.code else 3)


@pytest.mark.parametrize("model", ["trigram", "chars"])
@fuzzed(20)
@given(lines=TEXTS, partial=st.booleans())
def test_each_line_is_completed(commands: Commands, model: str, lines: list[str], partial: bool) -> None:
    options = ("--partial",) * partial
    result = run_lines(commands, ("complete", model, "--json", *options), [line[:200] for line in lines], "\n", False)
    assert [json.loads(line)["text"] for line in result.lines] == first_line([line[:200] for line in lines])


VERBS = {
    "score": ("score", "trigram"),
    "evaluate": ("evaluate", "trigram"),
    "compare": ("compare", "trigram", "hmm", "--resamples", "100"),
    "classify": ("classify", "bayes"),
    "spell": ("spell", "trigram"),
    "translate": ("translate", "translator", "--beam", "2"),
    "tag": ("tag", "tagger"),
    "tag columns": ("tag", "tagger", "--read-columns"),
    "words": ("spell", "trigram", "collection.txt", "--words"),
    "accuracy": ("spell", "trigram", "--accuracy"),
    "learn": ("spell", "trigram", "collection.txt", "--learn"),
    "dev": ("spell", "trigram", "collection.txt", "--dev"),
    "rescore": ("rescore", "trigram"),
    "judge": ("judge", "trigram"),
    "similarity": ("similarity", "read"),
    "vectors": ("vectors", "lstm"),
    "occurrences": ("vectors", "lstm", "--word", "the"),
    "index": ("index", "new"),
    "queries": ("search", "indexed", "--queries"),
    "qrels": ("search", "indexed", "--queries", "collection.txt", "--qrels"),
}


@pytest.mark.parametrize("verb", VERBS)
@fuzzed(15)
@given(
    data=st.binary(max_size=60) | st.binary(min_size=1, max_size=5).map(lambda part: part * 50), suffix=st.booleans()
)
def test_any_bytes(commands: Commands, verb: str, data: bytes, suffix: bool) -> None:
    commands.run(*VERBS[verb], write(commands, "bytes.jsonl" if suffix else "bytes.txt", data))
    commands.run(*VERBS[verb], "-", text=data)


STRINGS = st.one_of(LINES.map(lambda line: line[:100]), st.text(max_size=10), st.just("\ud800"))
VALUES = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.sampled_from([10**400, -(10**30), 2**63]),
        st.floats(),
        STRINGS,
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(STRINGS, inner, max_size=3),
    max_leaves=6,
)
CANDIDATES = st.fixed_dictionaries(
    {"text": STRINGS | VALUES, "score": st.floats(-1e10, 1e10) | VALUES},
    optional={"errors": st.integers(0, 9) | VALUES},
)
FIELDS = {
    "text": STRINGS | VALUES,
    "corrected": STRINGS | VALUES,
    "sentence_good": STRINGS | VALUES,
    "sentence_bad": STRINGS | VALUES,
    "phenomenon": STRINGS | VALUES,
    "id": st.integers(0, 9) | STRINGS | VALUES,
    "reference": SENTENCES | VALUES,
    "words": st.integers(0, 9) | VALUES,
    "candidates": st.lists(CANDIDATES, max_size=3) | VALUES,
}
OBJECTS = st.fixed_dictionaries({}, optional=FIELDS) | VALUES
GOOD = st.fixed_dictionaries(
    {"text": SENTENCES, "sentence_good": SENTENCES, "sentence_bad": SENTENCES},
    optional={"reference": SENTENCES, "phenomenon": LINES.map(lambda line: line[:100])},
)


@pytest.mark.parametrize("verb", [verb for verb in VERBS if verb not in ("accuracy", "learn", "qrels")])
@fuzzed(25)
@given(rows=st.lists(OBJECTS | GOOD, min_size=1, max_size=4), ascii_only=st.booleans())
def test_any_json(commands: Commands, verb: str, rows: list[Any], ascii_only: bool) -> None:
    text = "".join(json.dumps(row, ensure_ascii=ascii_only) + "\n" for row in rows)
    commands.run(*VERBS[verb], write(commands, "rows.jsonl", text))


@fuzzed(40)
@given(
    lists=st.lists(
        st.fixed_dictionaries(
            {
                "candidates": st.lists(
                    st.tuples(SENTENCES, st.floats(-1e299, 1e299), st.integers(0, 5)), min_size=1, max_size=4
                )
            },
            optional={"reference": SENTENCES, "id": LINES.map(lambda line: line[:100])},
        ),
        min_size=1,
        max_size=5,
    ),
    counted=st.booleans(),
    options=st.sampled_from([(), ("--json",), ("--weight", "0"), ("--length-penalty", "-1000000000")]),
)
def test_each_list_has_its_candidate(
    commands: Commands, lists: list[dict[str, Any]], counted: bool, options: tuple[str, ...]
) -> None:
    rows = []
    for one in lists:
        candidates = [
            {"text": text, "score": score} | ({"errors": n} if counted else {}) for text, score, n in one["candidates"]
        ]
        rows.append(json.dumps(one | {"candidates": candidates} | ({"words": 4} if counted else {})))
    name = write(commands, "lists.jsonl", "".join(row + "\n" for row in rows))
    result = commands.run("rescore", "trigram", name, *options)
    assert (result.code, len(result.lines)) == (0, len(lists)), result
    tuned = commands.run("rescore", "trigram", name, "--dev", name, *options)
    complete = counted or all("reference" in one for one in lists)
    assert tuned.code == (0 if complete else 1), tuned
    assert "nan" not in tuned.err


@fuzzed(30)
@given(
    pairs=st.lists(st.tuples(SENTENCES, LINES.map(lambda line: line[:200])), min_size=1, max_size=5), each=st.booleans()
)
def test_each_pair_is_judged(commands: Commands, pairs: list[tuple[str, str]], each: bool) -> None:
    rows = [json.dumps({"sentence_good": good, "sentence_bad": bad}) for good, bad in pairs]
    name = write(commands, "pairs.jsonl", "".join(row + "\n" for row in rows))
    result = commands.run("judge", "trigram", name, "--json", *(("--pairs",) * each))
    assert (result.code, len(result.lines)) == (0, 2 + len(pairs) * each)


@fuzzed(40)
@given(
    pairs=st.lists(st.tuples(*[st.sampled_from(["paris", "rome", "athens", "new york", "x"])] * 2), min_size=1),
    scores=st.lists(st.floats(-1e300, 1e300), min_size=20),
    separator=st.sampled_from(["\t", ","]),
)
def test_each_pair_of_words_has_its_row(
    commands: Commands, pairs: list[tuple[str, str]], scores: list[float], separator: str
) -> None:
    rows = [separator.join([*pair, repr(score)]) for pair, score in zip(pairs, scores, strict=False)]
    name = write(commands, "similar.csv", "".join(row + "\n" for row in rows))
    result = commands.run("similarity", "read", name, "--json", "--pairs")
    assert len(result.lines) == (1 + len(rows) if result.code == 0 else 0), result
    usual = commands.run("similarity", "read", name)
    assert usual.code == result.code
    assert "nan" not in usual.out.split("[")[0]


@fuzzed(40)
@given(documents=TEXTS, queries=TEXTS, by=st.sampled_from(["dirichlet", "jelinek-mercer", "bm25"]))
def test_a_run_has_each_document_once(commands: Commands, documents: list[str], queries: list[str], by: str) -> None:
    if run_lines(commands, ("index", "drawn"), documents, "\n", False).code:
        assert not any(text.strip() for text in first_line(documents)) or documents[0].lstrip().startswith("{")
        return
    name = write(commands, "queries.jsonl", "".join(json.dumps({"text": text}) + "\n" for text in queries))
    result = commands.run(
        "search", "drawn", "--queries", name, "--by", by, "--qrels", write(commands, "qrels.txt", "1 0 1 1\n")
    )
    assert result.code == 0, result
    rows = [line.split(" ") for line in result.lines]
    assert {len(row) for row in rows} <= {6}
    assert len({(row[0], row[2]) for row in rows}) == len(rows)
    assert all(math.isfinite(float(row[4])) for row in rows)


@pytest.mark.parametrize(
    "arguments",
    [
        ("generate", "chars", "--length", "20", "--prompt"),
        ("complete", "trigram"),
        ("similar", "read"),
        ("analogy", "read", "paris", "athens"),
        ("fill", "both"),
        ("vectors", "lstm", "collection.txt", "--word"),
        ("search", "indexed"),
    ],
    ids=lambda arguments: arguments[0],
)
@fuzzed(25)
@given(argument=ARGUMENTS, as_json=st.booleans())
def test_any_argument(commands: Commands, arguments: tuple[str, ...], argument: str, as_json: bool) -> None:
    result = commands.run(*arguments, argument, *(("--json",) * as_json))
    if as_json:
        for line in result.lines if result.code == 0 and not argument.startswith("-") else ():
            assert isinstance(json.loads(line), dict)


@pytest.mark.parametrize(
    ("arguments", "options"),
    [
        (
            ("generate", "trigram", "--length", "5"),
            ("--count", "--temperature", "--top-k", "--top-p", "--repetition-penalty", "--seed"),
        ),
        (("generate", "trigram"), ("--length",)),
        (("complete", "trigram", "the"), ("--count",)),
        (("similar", "read", "paris"), ("--count", "--distance")),
        (("fill", "both", "the ___"), ("--count",)),
        (("compare", "trigram", "hmm", "collection.txt"), ("--block", "--resamples", "--confidence", "--seed")),
        (("search", "indexed", "file"), ("--mu", "--weight", "--k1", "--b", "--count", "--by")),
        (("search", "indexed", "file", "--by", "bm25"), ("--k1", "--b", "--count")),
        (("spell", "trigram", "collection.txt"), ("--weight",)),
        (("correct", "trigram", "collection.txt"), ("--rate",)),
        (
            ("translate", "translator", "collection.txt"),
            ("--beam", "--nbest", "--length-penalty", "--coverage-penalty"),
        ),
        (("rescore", "trigram", "list.jsonl"), ("--weight", "--length-penalty")),
        (("score", "trigram", "collection.txt"), ("--threads", "--arithmetic")),
    ],
    ids=lambda value: value[0] if value[0][0] != "-" else "",
)
@fuzzed(40)
@given(data=st.data())
def test_any_number(
    commands: Commands, arguments: tuple[str, ...], options: tuple[str, ...], data: st.DataObject
) -> None:
    option = data.draw(st.sampled_from(options))
    number = data.draw(st.sampled_from(NUMBERS) | st.integers(-3, 200).map(str) | st.floats().map(repr))
    result = commands.run(*arguments, option, number)
    assert result.code != 0 or result.out != "" or option == "--count" or arguments[0] == "search"
