"""Clean up after interrupted runs, and prepare what every run needs. It is safe to run at any time."""

import json
from pathlib import Path

from configobj import ConfigObj, ConfigObjError
from filelock import FileLock, Timeout

from unroll.errors import UnrollError


def repair(root: Path) -> list[str]:
    """Check and repair a repository.

    Args:
        root: The root of the repository.

    Returns:
        A line for each thing that was checked or repaired.

    Raises:
        UnrollError: The folder is not a DVC repository, or the tracking store is damaged.
    """
    if not (root / ".dvc").is_dir():
        raise UnrollError(f"{root}: no .dvc folder here; run from the repository's root")
    return [*_check_folder(root), _make_cache_private(root), *repair_rwlock(root), *_repair_store()]


def _check_folder(root: Path) -> list[str]:
    """Report what cannot be repaired: a name that DVC cannot write, and a command of another folder."""
    lines = []
    if not (path := str(root.resolve())).isascii() or set("#?") & set(path):
        lines.append(
            "dvc: `dvc exp run --temp` and `--queue` fail in a folder whose path has #, ? or non-ASCII characters "
            "(a defect of DVC); everything else works here"
        )
    code = Path(__file__).resolve().parents[2]
    if (root / "src" / "unroll").is_dir() and code != root.resolve() / "src":
        lines.append(f"unroll: this command runs the code of {code}; the stages run that of this folder")
    return lines


def _make_cache_private(root: Path) -> str:
    # DVC unpickles its index from this folder, which by default is shared with other users (CVE-2025-69872).
    # A relative path would be relative to the working directory, and that of a queued experiment is another one.
    folder = root / ".dvc" / "tmp" / "site"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    # `dvc config` writes ASCII only, and reads UTF-8.
    path = root / ".dvc" / "config.local"
    try:
        config = ConfigObj(str(path), encoding="utf-8", interpolation=False)
    except (ConfigObjError, UnicodeDecodeError) as error:
        raise UnrollError(f"{path}: cannot be read ({error}); correct or remove it") from None
    core = config.setdefault("core", {})
    if core.get("site_cache_dir") != (wanted := str(folder.resolve())):
        core["site_cache_dir"] = wanted
        config.write()
    return "dvc: index cache is private to this repository"


def repair_rwlock(root: Path) -> list[str]:
    """Remove .dvc/tmp/rwlock if a kill left it empty, since every later `dvc repro` would fail on it.

    Args:
        root: The root of the repository.

    Returns:
        A line if it was damaged.
    """
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
        return [f"{path}: damaged, but another dvc is running; run this again after it has ended"]
    return [f"{path}: was damaged by a kill; removed"]


def _repair_store() -> list[str]:
    """Make or upgrade the local tracking store, and mark the runs of dead processes."""
    from unroll.tracking import outbox, store
    from unroll.tracking.journal import pending
    from unroll.tracking.logger import explain
    from unroll.tracking.runs import open_runs

    lines = []
    if server := outbox.server():
        lines.append(f"mlflow: runs are logged to {server}")
    else:
        existed = (outbox.root() / "mlflow.db").exists()
        previous = store.correct_paths() if existed else None
        lines.append(f"mlflow: store {'found' if existed else 'made'} at {store.prepare()}")
        if previous:
            lines.append(f"mlflow: the paths of artifacts were those of {previous}; they are those of this folder now")
        if existed and store.is_outdated():
            store.upgrade()
            lines.append("mlflow: store upgraded to the installed version")
    try:
        if killed := open_runs().mark_killed():
            lines.append(f"mlflow: {killed} run{'s' if killed > 1 else ''} of dead processes marked KILLED")
    except Exception as error:  # whatever MLflow, its store or the network may raise
        lines.append(f"mlflow: {explain(error)}; `unroll sync` logs the results when the store can be used")
    if waiting := pending(outbox.folder()):
        lines.append(f"mlflow: {len(waiting)} results are not logged yet; `unroll sync` logs them")
    return lines
