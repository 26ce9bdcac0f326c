"""The README shows the results of the pipeline, and names files and commands that exist."""

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def committed(name: str) -> str:
    """The file in git's index: on another processor, `make repro` gives other results in the working tree."""
    shown = subprocess.run(["git", "show", f":{name}"], cwd=ROOT, capture_output=True, check=False)
    return (shown.stdout if shown.returncode == 0 else (ROOT / name).read_bytes()).decode("utf-8")


def test_the_results_are_those_of_the_pipeline() -> None:
    leaderboard = committed("reports/leaderboard.md")
    for section in ("Perplexity per token of `words`", "Perplexity per token of `symbols`"):
        table = leaderboard.split(f"## {section}\n")[1].split("## ")[0].strip()
        assert table in README, f"copy the section {section} of reports/leaderboard.md into the README"


def test_its_links_and_folders_exist() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert (ROOT / target).exists(), target
    for folder in sorted(path for path in (ROOT / "src" / "unroll").iterdir() if (path / "__init__.py").is_file()):
        assert f"{folder.name}/" in README, folder.name


def test_its_commands_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"(?m)(?:^|`)make ([a-z-]+)", README):
        assert f"\n{target}:" in makefile, target
