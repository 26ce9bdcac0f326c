"""Valid archives are unpacked, and malicious and damaged archives are refused."""

import bz2
import gzip
import hashlib
import io
import lzma
import random
import stat
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from unroll.corpora.archive import unpack
from unroll.corpora.cache import copy_verified
from unroll.errors import UnrollError

TEXT = b"The quick brown fox jumps over the lazy dog.\n" * 20


def zipped(path: Path, *members: tuple[str | zipfile.ZipInfo, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in members:
            file.writestr(name, content, zipfile.ZIP_DEFLATED)
    return path


def tarred(path: Path, *members: tuple[str, bytes | None], mode: str = "w", **fields: object) -> Path:
    """Write a tar file. `fields` are the type and other fields of the members without content."""
    with tarfile.open(path, mode) as file:  # type: ignore[call-overload]
        for name, content in members:
            header = tarfile.TarInfo(name)
            header.size = len(content or b"")
            for field, value in ({} if content is not None else fields).items():
                setattr(header, field, value)
            file.addfile(header, io.BytesIO(content or b""))
    return path


def refusal(path: Path, folder: Path) -> str:
    """Return the error of unpacking, after a check that it is one sentence and no file is written outside `folder`."""
    before = sorted(path.parent.rglob("*"))
    folder.mkdir()
    with pytest.raises(UnrollError) as caught:
        unpack(path, folder)
    assert [file for file in sorted(path.parent.rglob("*")) if folder not in (file, *file.parents)] == before
    assert str(caught.value).startswith(str(path))
    assert str(caught.value).endswith("no file of it is used")
    assert str(caught.value).isprintable()
    return str(caught.value)


GOOD: dict[str, Callable[[Path], Path]] = {
    "zip": lambda path: zipped(path, ("a/b.txt", TEXT), ("é c.txt", b"2"), ("a/", b"")),
    "tar": lambda path: tarred(path, ("a/b.txt", TEXT), ("é c.txt", b"2"), ("a", None), type=tarfile.DIRTYPE),
    "tar.gz": lambda path: tarred(path, ("./a/b.txt", TEXT), ("é c.txt", b"2"), mode="w:gz"),
    "tar.bz2": lambda path: tarred(path, ("a/b.txt", TEXT), ("é c.txt", b"2"), mode="w:bz2"),
    "tar.xz": lambda path: tarred(path, ("a/b.txt", TEXT), ("é c.txt", b"2"), mode="w:xz"),
}


@pytest.mark.parametrize("kind", GOOD)
@pytest.mark.parametrize("suffix", ["right", ".txt", ".zip", ""])
def test_the_type_of_an_archive_depends_on_its_content(tmp_path: Path, kind: str, suffix: str) -> None:
    path = GOOD[kind](tmp_path / ("archive" + (f".{kind}" if suffix == "right" else suffix)))
    (folder := tmp_path / "out").mkdir()
    assert unpack(path, folder) == ["a/b.txt", "é c.txt"]
    assert (folder / "a/b.txt").read_bytes() == TEXT
    assert (folder / "é c.txt").read_bytes() == b"2"


@pytest.mark.parametrize("compress", [gzip.compress, bz2.compress, lzma.compress])
@pytest.mark.parametrize(("name", "inside"), [("t.en.gz", "t.en"), ("t.xz", "t"), ("t.txt", "t.txt")])
def test_a_compressed_file_is_unpacked(
    tmp_path: Path, compress: Callable[[bytes], bytes], name: str, inside: str
) -> None:
    (tmp_path / name).write_bytes(compress(TEXT))
    (folder := tmp_path / "out").mkdir()
    assert unpack(tmp_path / name, folder) == [inside]
    assert (folder / inside).read_bytes() == TEXT


def test_only_the_wanted_members_are_unpacked_and_they_must_exist(tmp_path: Path) -> None:
    (folder := tmp_path / "out").mkdir()
    for kind in ("zip", "tar.gz"):
        path = GOOD[kind](tmp_path / f"archive.{kind}")
        assert unpack(path, folder / kind, ["a/b.txt"]) == ["a/b.txt"]
        assert [file.name for file in (folder / kind).rglob("*") if file.is_file()] == ["b.txt"]
        with pytest.raises(UnrollError, match=r"has no member 'b\.txt'"):
            unpack(path, tmp_path / "none", ["b.txt"])


def test_plain_text_is_not_an_archive_for_any_name(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(TEXT)
    assert "is not an archive" in refusal(tmp_path / "a.zip", tmp_path / "out")


OUTSIDE = ["../evil", "a/../../evil", "/evil", "/", "..", "C:/evil", "C:evil", "a\\..\\evil"]
NO_NAME = ["a\nb", "a\x1b[2Jb", "a\u202eb", "x" * 256, "a//b", "/".join("a" * 30)]


@pytest.mark.parametrize("name", OUTSIDE + NO_NAME)
@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_names_outside_the_folder_are_refused(tmp_path: Path, kind: str, name: str) -> None:
    pack = zipped if kind == "zip" else tarred
    path = pack(tmp_path / "a", ("good.txt", b"good"), (name, b"evil"))
    sentence = refusal(path, tmp_path / "out")
    assert "points outside the archive" in sentence or "not a valid file name" in sentence


def test_a_name_with_nul_is_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", ("good.txtXevil", b"evil"))
    path.write_bytes(path.read_bytes().replace(b"good.txtXevil", b"good.txt\0evil"))
    assert "not a valid file name" in refusal(path, tmp_path / "out")


@pytest.mark.parametrize(
    ("type_", "linkname"),
    [
        (tarfile.SYMTYPE, "/etc/passwd"),
        (tarfile.SYMTYPE, "good.txt"),
        (tarfile.LNKTYPE, "good.txt"),
        (tarfile.FIFOTYPE, ""),
        (tarfile.CHRTYPE, ""),
        (tarfile.BLKTYPE, ""),
        (tarfile.CONTTYPE, ""),
        (tarfile.GNUTYPE_SPARSE, ""),
    ],
)
def test_links_and_devices_in_a_tar_are_refused(tmp_path: Path, type_: bytes, linkname: str) -> None:
    path = tarred(tmp_path / "a.tar", ("good.txt", b"good"), ("evil", None), type=type_, linkname=linkname)
    if type_ == tarfile.CONTTYPE:  # a regular file with another type
        (folder := tmp_path / "out").mkdir()
        assert unpack(path, folder) == ["evil", "good.txt"]
    else:
        assert "a link or a device" in refusal(path, tmp_path / "out")


@pytest.mark.parametrize("mode", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR, stat.S_IFSOCK])
def test_links_and_devices_in_a_zip_are_refused(tmp_path: Path, mode: int) -> None:
    member = zipfile.ZipInfo("evil")
    member.external_attr = (mode | 0o644) << 16
    assert "a link or a device" in refusal(zipped(tmp_path / "a.zip", (member, b"/etc/passwd")), tmp_path / "out")


def test_an_archive_inside_is_not_unpacked(tmp_path: Path) -> None:
    inner = zipped(tmp_path / "inner.zip", ("../evil", b"evil")).read_bytes()
    (folder := tmp_path / "out").mkdir()
    assert unpack(zipped(tmp_path / "a.zip", ("inner.zip", inner)), folder) == ["inner.zip"]
    assert (folder / "inner.zip").read_bytes() == inner
    (tmp_path / "twice.gz").write_bytes(gzip.compress(gzip.compress(TEXT)))
    assert unpack(tmp_path / "twice.gz", folder) == ["twice"]
    assert gzip.decompress((folder / "twice").read_bytes()) == TEXT


SAME = [
    ("a.txt", "a.txt"),
    ("a.txt", "A.TXT"),
    ("a.txt", "./a.txt"),
    ("straße", "STRASSE"),
    ("\u00e9", "e\u0301"),
    ("a", "a/b"),
    ("a/b", "a"),
    ("a/b", "A/c"),
]


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("names", SAME)
@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_names_that_are_equal_on_some_disks_are_refused(tmp_path: Path, kind: str, names: tuple[str, str]) -> None:
    path = (zipped if kind == "zip" else tarred)(tmp_path / "a", *[(name, b"x") for name in names])
    assert "the same file on some disks" in refusal(path, tmp_path / "out")


def test_a_tar_truncated_between_members_has_the_wrong_hash(tmp_path: Path) -> None:
    path = tarred(tmp_path / "a.tar", ("a", TEXT), ("b", TEXT))
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    path.write_bytes(path.read_bytes()[:1536])
    (folder := tmp_path / "out").mkdir()
    assert unpack(path, folder) == ["a"]  # the archive itself is valid
    with pytest.raises(UnrollError, match="not the one expected"):
        copy_verified(path, tmp_path / "b.tar", sha256, "")
    assert not (tmp_path / "b.tar").exists()


@pytest.mark.parametrize("kind", [*GOOD, "gz", "bz2", "xz"])
@pytest.mark.parametrize("share", [0.3, 0.7, 0.95])
def test_an_archive_truncated_elsewhere_is_damaged(tmp_path: Path, kind: str, share: float) -> None:
    path = tmp_path / "a"
    noise = b"".join(hashlib.sha256(bytes([n])).digest() for n in range(200))
    compress = {"gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress}
    if kind in compress:
        path.write_bytes(compress[kind](noise))
    elif kind == "zip":
        zipped(path, ("noise", noise))
    else:
        tarred(path, ("noise", noise), mode=f"w:{kind[4:]}")
    content = path.read_bytes()[: 512 + len(noise)] if kind == "tar" else path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    assert "is damaged" in refusal(path, tmp_path / "out")


def test_an_encrypted_zip_is_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", ("secret.txt", TEXT))
    content = bytearray(path.read_bytes())
    content[6] |= 1  # the flag in the header of the member
    content[content.index(b"PK\x01\x02") + 8] |= 1  # and in the central directory
    path.write_bytes(content)
    assert "the encrypted member 'secret.txt'" in refusal(path, tmp_path / "out")


def test_an_unknown_compression_is_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", ("a.txt", TEXT))
    content = bytearray(path.read_bytes())
    content[8] = content[content.index(b"PK\x01\x02") + 10] = 9  # Deflate64
    path.write_bytes(content)
    assert "compression method is not supported" in refusal(path, tmp_path / "out")


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("kind", [*GOOD, "gz", "bz2", "xz"])
def test_a_corrupted_archive_is_refused_or_unpacked_without_a_crash(tmp_path: Path, kind: str) -> None:
    compress = {"gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress}
    path = tmp_path / "a"
    sound = compress[kind](TEXT) if kind in compress else GOOD[kind](path).read_bytes()
    generator = random.Random(kind)
    refused: list[str] = []
    for number in range(150):
        spoilt = bytearray(sound)
        for _ in range(generator.choice([1, 1, 2, 8])):
            place = generator.randrange(len(spoilt))
            spoilt[place : place + generator.choice([0, 1, 1, 5])] = generator.randbytes(generator.choice([0, 1, 1, 5]))
        path.write_bytes(spoilt)
        (folder := tmp_path / f"{number}").mkdir()
        try:
            unpack(path, folder)
        except UnrollError as error:
            refused.append(str(error))
    assert len(refused) > 20
    assert all(sentence.isprintable() for sentence in refused)


@pytest.mark.parametrize(("magic", "kind"), [(b"7z\xbc\xaf\x27\x1c", "7z"), (b"Rar!\x1a\x07", "rar")])
def test_other_archives_are_named(tmp_path: Path, magic: bytes, kind: str) -> None:
    (tmp_path / "a").write_bytes(magic + TEXT)
    assert f"is {kind}; only zip" in refusal(tmp_path / "a", tmp_path / "out")
