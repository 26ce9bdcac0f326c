"""Source `path`: a file of the user."""

import hashlib
import json
import zipfile
from pathlib import Path

import pytest

from tests.corpora.settings import TEXT as SETTINGS
from unroll.corpora import fetch
from unroll.errors import UnrollError
from unroll.params.corpora import PathCorpus

TEXT = b"Een eigen tekst.\n\nMet twee alinea's.\n"


def corpus(path: str, content: bytes | str = TEXT) -> PathCorpus:
    sha256 = content if isinstance(content, str) else hashlib.sha256(content).hexdigest()
    source = {"source": "path", "path": path, "sha256": sha256, "format": "text", "unknown_word": "none"}
    return PathCorpus.model_validate(SETTINGS | source)


@pytest.fixture
def folder(repository: Path) -> Path:
    (folder := repository / "raw").mkdir()
    return folder


def raw(folder: Path) -> dict[str, tuple[str, str]]:
    """Return format and documents by file from raw.json, after a check of every hash."""
    entries = json.loads((folder / "raw.json").read_text(encoding="utf-8"))
    for entry in entries:
        assert hashlib.sha256((folder / entry["file"]).read_bytes()).hexdigest() == entry["sha256"]
    return {entry["file"]: (entry["format"], entry["documents"]) for entry in entries}


NAMES = ["text.txt", "with space.txt", "-x", "ünï.txt", "line\nbreak", "raw.json", "a'b\"c", "$(touch x)"]


@pytest.mark.parametrize("name", NAMES)
def test_any_name_works(folder: Path, name: str) -> None:
    Path(name).write_bytes(TEXT)
    fetch(corpus(name), folder)
    (kept,) = raw(folder)
    assert (folder / kept).read_bytes() == TEXT
    assert sorted(file.name for file in folder.iterdir()) == sorted([kept, "raw.json"])


@pytest.mark.parametrize("sha256", ["", "0" * 64, hashlib.sha256(TEXT).hexdigest().upper()])
def test_a_wrong_hash_is_refused_with_the_right_one(folder: Path, sha256: str) -> None:
    Path("text.txt").write_bytes(TEXT)
    with pytest.raises(UnrollError, match=f"set sha256: {hashlib.sha256(TEXT).hexdigest()}$"):
        fetch(corpus("text.txt", sha256), folder)
    assert list(folder.iterdir()) == []


@pytest.mark.mirror
def test_a_web_page_saved_as_text_is_described(folder: Path, mirror: Path) -> None:
    for bad, what in [("captive-portal-saved-as-timemachine.txt", "an HTML page"), ("s3-access-denied.zip", "an S3")]:
        with pytest.raises(UnrollError, match=f"is {what}"):
            fetch(corpus(str(mirror / "bad-downloads" / bad)), folder)


def test_a_missing_file_and_a_folder_are_refused(folder: Path) -> None:
    with pytest.raises(UnrollError, match=r"path: there is no file nowhere\.txt"):
        fetch(corpus("nowhere.txt"), folder)
    Path("texts").mkdir()
    with pytest.raises(UnrollError, match="path: texts is a folder; put its files into one zip"):
        fetch(corpus("texts"), folder)


def test_a_loop_of_symbolic_links_is_refused(folder: Path) -> None:
    Path("a").symlink_to("b")
    Path("b").symlink_to("a")
    with pytest.raises(UnrollError, match="there is no file a"):
        fetch(corpus("a"), folder)


