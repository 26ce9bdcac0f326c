"""The catalogue, and mirrors as its source."""

import gzip
import hashlib
import json
import shutil
from pathlib import Path, PurePosixPath

import pytest
from ruamel.yaml import YAML

from tests.corpora import hostile
from tests.corpora.settings import TEXT as SETTINGS
from unroll.corpora import MODULES, catalogue, fetch
from unroll.corpora.catalogue import DataFile, Entry, RemoteFile
from unroll.errors import UnrollError
from unroll.params.corpora import SOURCES, TextCorpus, catalogue_formats
from unroll.params.load import load

PARAMS = Path(__file__).parents[2] / "params.yaml"
TEXT = b"One.\n\nTwo.\n"


def corpus(source: str) -> TextCorpus:
    """Return a text with this source."""
    return TextCorpus.model_validate(SETTINGS | {"source": source})


def entry(*contents: bytes, url: str | None = None) -> Entry:
    files = [
        RemoteFile(name=f"small/{n}.txt", urls=[url] if url else [], bytes=len(c), sha256=hashlib.sha256(c).hexdigest())
        for n, c in enumerate(contents)
    ]
    data = [DataFile(file=f"{n}.txt", format="text", documents="line") for n in range(len(contents))]
    return Entry(title="", licence="", files=files, data=data)


