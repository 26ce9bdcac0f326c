"""Archives that are much larger when unpacked (zip bombs) are refused."""

import bz2
import gzip
import lzma
import struct
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.corpora.test_archive import refusal, tarred, zipped
from unroll.corpora import archive
from unroll.corpora.archive import unpack
from unroll.errors import UnrollError

ZEROS = bytes(40 << 20)
BOMBS: dict[str, Callable[[Path], object]] = {
    "zip": lambda path: zipped(path, ("bomb", ZEROS)),
    "many": lambda path: zipped(path, *[(f"bomb{n}", ZEROS[: 8 << 20]) for n in range(5)]),
    "gz": lambda path: path.write_bytes(gzip.compress(ZEROS)),
    "bz2": lambda path: path.write_bytes(bz2.compress(ZEROS)),
    "xz": lambda path: path.write_bytes(lzma.compress(ZEROS, preset=0)),
    "tar.gz": lambda path: tarred(path, ("bomb", ZEROS), mode="w:gz"),
}


@pytest.mark.parametrize("kind", BOMBS)
def test_a_bomb_is_stopped_at_the_limit(tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "RATIO_FREE_BYTES", 1 << 20)
    BOMBS[kind](path := tmp_path / "bomb")
    assert "may be a zip bomb" in refusal(path, tmp_path / "out")
    cap = archive.RATIO_FREE_BYTES + archive.MAX_RATIO * path.stat().st_size
    assert cap < len(ZEROS)
    assert sum(file.stat().st_size for file in (tmp_path / "out").rglob("*")) <= cap


def test_a_zip_with_a_wrong_size_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = zipped(tmp_path / "a.zip", ("lie", bytes(1 << 20)))
    path.write_bytes(path.read_bytes().replace(struct.pack("<L", 1 << 20), struct.pack("<L", 10)))
    assert "is damaged" in refusal(path, tmp_path / "out")


def test_a_bomb_among_unwanted_members_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "RATIO_FREE_BYTES", 1 << 20)
    for pack, mode in ((zipped, {}), (tarred, {"mode": "w:gz"})):
        path = pack(tmp_path / "a", ("bomb", ZEROS), ("good", b"good"), **mode)
        with pytest.raises(UnrollError, match="may be a zip bomb"):
            unpack(path, tmp_path / "out", ["good"])


@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_too_many_members_are_refused(tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MAX_MEMBERS", 20)
    path = (zipped if kind == "zip" else tarred)(tmp_path / "a", *[(str(n), b"") for n in range(21)])
    assert "more than 20 members" in refusal(path, tmp_path / "out")


def test_a_huge_header_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as file:
        header = tarfile.TarInfo("a")
        header.pax_headers = {"comment": "x" * (archive.MAX_HEADER_BYTES + 1)}
        file.addfile(header)
    assert "a header of" in refusal(path, tmp_path / "out")