def test_a_path_is_found_in_a_copy_of_the_repository(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("text.txt").write_bytes(TEXT)
    monkeypatch.setenv("DVC_ROOT", str(folder.parent))
    (folder.parent / "copy").mkdir()
    monkeypatch.chdir(folder.parent / "copy")
    fetch(corpus("text.txt"), folder)
    assert raw(folder) == {"text.txt": ("text", "paragraph")}


def zipped(name: str, *members: tuple[str, bytes]) -> bytes:
    with zipfile.ZipFile(name, "w") as file:
        for member, content in members:
            file.writestr(member, content)
    return Path(name).read_bytes()


def test_an_archive_of_texts_is_unpacked(folder: Path) -> None:
    content = zipped("texts.zip", ("b/1.txt", TEXT), ("a.TXT", TEXT), ("picture.png", b"\x89PNG"))
    fetch(corpus("texts.zip", content), folder)
    assert raw(folder) == {"a.TXT": ("text", "file"), "b/1.txt": ("text", "file")}
    assert not (folder / "picture.png").exists()


def test_text_named_as_an_archive_and_an_archive_named_as_text(folder: Path, tmp_path: Path) -> None:
    Path("text.zip").write_bytes(TEXT)
    fetch(corpus("text.zip"), folder)
    assert (folder / "text.zip").read_bytes() == TEXT
    content = zipped("archive.txt", ("one", TEXT))
    (other := tmp_path / "other").mkdir()
    fetch(corpus("archive.txt", content), other)
    assert raw(other) == {"one": ("text", "paragraph")}


def test_an_archive_in_an_archive_is_not_unpacked(folder: Path) -> None:
    inner = zipped("inner.zip", ("text.txt", TEXT))
    content = zipped("outer.zip", ("inner.zip", inner))
    with pytest.raises(UnrollError, match=r"contains the archive 'inner\.zip'.*unpack it yourself"):
        fetch(corpus("outer.zip", content), folder)


@pytest.mark.parametrize("members", [[], [("raw.json", b"[]")], [("../evil.txt", b"")]])
def test_an_archive_without_a_text_is_refused(folder: Path, members: list[tuple[str, bytes]]) -> None:
    content = zipped("texts.zip", *members)
    with pytest.raises(UnrollError, match=r"is empty|may not have a member of this name|points outside"):
        fetch(corpus("texts.zip", content), folder)


@pytest.mark.parametrize(("setting", "unknown_word"), [("none", None), ("<unk>", "<unk>")])
def test_the_word_for_unknown_words_is_in_the_manifest(folder: Path, setting: str, unknown_word: str | None) -> None:
    Path("text.txt").write_bytes(TEXT)
    fetch(corpus("text.txt").model_copy(update={"unknown_word": setting}), folder)
    assert json.loads((folder / "raw.json").read_text(encoding="utf-8"))[0]["unknown_word"] == unknown_word


def archive(files: dict[str, str], format: str) -> PathCorpus:
    with zipfile.ZipFile("texts.zip", "w") as packed:
        for name, content in files.items():
            packed.writestr(name, content)
    content = Path("texts.zip").read_bytes()
    return corpus("texts.zip", content).model_copy(update={"format": format})


LABELLED = [
    ({"texts/a/1.txt": "one", "texts/b/2.txt": "two\tthree"}, ("labelled", "file")),  # fault F8: "there is no tab"
    ({"good.txt": "one\ntwo\n", "bad.txt": "three\n"}, ("labelled-lines", None)),
    ({"texts/good.txt": "one\ntwo\n", "texts/bad.txt": "three\n"}, ("labelled-lines", None)),
    ({"1.tsv": "a\tone\n", "2.tsv": "\nb\ttwo\n"}, ("labelled", None)),
    ({"x/1.tsv": "a\tone\n", "y/2.tsv": "b\ttwo\n"}, ("labelled", None)),
]


@pytest.mark.parametrize(("files", "kept"), LABELLED)
def test_labelled_texts_of_an_archive(folder: Path, files: dict[str, str], kept: tuple[str, str | None]) -> None:
    fetch(archive(files, "labelled"), folder)
    assert raw(folder) == dict.fromkeys(sorted(files), kept)


def test_a_text_in_no_folder_has_no_label(folder: Path) -> None:
    with pytest.raises(UnrollError, match=r"README\.txt is in no folder"):
        fetch(archive({"a/1.txt": "one", "b/2.txt": "two", "README.txt": "about"}, "labelled"), folder)


def test_texts_in_folders_of_different_depths_have_no_clear_label(folder: Path) -> None:
    files = {"reviews/train/good/1.txt": "one", "reviews/train/bad/1.txt": "two", "reviews/train/urls.txt": "three"}
    with pytest.raises(UnrollError, match=r"1\.txt and reviews/train/urls\.txt are in folders of different depths"):
        fetch(archive(files, "labelled"), folder)


@pytest.mark.parametrize(
    ("names", "labels"),
    [
        (("reviews.neg", "reviews.pos"), ["neg", "pos"]),  # they had the label `reviews`
        (("data/reviews.neg", "data/reviews.pos"), ["neg", "pos"]),
        (("neg.txt", "pos.txt"), [None, None]),
        (("reviews.", "reviews.pos"), [None, None]),
    ],
)
def test_files_that_differ_in_their_suffixes_have_them_as_labels(
    folder: Path, names: tuple[str, str], labels: list[str | None]
) -> None:
    fetch(archive({name: f"text {name}\nmore\n" for name in names}, "labelled"), folder)
    manifest = json.loads((folder / "raw.json").read_text(encoding="utf-8"))
    assert [entry.get("label") for entry in manifest] == labels
    assert all(("label" in entry) == (label is not None) for entry, label in zip(manifest, labels, strict=True))


def test_files_of_an_archive_that_are_left_out_are_said(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    files = {"s.csv": "1,2\n", "__MACOSX/._s.csv": "x", ".DS_Store": "x", "notes.md": "x"}
    with caplog.at_level("INFO"):
        fetch(archive(files, "series"), folder)
    assert list(raw(folder)) == ["s.csv"]
    assert "3 of 4 files of the archive are left out: .DS_Store, __MACOSX/._s.csv, notes.md" in caplog.text
