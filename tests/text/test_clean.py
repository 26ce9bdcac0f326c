"""Stage clean: the documents that it keeps, drops and changes, and its counts."""

import hashlib
import json
from collections import Counter
from pathlib import Path
from typing import Any
from unicodedata import is_normalized

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.text.conftest import Workshop, corpus
from unroll.errors import UnrollError
from unroll.text.cleaner import Cleaner, cleaner_settings
from unroll.text.splits import hash_text
from unroll.text.streams import SPLITS

LINES = "\n".join(f"line {n}" for n in range(20)) + "\n"
BY_HASH = {"by": "hash", "valid": 0.2, "test": 0.2}
BY_SOURCE = {"by": "source", "valid": 0.1, "test": 0.1}


def cleaner(**values: object) -> Cleaner:
    return Cleaner(**cleaner_settings(corpus(**values)))


@pytest.mark.parametrize("cleaning", ["plain", "layout", "letters"])
@pytest.mark.parametrize("invisible", ["keep", "drop"])
@pytest.mark.parametrize("lowercase", [True, False])
@given(text=st.text())
def test_cleaning_is_idempotent(cleaning: str, invisible: str, lowercase: bool, text: str) -> None:
    clean = cleaner(cleaning=cleaning, invisible=invisible, lowercase=lowercase)
    once = clean(text)
    assert clean(once) == once


@given(text=st.text())
def test_every_removed_character_is_counted(text: str) -> None:
    clean, alone = (cleaner(cleaning="layout", invisible="drop") for _ in range(2))
    assert is_normalized("NFC", clean(text))
    assert sum(clean.removed.values()) == sum(alone(sign) == "" for sign in text)


def test_presets() -> None:
    text = " Tab\tand  two\u00a0spaces,\nNaïve\u00adté — 3 times\x07\x1b[1m "
    assert cleaner(invisible="drop")(text) == "Tab and two spaces, Naïveté — 3 times[1m"
    assert cleaner(cleaning="layout")(text) == " Tab\tand  two\u00a0spaces,\nNaïve\u00adté — 3 times[1m "
    assert cleaner(cleaning="letters", lowercase=True)(text) == "tab and two spaces na ve t times m"


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("un<b>believ</b>able", "unbelievable"),
        ("first<br />second", "first second"),
        ("a &amp; b &lt;i&gt; &eacute;&#233;", "a & b <i> éé"),
        ("<p>one</p><p>two</p><!-- no --><script>if (a < b) {}</script> three", "one two three"),
        ("3 < 4 and 5 > 4", "3 < 4 and 5 > 4"),
        ("<unclosed", "<unclosed"),
    ],
)
def test_markup(html: str, text: str) -> None:
    assert cleaner(markup="html")(html) == text
    assert cleaner(markup="keep")(html) == html


def test_documents_by_line_paragraph_and_file(workshop: Workshop) -> None:
    workshop.add("a\nb\n\n \n c\n\nd\n", "one.txt").add("e\nf", "two.txt")
    assert workshop.texts(documents="line") == ["a", "b", "c", "d", "e", "f"]
    assert workshop.counts["dropped"] == {"empty": 3}
    assert workshop.texts(documents="line", empty="keep") == ["a", "b", "", "", "c", "", "d", "e", "f"]
    halves = {"by": "position", "valid": 0.2, "test": 0.4}
    assert workshop.texts(documents="paragraph", splits=halves) == ["a b", "c", "d", "e f"]
    rows = workshop.clean(documents="file", splits={"by": "position", "valid": 0.1, "test": 0.4}, max_characters=100)
    assert [(row["document"], row["text"], row["split"]) for row in rows] == [
        ("one.txt", "a b c", "train"),
        ("one.txt", " ", "valid"),
        ("one.txt", "d", "test"),
        ("two.txt", "e f", "test"),
    ]


def test_names_contain_file_and_line(workshop: Workshop) -> None:
    workshop.add("a\nb\n\nc\n", "one.txt").add("d\ne", "two.txt")
    assert [row["document"] for row in workshop.clean()] == [
        "one.txt:1",
        "one.txt:2",
        "one.txt:4",
        "two.txt:1",
        "two.txt:2",
    ]


def test_long_documents_are_cut_at_white_space(workshop: Workshop) -> None:
    text = "word " * 100 + "x" * 250
    rows = workshop.add(f"short\n{text}\n{LINES}").clean(max_characters=100)
    parts = [row["text"] for row in rows if row["document"].split("+")[0] == "a.txt:2"]
    assert " ".join(parts).replace(" ", "") == text.replace(" ", "")
    assert max(map(len, parts)) == 100
    assert parts[0] == ("word " * 20).strip()
    assert [row["document"] for row in rows][1:4] == ["a.txt:2", "a.txt:2+1", "a.txt:2+2"]
    assert workshop.counts["changed"] == {"cuts_in_long_documents": len(parts) - 1}


