"""Random input for every reader: it is read, or refused in one sentence, within seconds and without a lost line.

`UNROLL_FUZZ_INPUTS` sets the number of inputs for each reader: with 200, the default, they are the same ones each time,
and take about a minute; with any other number they are drawn at random. At the end their number is printed.
`tests/cli/test_fuzz.py` does the same with the input of the verbs.
"""

import io
import json
import os
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.text.conftest import corpus
from unroll.cli import io as verbs
from unroll.errors import UnrollError
from unroll.evaluation.tasks import analogies
from unroll.models.ngram import arpa
from unroll.models.vector_file.model import read_vectors
from unroll.params.cleaning import AUTO
from unroll.text import records
from unroll.text.cleaner import Cleaner, cleaner_settings
from unroll.text.encoding import decode_lines
from unroll.text.manifest import RawFile
from unroll.text.raw_shards import Part
from unroll.text.series.observations import describe, read_observations
from unroll.text.splits import hash_text
from unroll.text.tagged.cleaning import clean_tokens
from unroll.text.tagged.sentences import COLUMNS, read_sentences
from unroll.use.correction.spelling import parse_pairs
from unroll.use.vectors.similarity import parse_judgements

USUAL = 200
INPUTS = int(os.environ.get("UNROLL_FUZZ_INPUTS", str(USUAL)))
"""The number of inputs for each reader."""
SLOWEST = timedelta(seconds=10)
inputs: Counter[str] = Counter()

ODD = [
    *("\n", "\r", "\r\n", "\n\n", "\t", " ", "\u00a0", "\u2028", "\x85", "\x0b", "\x0c", "\x1c", "\0", "\ufeff"),
    *("0", "-0", "1e999", "-1e999", "nan", "inf", "1_0", "٣", "\uff11", "²", "½", "Ⅷ", "1,2", "1.234"),
    *("9" * 400, "1e-400", "0x10", "1e", ".", ",", ";", "|", '"', "'", '""', "\\", "\\u0000", "\\ud800", "{", "}", "["),
    *("<script>", "</script", "<!--", "-->", "<", "&", "&#0;", "&#x110000;", "<UNK>", "<unk>", "<s>", "</s>", ":", "é"),
    *(
        "1,234.5",
        "--1",
        "31.12.20",
        "2020-02-30",
        "01/02/2020",
        "9999-12-31T23:59:59+23:59",
        "0001-01-01",
        "2020-W60",
        "null",
        "true",
    ),
    *("+", "-99", "]", "\u200c", "🙂", "NaN"),
]
"""Parts that readers have got wrong, in this project or in others."""


@st.composite
def damaged(draw: st.DrawFn, valid: str) -> bytes:
    """A valid file with parts that are replaced, repeated or removed."""
    data = valid.encode()
    for _ in range(draw(st.integers(0, 6))):
        first = draw(st.integers(0, len(data)))
        last = min(len(data), first + draw(st.integers(0, 12)))
        part = draw(
            st.sampled_from(ODD).map(lambda text: text.encode("utf-8", "surrogatepass")) | st.binary(max_size=3)
        )
        times = draw(st.sampled_from([1, 1, 1, 1, 2, 50, 20_000]))
        data = data[:first] + part * (times if len(part) < 50 else 1) + data[last:]
    return data


def files(valid: str) -> st.SearchStrategy[bytes]:
    """Files for a reader, with an example of what it reads."""
    marks = st.sampled_from([b"", b"", b"", b"\xef\xbb\xbf", b"\xff\xfe"])
    any_text = st.lists(st.text(max_size=20) | st.sampled_from(ODD), max_size=20).map("".join)
    encoded = any_text.map(lambda text: text.encode("utf-8", "surrogatepass"))
    return st.builds(bytes.__add__, marks, damaged(valid) | damaged(valid) | encoded | st.binary(max_size=200))


