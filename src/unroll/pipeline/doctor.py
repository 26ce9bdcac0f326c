"""Heal what a killed run left behind, and prepare what every run needs. Safe to run at any time."""

import json
import subprocess
import sys
from pathlib import Path

from filelock import FileLock, Timeout

from unroll.errors import UnrollError


def heal(root: Path) -> list[str]:
    """Check and mend the repository at `root`; one line per thing found."""
    if not (root / ".dvc").is_dir():
        raise UnrollError(f"{root}: no .dvc folder here; run from the repository's root")
    return [_private_cache(root), *_rwlock(root), *_store()]


def _private_cache(root: Path) -> str:
    # DVC unpickles its index from this folder, by default a shared one that others may write to (CVE-2025-69872).
    folder = root / ".dvc" / "tmp" / "site"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    command = [sys.executable, "-m", "dvc", "config", "--local", "core.site_cache_dir", str(folder.resolve())]
    subprocess.run(command, cwd=root, check=True, capture_output=True)
    return "dvc: index cache is private to this repository"


def _rwlock(root: Path) -> list[str]:
    """A kill can leave .dvc/tmp/rwlock empty, and every later `dvc repro` would fail on it."""
    path = root / ".dvc" / "tmp" / "rwlock"
    if not path.exists():
        return []
    try:
        json.loads(path.read_text(encoding="utf-8"))
        return []
    except ValueError:
        pass
    try:
        with FileLock(path.with_name("rwlock.lock"), timeout=0):
            path.unlink()
    except Timeout:
        return [f"{path}: damaged, but another dvc is at work; run this again when it has ended"]
    return [f"{path}: was damaged by a kill; removed"]


def _store() -> list[str]:
    from unroll.tracking import store

    existed = (store.folder() / "mlflow.db").exists()
    address = store.prepare()
    lines = [f"mlflow: store {'found' if existed else 'made'} at {address}"]
    if existed and store.outdated():
        store.upgrade()
        lines.append("mlflow: store brought up to the installed version")
    if killed := store.mark_killed():
        lines.append(f"mlflow: {killed} run{'s' if killed > 1 else ''} of dead processes marked KILLED")
    return lines
