"""Files that are not corpora: the catalogue by name and format, and the user's file by SHA-256."""

from pathlib import Path

import pytest

from unroll.corpora.assets import fetch
from unroll.errors import UnrollError
from unroll.params.word_vectors import CatalogueFile, PathFile
from unroll.text.manifest import file_sha256


def test_the_sha256_of_a_users_file_is_checked(tmp_path: Path) -> None:
    (own := tmp_path / "own.txt").write_text("the 1 2\n", encoding="utf-8")
    (folder := tmp_path / "to").mkdir()
    right = file_sha256(own)
    copy = fetch(PathFile(source="path", path=str(own), sha256=right), "vectors", folder)
    assert copy.parent == folder
    assert copy.read_text(encoding="utf-8") == "the 1 2\n"
    with pytest.raises(UnrollError, match=f"if it is the right file, set sha256: {right}"):
        fetch(PathFile(source="path", path=str(own), sha256=""), "vectors", folder)
    with pytest.raises(UnrollError, match=r"path: there is no file .*none\.txt"):
        fetch(PathFile(source="path", path=str(tmp_path / "none.txt"), sha256=""), "vectors", folder)


def test_only_files_of_the_format_are_suggested(tmp_path: Path) -> None:
    with pytest.raises(UnrollError, match=r"the catalogue has no vectors glove; did you mean glove-6b"):
        fetch(CatalogueFile(source="glove"), "vectors", tmp_path)
    with pytest.raises(UnrollError, match=r"the catalogue has no analogies ptb; choose one of analogies"):
        fetch(CatalogueFile(source="ptb"), "analogies", tmp_path)
