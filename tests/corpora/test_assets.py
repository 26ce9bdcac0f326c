"""Files that are no corpora: of the catalogue by name and format, the user's own by hash."""

from pathlib import Path

import pytest

from unroll.corpora.assets import fetch
from unroll.errors import UnrollError
from unroll.params.files import CatalogueFile, PathFile
from unroll.text.manifest import file_sha256


def test_ones_own_file_is_pinned(tmp_path: Path) -> None:
    (own := tmp_path / "own.txt").write_text("the 1 2\n", encoding="utf-8")
    (folder := tmp_path / "to").mkdir()
    right = file_sha256(own)
    found = fetch(PathFile(source="path", path=str(own), sha256=right), "vectors", folder)
    assert found.parent == folder
    assert found.read_text(encoding="utf-8") == "the 1 2\n"
    with pytest.raises(UnrollError, match=f"if it is the right file, set sha256: {right}"):
        fetch(PathFile(source="path", path=str(own), sha256=""), "vectors", folder)
    with pytest.raises(UnrollError, match=r"path: there is no file .*none\.txt"):
        fetch(PathFile(source="path", path=str(tmp_path / "none.txt"), sha256=""), "vectors", folder)


def test_only_files_of_the_format_are_offered(tmp_path: Path) -> None:
    with pytest.raises(UnrollError, match=r"the catalogue has no vectors glove; did you mean glove-6b"):
        fetch(CatalogueFile(source="glove"), "vectors", tmp_path)
    with pytest.raises(UnrollError, match=r"the catalogue has no analogies ptb; choose one of analogies"):
        fetch(CatalogueFile(source="ptb"), "analogies", tmp_path)
