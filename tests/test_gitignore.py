"""What the pipeline makes stays out of git, also where a folder is a symbolic link to another disk."""

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MADE = [".venv", "data", "models", "mlruns", "reports/samples", ".dvc/cache", ".dvc/tmp", ".verify"]


@pytest.mark.parametrize("is_link", [False, True], ids=["folder", "link"])
def test_a_made_folder_is_not_committed(tmp_path: Path, is_link: bool) -> None:
    place, other = tmp_path / "clone", tmp_path / "disk"
    place.mkdir()
    (place / ".gitignore").write_bytes((ROOT / ".gitignore").read_bytes())
    subprocess.run(["git", "init", "--quiet"], cwd=place, check=True)
    for name in MADE:
        (other / name).mkdir(parents=True)
        (other / name / "file").touch()
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        if is_link:
            (place / name).symlink_to(other / name)
        else:
            (other / name).rename(place / name)
    status = ["git", "status", "--porcelain", "--untracked-files=all"]
    listed = subprocess.run(status, cwd=place, check=True, capture_output=True, text=True).stdout
    assert listed == "?? .gitignore\n"