def test_the_parts_of_a_long_document_are_in_one_split(workshop: Workshop) -> None:
    text = "\n".join(" ".join(f"w{n}x{m}" for m in range(100)) for n in range(40))
    rows = workshop.add(text).clean(max_characters=100, splits=BY_HASH)
    homes: dict[str, set[str]] = {}
    for row in rows:
        homes.setdefault(row["document"].split("+")[0], set()).add(row["split"])
    assert len(homes) == 40
    assert {len(splits) for splits in homes.values()} == {1}


def test_position_cuts_a_whole_file_at_the_exact_character(workshop: Workshop) -> None:
    text = "".join(chr(97 + n % 26) for n in range(1115))
    rows = workshop.add(text, documents="file").clean(
        splits={"by": "position", "valid": 0.05, "test": 0.05}, max_characters=400
    )
    parts = {split: "".join(row["text"] for row in rows if row["split"] == split) for split in SPLITS}
    assert "".join(parts.values()) == text
    assert len(parts["train"]) == int(0.9 * 1115)
    assert len(parts["train"] + parts["valid"]) == int(0.95 * 1115)


def test_splits_by_hash_keep_equal_texts_together_when_documents_are_added(workshop: Workshop) -> None:
    few = [f"text {n % 50}" for n in range(100)]
    rows = workshop.add("\n".join(few)).clean(splits=BY_HASH)
    home = {row["text"]: row["split"] for row in rows}
    assert all(home[row["text"]] == row["split"] for row in rows)
    workshop.add("\n".join(f"more {n}" for n in range(2000)), "b.txt")
    rows = workshop.clean(splits=BY_HASH)
    assert all(home.get(row["text"], row["split"]) == row["split"] for row in rows)
    counts = Counter(row["split"] for row in rows if row["document"].startswith("b"))
    assert all(abs(counts[split] - 400) < 80 for split in ("valid", "test"))


def test_splits_by_source_are_those_of_the_files(workshop: Workshop) -> None:
    for split in SPLITS:
        workshop.add(f"text of {split}\n", f"{split}.txt", split=split)
    assert [(row["text"], row["split"]) for row in workshop.clean(splits=BY_SOURCE)] == [
        (f"text of {split}", split) for split in SPLITS
    ]


def test_splits_by_source_need_a_source_with_splits(workshop: Workshop) -> None:
    with pytest.raises(UnrollError, match=r"corpora.tiny.splits: the source does not define splits; set by: hash"):
        workshop.add(LINES).clean(splits=BY_SOURCE)


def test_pairs_are_split_by_the_source_sentence(workshop: Workshop) -> None:
    lines = [f"sentence {n % 30}.\tzin {n}.\tCC-BY ({n})" for n in range(90)] + [
        "",
        "\tleeg",
        "empty\t",
        "x" * 2000 + "\ty",
    ]
    rows = workshop.add("\n".join(lines), "p.tsv", format="pairs", documents=None).clean(splits=BY_HASH)
    assert list(rows[0]) == ["document", "split", "source", "target"]
    homes = {row["source"]: row["split"] for row in rows}
    assert all(homes[row["source"]] == row["split"] for row in rows)
    assert workshop.counts["dropped"] == {"empty": 3, "too_long": 1}
    assert sum(size["documents"] for size in workshop.counts["splits"].values()) == 90


def test_a_pair_without_a_tab_is_refused(workshop: Workshop) -> None:
    with pytest.raises(UnrollError, match=r"p.tsv: line 2: there is no tab; write source and target"):
        workshop.add("a\tb\nc d\n", "p.tsv", format="pairs").clean()


def test_pairs_with_identical_sides_are_counted(workshop: Workshop) -> None:
    """They are not dropped, since "Stop!" is both English and Dutch."""
    lines = "".join(f"sentence {n}\tzin {n}\n" for n in range(20)) + "Stop!\t stop! \n"
    rows = workshop.add(lines, "p.tsv", format="pairs", documents=None).clean(lowercase=True)
    assert (len(rows), workshop.counts["identical_sides"], workshop.counts["dropped"]) == (21, 1, {})


def test_a_file_with_two_equal_columns_is_refused(workshop: Workshop) -> None:
    with pytest.raises(UnrollError, match=r"^corpora.tiny: source and target are the same text in all 9 pairs; write"):
        workshop.add("".join(f"{n}\t{n}\n" for n in range(9)), "p.tsv", format="pairs", documents=None).clean()


