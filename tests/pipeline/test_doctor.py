"""doctor: what DVC reads afterwards, in folders of any name and after a move."""

from pathlib import Path

import pytest
from dvc.config import Config

from unroll.errors import UnrollError
from unroll.pipeline.doctor import repair

NAMES = ["plain", "a é%41 #b", "quo'te\"d", "comma, equals=", "日本 ?", "$HOME"]


@pytest.fixture
def place(tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Path:
    place = tmp_path / getattr(request, "param", "plain")
    (place / ".dvc").mkdir(parents=True)
    # The store has its own tests, and takes seconds to make.
    monkeypatch.setattr("unroll.pipeline.doctor._repair_store", list)
    return place


def site(place: Path) -> str:
    """The folder of the index, as DVC reads it."""
    found: str = Config.load_file(str(place / ".dvc" / "config.local"))["core"]["site_cache_dir"]
    return found


@pytest.mark.parametrize("place", NAMES, indirect=True)
def test_the_index_of_dvc_is_private_and_in_the_repository(place: Path) -> None:
    repair(place)
    folder = place / ".dvc" / "tmp" / "site"
    assert site(place) == str(folder)
    assert folder.stat().st_mode & 0o777 == 0o700


def test_it_follows_the_folder_and_keeps_other_settings(place: Path) -> None:
    config = place / ".dvc" / "config.local"
    config.write_text("[core]\n    no_scm = true\n['remote \"mine\"']\n    url = /a/é\n", encoding="utf-8")
    repair(place)
    moved = place.rename(place.with_name("moved é"))
    lines = repair(moved)
    assert any("non-ASCII characters" in line for line in lines)
    assert site(moved) == str(moved / ".dvc" / "tmp" / "site")
    read = Config.load_file(str(moved / ".dvc" / "config.local"))
    assert (read["core"]["no_scm"], read["remote"]["mine"]["url"]) == ("true", "/a/é")
    assert not place.exists()


def test_a_command_of_another_folder_is_reported(place: Path) -> None:
    (place / "src" / "unroll").mkdir(parents=True)
    assert any("this command runs the code of" in line for line in repair(place))


@pytest.mark.parametrize("content", [b"[core\n", b"[core]\nx = \xe9\n"])
def test_a_damaged_configuration_is_one_sentence(place: Path, content: bytes) -> None:
    (place / ".dvc" / "config.local").write_bytes(content)
    with pytest.raises(UnrollError, match=r"config\.local: cannot be read"):
        repair(place)