def _records(format: str, documents: str | None = None, lines: bool = False, **chosen: Any) -> Callable[[Path], None]:
    """Read and clean a raw file, and check that every line is a record."""

    def read(path: Path) -> None:
        params = corpus(**{"documents": documents or "source", "max_characters": 100} | chosen)
        part = Part(RawFile(path.name, format, None, documents))  # type: ignore[arg-type]
        clean, count = Cleaner(**cleaner_settings(params)), 0
        for record in records.READERS[format](params, path, part):
            count += not record.continues
            for text in record.fields.values():
                hash_text(clean(text))
        if lines or (documents == "line" and params.markup == "keep"):
            text = path.read_bytes().decode(params.encoding, params.errors).removeprefix("\ufeff")
            assert count == len(re.findall(r"(?:[^\r\n]+(?:\r\n|\r|\n)?)|\r\n|\r|\n", text))

    return read


def _tagged(settings: Mapping[str, Any]) -> Callable[[Path], None]:
    """Read and clean tagged text, and check that every line that is not blank is a token, a comment or counted."""

    def read(path: Path) -> None:
        cleaner, changed = Cleaner(**cleaner_settings(corpus())), Counter[str]()
        text = path.read_bytes()
        lines = [line.rstrip("\n") for line in decode_lines(io.BytesIO(text), "a.tsv")]
        tokens = skipped = 0
        for sentence in read_sentences(enumerate(lines, 1), settings, "a.tsv"):
            words, tags = clean_tokens(cleaner, sentence.tokens, sentence.tags, changed)
            assert len(" ".join(words).split()) == len(" ".join(tags).split()) == len(words)
            tokens += len(sentence.tokens)
            skipped += sentence.token_ranges + sentence.empty_nodes
        full = [line for line in lines if line.strip()]
        if settings["kind"] == "tagged":
            assert tokens == len(full)
        else:
            assert tokens + skipped <= len([line for line in full if line[0] != "#"])

    return read


def _series(path: Path) -> None:
    lines = [(n, line.rstrip("\n")) for n, line in enumerate(decode_lines(io.BytesIO(path.read_bytes()), "s.csv"), 1)]
    rows = list(read_observations(lines, AUTO, "s.csv"))
    said = describe(lines, AUTO, "s.csv")
    assert bool(said) == bool(rows)
    keys = [row.key for row in rows if row.key is not None]
    assert keys == sorted(set(keys))
    if said and '"' not in "".join(line for _, line in lines) and said["delimiter"] == "semicolon":
        full = [line for _, line in lines if line.replace(";", "").strip()]
        assert len(rows) + said["header"] == len(full)


def _lines(path: Path) -> None:
    """A verb reads the same from a file as from a pipe."""

    def outcome(read: Callable[[], Iterator[str]]) -> list[str] | None:
        try:
            return list(read())
        except UnrollError:
            return None

    stream = outcome(lambda: (line.rstrip("\r\n") for line in decode_lines(io.BytesIO(path.read_bytes()), "x")))
    file = outcome(lambda: (line for _, line in verbs.read_all_lines(path)))
    assert file is None or file == stream
    list(verbs.read_texts(path))


def _spelling_pairs(path: Path) -> None:
    parse_pairs((f"line {number}", line) for number, line in verbs.read_lines(path))


TEXT, LINES = "one two\n\nthree\nfour five\n", "one two\nthree\n"
PAGE = "<p>one\n<script>\n\na < b\n</script>\n<!-- c -->two &amp;"
EMPTY = "\t_" * 5
CONLLU = (
    f"# a\n1-2\tdon't\t_\t_\t_{EMPTY}\n1\tdo\t_\tAUX\tVB{EMPTY}\n2\tnot\t_\tPART\tRB{EMPTY}\n2.1\tx\t_\t_\t_{EMPTY}\n\n"
)


def _judgements(path: Path) -> Any:
    return parse_judgements(verbs.read_lines(path), path.name)