def test_labels_from_a_column_and_from_folders(workshop: Workshop) -> None:
    workshop.add("good\tA <b>fine</b> film\nbad\tDull\n" * 5, "l.tsv", format="labelled", documents=None)
    for n in range(5):
        workshop.add(f"Text\nnumber {n}", f"Good/{n}.txt", format="labelled", documents="file")
    rows = workshop.clean(lowercase=True, markup="html")
    assert list(rows[0]) == ["document", "split", "label", "text"]
    assert (rows[0]["label"], rows[0]["text"]) == ("good", "a fine film")
    assert [(row["document"], row["label"], row["text"]) for row in rows[-1:]] == [
        ("Good/4.txt", "Good", "text number 4")
    ]


def test_files_with_different_fields_are_refused(workshop: Workshop) -> None:
    with pytest.raises(UnrollError, match="keep one kind per corpus"):
        workshop.add("a\n").add("a\tb\n", "p.tsv", format="pairs").clean()


@pytest.mark.parametrize(
    "line", ["text", "[]", '{"document": "a"}', '{"document": 1, "text": "a"}', '{"document": "a", "text": null}']
)
def test_a_line_that_is_not_a_document_is_refused(workshop: Workshop, line: str) -> None:
    good = json.dumps({"document": "d", "text": "t"})
    with pytest.raises(UnrollError, match=r"d.jsonl: line 2: not"):
        workshop.add(f"{good}\n{line}\n", "d.jsonl", format="documents").clean()


def test_the_same_raw_files_give_the_same_bytes(workshop: Workshop) -> None:
    workshop.add(LINES * 1000)
    hashes = set()
    for _ in range(2):
        workshop.clean(splits=BY_HASH)
        hashes.add(hashlib.sha256(workshop.out.read_bytes()).hexdigest())
    assert len(hashes) == 1
    assert b"pandas" not in workshop.out.read_bytes()


def test_counts_equal_those_of_the_written_documents(workshop: Workshop) -> None:
    rows = workshop.add(LINES + "één café\n" * 3).clean()
    for split, size in workshop.counts["splits"].items():
        texts = [row["text"] for row in rows if row["split"] == split]
        assert size == {
            "documents": len(texts),
            "characters": sum(map(len, texts)),
            "bytes": sum(len(text.encode()) for text in texts),
        }


