"""The file dvc.lock, with the entries of the stages in the order in which `dvc repro` writes them."""

import json
import os
import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dvc.utils.serialize import modify_yaml

LOCK = "dvc.lock"
WRITING = 0.1
"""The maximum share of the time that is spent on writing the file, whose size grows with the number of stages."""


class LockFile:
    """The dvc.lock of a repository. Its caller holds the lock of DVC."""

    def __init__(self, root: Path) -> None:
        """Set the root of the repository."""
        self._path, self._temporary = root / LOCK, root / ".dvc" / "tmp"
        self._first = self._temporary / "repro" / "entries.json"
        self._new: dict[str, Any] = {}
        self._cheap_from = 0.0

    def add(self, name: str, entry: Any) -> None:
        """Add the entry of a stage, which is written later.

        A kill loses what is not written. The next run then restores the stage from the run cache.
        """
        self._new[name] = entry

    def write_if_cheap(self, order: Sequence[str]) -> None:
        """Write the file, if that has not taken too much time lately.

        Args:
            order: The names of all stages, in the order of `dvc repro`.
        """
        if time.monotonic() >= self._cheap_from:
            self.write(order)

    def write(self, order: Sequence[str]) -> None:
        """Write the entries that were added. A kill leaves the old file or the new one; DVC would leave half of it.

        Args:
            order: The names of all stages, in the order of `dvc repro`.
        """
        if not self._new:
            return
        began = time.monotonic()
        part = self._temporary / f"{LOCK}.part"
        part.unlink(missing_ok=True)
        if self._path.exists():
            shutil.copyfile(self._path, part)
        with modify_yaml(part) as data:
            data.setdefault("schema", "2.0")
            entries = data.setdefault("stages", {})
            first = self._first_entries(list(entries))
            entries.update(self._new)
            for name in [name for name in order if name in entries and name not in first]:
                entries[name] = entries.pop(name)  # `dvc repro` appends new entries in its order
        with part.open("rb+") as file:
            os.fsync(file.fileno())
        part.replace(self._path)
        self._new.clear()
        self._cheap_from = time.monotonic() + (time.monotonic() - began) / WRITING

    def _first_entries(self, entries: Sequence[str]) -> set[str]:
        """Return the entries before this run, and before runs that were killed or failed and that it completes."""
        try:
            return set(json.loads(self._first.read_text(encoding="utf-8")))
        except (OSError, ValueError):
            self._first.parent.mkdir(parents=True, exist_ok=True)
            self._first.write_text(json.dumps(entries), encoding="utf-8")
            return set(entries)

    def end(self) -> None:
        """Say that a run has ended well, so that the next one adds its entries behind those of this one."""
        self._first.unlink(missing_ok=True)