DOCUMENTS = '{"document": "a", "text": "b c"}\n{"document": "d", "text": "e"}\n'
MODEL = (
    "\\data\\\nngram 1=3\nngram 2=1\n\n\\1-grams:\n-1\t<s>\t-0.3\n-1\t</s>\n-0.5\ta\t-0.2\n\n"
    "\\2-grams:\n-1\t<s> a\n\n\\end\\\n"
)
READERS: dict[str, tuple[str, str, Callable[[Path], Any]]] = {
    "text": ("a.txt", TEXT, _records("text", "line")),
    "paragraphs": ("a.txt", TEXT, _records("text", "paragraph")),
    "pages": ("a.html", PAGE, _records("text", "paragraph", markup="html")),
    "lines of pages": ("a.html", "<p>one</p>\n<b>two</b>\n", _records("text", "line", markup="html")),
    "replaced bytes": ("a.txt", LINES, _records("text", "line", errors="replace")),
    "wide text": ("a.txt", LINES, _records("text", "file", encoding="utf-16", errors="replace")),
    "GB 18030": ("a.txt", LINES, _records("text", "line", encoding="gb18030", errors="replace")),
    "documents": ("a.jsonl", DOCUMENTS, _records("documents")),
    "pairs": ("a.tsv", "a b\tc d\ne\tf\tby A\n", _records("pairs", lines=True)),
    "labelled": ("a.tsv", "a\tone two\nb\tthree\n", _records("labelled", lines=True)),
    "lines of a label": ("a.tsv", "one two\nthree\n", _records("labelled-lines", lines=True)),
    "tagged": ("a.tsv", "the DET\ncat\tNOUN\n\nit PRON\n", _tagged(COLUMNS)),
    "chosen columns": ("a.tsv", "the x DET\ncat\ty\tNOUN\n", _tagged({"kind": "tagged", "token": 1, "tag": 3})),
    "CoNLL-U": ("a.conllu", CONLLU, _tagged({"kind": "conllu", "tag": "upos"})),
    "series": ("a.csv", "time;value\n2020-01-01;1,5\n2020-01-02;2,5\n2020-01-03;3\n", _series),
    "numbers": ("a.csv", "1,5\n2,6\n3,7\n", _series),
    "columns": ("a.csv", "time;level;flow\n2020-01-01;1,5;2\n2020-01-02;;2,5\n2020-01-03;3;NA\n", _series),
    "dates": ("a.csv", "31.12.2020 5.5\n01.01.2021 6.5\n02.01.2021 7\n", _series),
    "vectors": ("a.vec", "3 2\nthe 1 2\ncat 0.5 -1e-3\nnew york 3 4\n", lambda path: list(read_vectors(path))),
    "headless vectors": ("a.vec", "the 1 2\ncat 0.5 -1e-3\nnew york 3 4\n", lambda path: list(read_vectors(path))),
    "ARPA": ("a.arpa", MODEL, arpa.read),
    "analogies": ("a.txt", ": capitals\nAthens Greece Oslo Norway\n", analogies.read),
    "similarities": ("a.csv", "tiger,cat,7.35\nstock,jaguar,0.92\n", _judgements),
    "lines": ("a.txt", TEXT, _lines),
    "JSON lines": ("a.jsonl", '{"text": "one"}\n{"text": "two"}\n', lambda path: list(verbs.read_texts(path))),
    "spelling pairs": ("a.txt", "right: rite wright\nword: ward\n", _spelling_pairs),
}


@pytest.fixture(autouse=True, scope="module")
def report(request: pytest.FixtureRequest) -> Iterator[None]:
    """Print the number of inputs at the end."""
    yield
    refused = inputs.pop("refused", 0)
    with request.config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
        print(f"\n{inputs.total():,} inputs, {refused:,} of them refused: {json.dumps(inputs)}")


@pytest.mark.slow
@pytest.mark.parametrize("name", READERS)
def test_any_input_is_read_or_refused_in_one_sentence(name: str, tmp_path: Path) -> None:
    file, valid, read = READERS[name]
    path = tmp_path / file

    @settings(
        max_examples=INPUTS,
        deadline=SLOWEST,
        derandomize=INPUTS == USUAL,
        database=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
    )
    @given(files(valid))
    def check(data: bytes) -> None:
        inputs[name] += 1
        path.write_bytes(data)
        try:
            read(path)
        except UnrollError as error:
            inputs["refused"] += 1
            message = str(error)
            assert "\n" not in message, message
            assert 20 < len(message) < 2000, message

    path.write_text(valid, encoding="utf-16" if name == "wide text" else "utf-8")
    read(path)  # the example is valid
    check()