@pytest.fixture
def folder(repository: Path) -> Path:
    (folder := repository / "raw").mkdir()
    return folder


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Replace all entries of the catalogue by one small file that only mirrors have."""
    monkeypatch.setattr(catalogue, "entry", lambda name: entry(TEXT))


@pytest.mark.parametrize("name", catalogue.names())
def test_an_entry_is_complete(name: str) -> None:
    corpus_entry = catalogue.entry(name)
    made = [PurePosixPath(member).name for file in corpus_entry.files for member in file.members or [file.name]]
    made = [part.removesuffix(".gz") for part in made]
    assert len(set(made)) == len(made)
    used = [
        part for data in corpus_entry.data for part in data.columns or (data.labels or {data.file: data.file}).values()
    ]
    assert sorted(used) == sorted(made)
    assert all(url.startswith("https://") for file in corpus_entry.files for url in file.urls)
    assert corpus_entry.licence
    assert len({data.format for data in corpus_entry.data}) == 1


def test_an_unknown_name_is_refused_with_the_nearest_name(tmp_path: Path) -> None:
    values = YAML(typ="safe").load(PARAMS)
    values["corpora"]["prose"]["source"] = "timemashine"
    YAML().dump(values, tmp_path / "params.yaml")
    with pytest.raises(UnrollError, match=r"corpora\.prose\.source: there is no timemashine; did you mean timemachine"):
        load(tmp_path / "params.yaml")


def test_vectors_and_analogies_are_not_corpora() -> None:
    assert set(catalogue.names()) - set(catalogue_formats()) == {"glove-6b", "glove-6b-5k", "analogies"}


@pytest.mark.mirror
@pytest.mark.parametrize("name", catalogue.names())
def test_every_corpus_of_the_mirror_is_fetched(name: str, folder: Path, mirror: Path) -> None:
    if missing := [file.name for file in catalogue.entry(name).files if not (mirror / file.name).exists()]:
        pytest.skip(f"the mirror has no {missing[0]}")
    if name in catalogue_formats():
        fetch(corpus(name), folder)
    else:
        catalogue.fetch(name, folder)
    raw = json.loads((folder / "raw.json").read_text(encoding="utf-8"))
    assert [file["file"] for file in raw] == [data.file for data in catalogue.entry(name).data]
    assert {file.name for file in folder.iterdir()} == {file["file"] for file in raw} | {"raw.json"}
    for file in raw:
        assert file["unknown_word"] == ("<unk>" if name in ("ptb", "wikitext-2") else None)
        assert hashlib.sha256((folder / file["file"]).read_bytes()).hexdigest() == file["sha256"]


@pytest.mark.mirror
def test_all_tatoeba_pairs_are_fetched(folder: Path, mirror: Path) -> None:
    catalogue.fetch("tatoeba-nld", folder)
    assert (folder / "nld.txt").read_bytes().count(b"\n") == 73576


@pytest.mark.mirror
@pytest.mark.parametrize("bad", ["captive-portal-saved-as-timemachine.txt", "s3-access-denied.zip"])
def test_a_web_page_in_a_mirror_is_described(
    folder: Path, mirror: Path, bad: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = folder.parent / "mirror" / "timemachine" / "timemachine.txt"
    place.parent.mkdir(parents=True)
    shutil.copy(mirror / "bad-downloads" / bad, place)
    monkeypatch.setenv("UNROLL_MIRROR", "mirror")
    with pytest.raises(UnrollError, match=r"timemachine\.txt: is an? (HTML page|S3 error in XML \(AccessDenied\))"):
        fetch(corpus("timemachine"), folder)
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("where", ["here", "root", "absolute"])
@pytest.mark.usefixtures("small")
def test_a_mirror_is_relative_to_the_current_folder_or_the_repository(
    folder: Path, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = folder.parent / "mirror/small/0.txt"
    place.parent.mkdir(parents=True)
    place.write_bytes(TEXT)
    if where == "root":  # a queued experiment runs in a copy of the repository
        monkeypatch.setenv("DVC_ROOT", str(folder.parent))
        monkeypatch.chdir(folder)
    monkeypatch.setenv("UNROLL_MIRROR", str(folder.parent / "mirror") if where == "absolute" else "mirror")
    catalogue.fetch("any", folder)
    assert (folder / "0.txt").read_bytes() == TEXT


@pytest.mark.usefixtures("small")
def test_a_mirror_without_the_folder_or_the_file_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNROLL_MIRROR", "nowhere")
    with pytest.raises(UnrollError, match="UNROLL_MIRROR: nowhere is not a folder"):
        catalogue.fetch("any", folder)
    monkeypatch.setenv("UNROLL_MIRROR", ".")
    with pytest.raises(UnrollError, match=r"small/0\.txt: only a mirror has it; .*UNROLL_MIRROR"):
        catalogue.fetch("any", folder)


@pytest.mark.usefixtures("small")
def test_a_wrong_file_in_a_mirror_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder.parent / "small").mkdir()
    (folder.parent / "small/0.txt").write_bytes(b"another text")
    monkeypatch.setenv("UNROLL_MIRROR", ".")
    with pytest.raises(UnrollError, match="is another file, not the one expected; replace it, or unset UNROLL_MIRROR"):
        catalogue.fetch("any", folder)


@pytest.mark.usefixtures("small")
def test_a_mirror_may_be_on_the_web(folder: Path, server: hostile.Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNROLL_MIRROR", server.url("/corpora/"))
    server.behaviours["/corpora/small/0.txt"] = hostile.good(TEXT)
    catalogue.fetch("any", folder)
    assert (folder / "0.txt").read_bytes() == TEXT


def test_a_file_that_the_mirror_lacks_is_downloaded(
    folder: Path, server: hostile.Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalogue, "entry", lambda name: entry(TEXT, url=server.url("/t")))
    monkeypatch.setenv("UNROLL_MIRROR", server.url("/corpora"))
    server.behaviours["/t"] = hostile.good(TEXT)
    catalogue.fetch("any", folder)
    assert [path for path, _ in server.requests] == ["/corpora/small/0.txt", "/t"]
    monkeypatch.setenv("UNROLL_MIRROR", "data/downloads")  # the cache of downloads can be a mirror
    again = folder.parent / "again"
    again.mkdir()
    catalogue.fetch("any", again)
    assert (again / "raw.json").read_bytes() == (folder / "raw.json").read_bytes()
    assert len(server.requests) == 2


def test_parallel_files_become_columns_and_files_of_classes_become_labelled_lines(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    english, german = b"one\nt\two\n", b"eins\r\nzwei"
    pair_entry = entry(english, german)
    (folder.parent / "small").mkdir()
    for file, content in zip(pair_entry.files, (english, german), strict=True):
        (folder.parent / file.name).write_bytes(content)
    pairs = DataFile(file="p.tsv", format="pairs", split="train", columns=["0.txt", "1.txt"])
    labelled = DataFile(file="l.tsv", format="labelled", labels={"English": "0.txt", "German": "1.txt"})
    monkeypatch.setattr(catalogue, "entry", lambda name: pair_entry.model_copy(update={"data": [pairs, labelled]}))
    monkeypatch.setenv("UNROLL_MIRROR", ".")
    catalogue.fetch("any", folder)
    assert (folder / "p.tsv").read_bytes() == b"one\teins\nt wo\tzwei\n"
    assert (folder / "l.tsv").read_bytes() == b"English\tone\nEnglish\tt wo\nGerman\teins\nGerman\tzwei\n"


@pytest.mark.parametrize("lines", [(1, 2), (2, 1), (0, 1)])
def test_parallel_files_with_different_numbers_of_lines_are_refused(tmp_path: Path, lines: tuple[int, int]) -> None:
    files = [tmp_path / "a", tmp_path / "b"]
    for file, count in zip(files, lines, strict=True):
        file.write_bytes(b"line\n" * count)
    with pytest.raises(UnrollError, match=f"{'ab'[lines[0] > lines[1]]}: has no line {max(lines)}"):
        catalogue.write_columns(files, tmp_path / "c")


def test_a_compressed_file_of_the_catalogue_is_unpacked(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    packed = gzip.compress(TEXT)
    file = RemoteFile(name="t.en.gz", urls=[], bytes=len(packed), sha256=hashlib.sha256(packed).hexdigest())
    data = DataFile(file="t.en", format="text", documents="line")
    monkeypatch.setattr(catalogue, "entry", lambda name: Entry(title="", licence="", files=[file], data=[data]))
    (folder.parent / "t.en.gz").write_bytes(packed)
    monkeypatch.setenv("UNROLL_MIRROR", ".")
    catalogue.fetch("any", folder)
    assert (folder / "t.en").read_bytes() == TEXT


def test_every_source_of_the_schema_has_a_module() -> None:
    assert set(MODULES) == set(SOURCES)
    assert not set(MODULES) & set(catalogue.names())