def test_a_flipped_bit_in_the_table_is_detected(workshop: Workshop) -> None:
    from unroll.text import document_table

    workshop.add(LINES * 100).clean()
    data = bytearray(workshop.out.read_bytes())
    data[len(data) // 3] ^= 1
    workshop.out.write_bytes(bytes(data))
    with pytest.raises(UnrollError, match="damaged"):
        list(document_table.read_row_groups(workshop.out))


def test_a_missing_file_is_refused(workshop: Workshop) -> None:
    workshop.add(LINES)
    (workshop.raw / "a.txt").unlink()
    with pytest.raises(UnrollError, match=r"a.txt: cannot be read \(No such file"):
        workshop.clean()


@pytest.mark.parametrize("content", ["", "[]", "{"])
def test_a_damaged_manifest_is_refused(tmp_path: Path, content: str) -> None:
    folder = Workshop(tmp_path).add(LINES)
    (folder.raw / "raw.json").write_text(content)
    with pytest.raises(UnrollError, match=r"raw.json: .*download this corpus again"):
        folder.clean()


def test_the_rest_of_a_long_document_keeps_its_split_if_its_first_piece_is_dropped(workshop: Workshop) -> None:
    """Fault F19: the rest took the split of the document before it."""
    blank, words = " " * 130, [f"word{n} " * 40 for n in range(2)]
    rule: dict[str, Any] = {"splits": {"by": "hash", "valid": 0.3, "test": 0.3}, "max_characters": 100}
    found = set()
    for before in range(40):
        name = f"before {before}\n"
        lines = "".join(f"other {n}\n" for n in range(30))
        (workshop.raw / "raw.json").unlink(missing_ok=True)
        workshop.files.clear()
        rows = workshop.add(f"{lines}{name}{blank}{words[0]}{words[1]}\n").clean(**rule)
        found.add(tuple(row["split"] for row in rows if row["text"].startswith("word")))
    assert len(found) == 1  # whatever stands before
    assert len(set(next(iter(found)))) == 1  # all parts of one document


def test_text_behind_another_tab_belongs_to_the_labelled_text(workshop: Workshop) -> None:
    """Fault F7: it was dropped without a count."""
    lines = "".join(f"a\tone {n}\ttwo\tthree\n" for n in range(20))
    rows = workshop.add(lines, format="labelled", documents=None).clean()
    assert [row["text"] for row in rows] == [f"one {n} two three" for n in range(20)]


def test_columns_behind_a_pair_are_counted(workshop: Workshop) -> None:
    lines = "".join(f"one {n}\ttwo {n}\tby A\t{n}\n" for n in range(20))
    rows = workshop.add(lines, format="pairs", documents=None).clean()
    assert rows[3]["target"] == "two 3"
    assert workshop.counts["changed"]["ignored_columns"] == 40


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize(("format", "unit"), [("text", "line"), ("pairs", None), ("labelled", None)])
def test_ends_of_lines_and_marks_change_no_reader(
    workshop: Workshop, end: str, mark: bytes, format: str, unit: str | None
) -> None:
    lines = [f"a {n}" if format == "text" else f"a {n}\tb {n}" for n in range(20)]
    rows = workshop.add(mark + end.join(lines).encode(), format=format, documents=unit).clean()
    assert ["\t".join(list(row.values())[2:]) for row in rows] == lines


def test_the_name_of_a_file_is_the_label_of_its_lines(workshop: Workshop) -> None:
    for label in ("good", "bad"):
        workshop.add("".join(f"{label} text {n}\n" for n in range(20)), f"{label}.txt", format="labelled-lines")
    rows = workshop.clean(splits={"by": "hash", "valid": 0.2, "test": 0.2})
    assert {(row["label"], row["text"].split()[0]) for row in rows} == {("good", "good"), ("bad", "bad")}
    assert len(rows) == 40


def test_a_source_without_a_valid_split_gives_a_share_of_its_train_split(workshop: Workshop) -> None:
    """The share is taken by hash, so the same documents are valid whatever else there is; test stays as it is."""
    lines = [f"line {number}" for number in range(400)]
    workshop.add("".join(f"{line}\n" for line in lines[:300]), "a.txt", split="train")
    workshop.add("".join(f"{line}\n" for line in lines[300:]), "b.txt", split="test")
    rows = workshop.clean(splits={"by": "source", "valid": 0.2, "test": 0.0})
    by_split = {split: [row["text"] for row in rows if row["split"] == split] for split in ("train", "valid", "test")}
    assert by_split["test"] == lines[300:]
    assert sorted(by_split["train"] + by_split["valid"]) == sorted(lines[:300])
    assert 40 <= len(by_split["valid"]) <= 80
    shares = {split: [hash_text(text) / 2**64 for text in texts] for split, texts in by_split.items()}
    assert max(shares["valid"]) < 0.2 <= min(shares["train"])


def test_a_source_with_a_valid_split_keeps_it(workshop: Workshop) -> None:
    for split in ("train", "valid", "test"):
        workshop.add("".join(f"{split} {number}\n" for number in range(20)), f"{split}.txt", split=split)
    rows = workshop.clean(splits={"by": "source", "valid": 0.5, "test": 0.0})
    assert all(row["text"].startswith(row["split"]) for row in rows)


def test_a_label_of_the_manifest_is_that_of_all_lines_of_its_file(workshop: Workshop) -> None:
    for label in ("pos", "neg"):
        lines = "".join(f"{label} text {n}\n" for n in range(20))
        workshop.add(lines, f"reviews.{label}", format="labelled-lines", label=label)
    rows = workshop.clean(splits={"by": "hash", "valid": 0.2, "test": 0.2})
    assert {(row["label"], row["text"].split()[0]) for row in rows} == {("pos", "pos"), ("neg", "neg")}
    assert rows[0]["document"] == "reviews.pos:1"


@pytest.mark.parametrize("entry", [{"format": "labelled-lines", "label": "pos"}, {"format": "labelled"}])
def test_an_error_in_a_labelled_text_names_its_file_and_line(workshop: Workshop, entry: dict[str, Any]) -> None:
    with pytest.raises(UnrollError, match=r"reviews\.pos: line 3: byte \d+ \(0xe9\) is not UTF-8"):
        workshop.add(b"a\tgood\nb\tbetter\nc\tcaf\xe9 \xff\n" * 9, "reviews.pos", documents=None, **entry).clean()


def test_an_error_in_a_text_of_its_own_file_names_the_file(workshop: Workshop) -> None:
    workshop.add("fine\n", "pos/1.txt", format="labelled", documents="file")
    with pytest.raises(UnrollError, match=r"pos/2\.txt: line 2: byte \d+ \(0xe9\) is not UTF-8"):
        workshop.add(b"first\ncaf\xe9 \xff\n", "pos/2.txt", format="labelled", documents="file").clean()
