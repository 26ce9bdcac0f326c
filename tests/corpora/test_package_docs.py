"""The docstrings of installed packages: packages of the test, and the texts of the default pipeline."""

import hashlib
import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.corpora.settings import TEXT
from tests.params.faults import ROOT
from unroll.corpora import fetch
from unroll.errors import UnrollError
from unroll.params.cleaning import PinnedCorpus
from unroll.params.corpora import LabelledPackageDocsCorpus, PackageDocsCorpus
from unroll.params.load import load

GENERATED = {key: value for key, value in TEXT.items() if key not in ("documents", "encoding", "errors", "markup")}
DEFAULT = load(ROOT / "params.yaml").corpora


def corpus(*packages: str, sha256: str | None = None) -> PackageDocsCorpus:
    values = {"source": "package-docs", "packages": packages, "sha256": sha256}
    return PackageDocsCorpus.model_validate(TEXT | values)


def labelled(*packages: str, **values: Any) -> LabelledPackageDocsCorpus:
    values = {"source": "package-docs-labelled", "packages": packages, "sha256": None, "min_characters": 1} | values
    return LabelledPackageDocsCorpus.model_validate(GENERATED | values)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (folder := tmp_path / "raw").mkdir()
    return folder


class Site:
    """A folder of installed packages."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def install(self, name: str, version: str, files: dict[str, str]) -> None:
        info = f"{name}-{version}.dist-info"
        files = files | {f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"}
        record = "".join(f"{file},,\n" for file in [*files, f"{info}/RECORD", f"../bin/{name}.py"])
        for file, content in (files | {f"{info}/RECORD": record}).items():
            (self.folder / file).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / file).write_text(content, encoding="utf-8")


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    site = Site(tmp_path / "site")
    site.install(
        "alpha",
        "1.0",
        {
            "alpha/b.py": '"""The module b."""\nclass B:\n    """Represent it.\n\n    The module b."""\n',
            "alpha/__init__.py": '"""The package.\n\nIt is written twice."""\ndef f():\n    """Return an f."""\n',
            "alpha/none.py": "x = 1\n",
            "alpha/tests/test_b.py": '"""Not a test."""\n',
            "alpha/__config__.py": '"""Not a generated file."""\n',
            "alpha/data.txt": '"""Not a text."""\n',
        },
    )
    site.install("beta", "2.0", {"beta.py": '"""It is written twice.\n\nIt is beta."""\n'})
    monkeypatch.syspath_prepend(site.folder)
    return site


def documents(folder: Path) -> list[tuple[str, str]]:
    with (folder / "documents.jsonl").open(encoding="utf-8") as file:
        return [(line["document"], line["text"]) for line in map(json.loads, file)]


def test_a_document_is_the_prose_of_a_module(site: Site, folder: Path) -> None:
    fetch(corpus("alpha==1.0", "beta==2.0"), folder)
    assert documents(folder) == [
        ("alpha/__init__.py", "The package.\n\nIt is written twice.\n\nReturn an f."),
        ("alpha/b.py", "The module b.\n\nRepresent it."),
        ("beta.py", "It is beta."),
    ]
    (entry,) = json.loads((folder / "raw.json").read_text(encoding="utf-8"))
    assert (entry["file"], entry["format"], entry["split"]) == ("documents.jsonl", "documents", None)


def test_a_labelled_text_is_the_prose_of_a_docstring(site: Site, folder: Path) -> None:
    fetch(labelled("alpha==1.0", "beta==2.0", min_characters=12, max_per_label=9), folder)
    assert (folder / "labelled.tsv").read_text(encoding="utf-8").splitlines() == [
        "alpha\tThe package. It is written twice.",
        "alpha\tReturn an f.",
        "alpha\tThe module b.",
        "alpha\tRepresent it.",
    ]


def test_a_hash_selects_the_texts_of_a_large_package(site: Site, folder: Path) -> None:
    fetch(labelled("alpha==1.0", "beta==2.0", max_per_label=2), folder)
    rows = [line.split("\t") for line in (folder / "labelled.tsv").read_text(encoding="utf-8").splitlines()]
    texts = ["The package. It is written twice.", "Return an f.", "The module b.", "Represent it."]
    kept = sorted(texts, key=lambda text: hashlib.sha256(text.encode()).hexdigest())[:2]
    assert rows == [["alpha", text] for text in texts if text in kept] + [["beta", "It is beta."]]


def test_the_sha256_is_verified_unless_it_is_null(site: Site, folder: Path) -> None:
    fetch(corpus("beta==2.0"), folder)
    right = hashlib.sha256((folder / "documents.jsonl").read_bytes()).hexdigest()
    fetch(corpus("beta==2.0", sha256=right), folder)
    sentence = rf"^corpora\.\*\.sha256: .* has the sha256 {right} and not {'0' * 64}; .* set sha256: {right} .*$"
    with pytest.raises(UnrollError, match=sentence):
        fetch(corpus("beta==2.0", sha256="0" * 64), folder)
    with pytest.raises(UnrollError, match="and not an empty one"):
        fetch(corpus("beta==2.0", sha256=""), folder)


@pytest.mark.parametrize(
    ("package", "sentence"),
    [
        ("gamma==1.0", "gamma==1.0 is not installed; install the versions of requirements.lock"),
        ("beta==2.0.0", "beta 2.0 is installed in place of 2.0.0; install the versions of requirements.lock"),
        ("delta==3.0", "delta==3.0 has no prose in docstrings; remove it"),
    ],
)
def test_a_package_that_cannot_be_used_is_named(site: Site, folder: Path, package: str, sentence: str) -> None:
    site.install("delta", "3.0", {"delta.py": "x = 1\n"})
    with pytest.raises(UnrollError, match=rf"^corpora\.\*\.packages: {re.escape(sentence)}"):
        fetch(corpus(package), folder)


@pytest.mark.parametrize("name", DEFAULT)
def test_the_default_pipeline_pins_every_corpus(name: str) -> None:
    params = DEFAULT[name]
    assert isinstance(params, PinnedCorpus)
    assert re.fullmatch("[0-9a-f]{64}", params.sha256 or "")


def test_the_versions_of_the_packages_are_those_of_the_lock_file() -> None:
    locked = set(re.findall(r"^\S+==\S+", (ROOT / "requirements.lock").read_text(encoding="utf-8"), re.MULTILINE))
    packages = {package for corpus in DEFAULT.values() for package in getattr(corpus, "packages", ())}
    assert packages - locked == set(), "write the versions of requirements.lock into params.yaml, and the new sha256"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The raw folders of the default corpora, whose sha256 `fetch` verifies."""
    folder = tmp_path_factory.mktemp("made")
    for name, params in DEFAULT.items():
        (folder / name).mkdir()
        fetch(params, folder / name)
    return folder


@pytest.mark.slow
def test_the_default_text_is_large_and_has_no_code(made: Path) -> None:
    texts = documents(made / "prose")
    assert 2.2e6 < sum(len(text.encode()) for _, text in texts) < 2.6e6
    assert len(texts) > 1000
    paragraphs = [paragraph for _, text in texts for paragraph in text.split("\n\n")]
    assert len(set(paragraphs)) == len(paragraphs)
    assert not [text for text in paragraphs if ">>>" in text or "\n" in text or "`" in text]


@pytest.mark.slow
def test_the_default_labels_are_balanced(made: Path) -> None:
    lines = (made / "labelled" / "labelled.tsv").read_text(encoding="utf-8").splitlines()
    labels = Counter(line.split("\t")[0] for line in lines)
    assert len(labels) == 12
    assert min(labels.values()) >= 150
    assert max(labels.values()) <= 300
