"""Faults of single writes in the stages of a small pipeline: python -m tests.pipeline.write_faults FOLDER STAGE [MOST].

FOLDER/place has a params.yaml. With MOST, only about so many writes of the stage fail.

Every stage is run in a process that is forked from this one after the imports. A shim counts what such a process writes
below its folder: opening a file to write, each write that leaves a buffer, fsync, renames, new folders, links, and the
calls of libraries that write by themselves. At one of these points it fails once (EIO), fails from then on until the
end, as on a full disk (ENOSPC), or kills the process. A failing write leaves half of its bytes.
"""

import builtins
import errno
import importlib
import io
import json
import os
import shutil
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from unroll.md5 import dvc_md5
from unroll.models.base import storage
from unroll.params.load import load
from unroll.pipeline import stage

STAGES: tuple[tuple[str, str, str | None, tuple[str, ...]], ...] = (
    ("download", "prose", "corpora", ("data/raw/prose",)),
    ("clean", "prose", "corpora", ("data/clean/prose.parquet", "metrics/clean/prose.json")),
    ("tokenize", "words", "tokenizers", ("data/tokens/words", "metrics/tokens/words.json")),
    ("partition", "words", "tokenizers", ("data/partitions/words",)),
    ("train", "trigram", "experiments", ("models/trigram", "metrics/train/trigram.csv")),
    ("train", "lstm", "experiments", ("models/lstm", "metrics/train/lstm.csv")),
    (
        *("evaluate", "trigram", "experiments"),
        ("metrics/trigram.json", "reports/samples/trigram.txt", "data/evaluations/trigram"),
    ),
)
"""The stage, its key, the section of the key, and its outputs."""
IMPORTED = (
    *(f"stages.{entry[0]}" for entry in STAGES),
    *("unroll.corpora", "unroll.text.clean", "unroll.text.tokenize", "unroll.text.partition"),
    *("unroll.models.base.training", "unroll.models.ngram.model", "unroll.models.recurrent.model"),
    *("unroll.training.fit", "unroll.evaluation.evaluate", "unroll.tracking.record"),
)
"""What the stages import. A process that is forked afterwards starts at once."""
KINDS = ("EIO", "ENOSPC", "SIGKILL")


class Shim:
    """The writes of this process below a folder, and the one that fails."""

    def __init__(self, folder: Path, at: int = 0, kind: str = "") -> None:
        """Set the folder, the number of the write that fails, from 1, and how it fails; 0 lets none fail."""
        self.folder, self.at, self.kind, self.points = os.path.realpath(folder), at, kind, list[str]()

    def fails(self, what: str, path: Any, creates: bool = True) -> bool:
        """Count a write; return whether it fails. A full disk still renames."""
        if isinstance(path, int) or not os.path.realpath(os.fspath(path)).startswith(self.folder + os.sep):
            return False
        self.points.append(f"{what} {os.path.relpath(path, self.folder)}")
        now = len(self.points)
        return now == self.at or (self.kind == "ENOSPC" and 0 < self.at < now and creates)

    def fail(self, path: Any) -> None:
        """End the process, or raise the error of the system."""
        if self.kind == "SIGKILL":
            os.kill(os.getpid(), signal.SIGKILL)
        number = getattr(errno, self.kind)
        raise OSError(number, os.strerror(number), str(path))

    def check(self, what: str, path: Any, creates: bool = True) -> None:
        """Count a write, and fail if it is its turn."""
        if self.fails(what, path, creates):
            self.fail(path)

    def install(self) -> None:
        """Put the shim round the functions that write."""
        shim, really = self, io.open

        class File(io.FileIO):
            """A file whose writes are counted."""

            def write(self, content: Any) -> int | None:  # type: ignore[override]
                if shim.fails("write", self.name):
                    super().write(memoryview(content).cast("B")[: len(memoryview(content).cast("B")) // 2])
                    shim.fail(self.name)
                return super().write(content)

        def counted_open(
            file: Any, mode: str = "r", buffering: int = -1, encoding: str | None = None, *more: Any, **named: Any
        ) -> Any:
            if isinstance(file, int) or not set(mode) & set("wax+"):
                return really(file, mode, buffering, encoding, *more, **named)
            shim.check("open", file)
            raw = File(file, mode.replace("b", "").replace("t", ""))
            buffer: Any = io.BufferedRandom(raw) if "+" in mode else io.BufferedWriter(raw)
            if "b" in mode:
                return buffer
            return io.TextIOWrapper(buffer, encoding, *more, **named)

        builtins.open = io.open = counted_open  # type: ignore[assignment]
        self._wrap(os, "fsync", lambda descriptor: f"/proc/self/fd/{descriptor}")
        self._wrap(os, "rename", lambda source, target, **_: target, creates=False)
        self._wrap(os, "replace", lambda source, target, **_: target, creates=False)
        self._wrap(os, "mkdir", lambda path, *_, **__: path)
        self._wrap(os, "link", lambda source, target, **_: target)
        self._wrap(os, "sendfile", lambda target, *_: f"/proc/self/fd/{target}")
        opening = os.open

        def counted_os_open(path: Any, flags: int, *more: Any, **named: Any) -> int:
            if flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
                shim.check("os.open", path)
            return opening(path, flags, *more, **named)

        os.open = counted_os_open
        self._wrap_library(np, "save", lambda path, *_, **__: path)
        self._wrap_library(np.lib.format, "open_memmap", lambda path, mode, *_, **__: path if mode == "w+" else 0)
        self._wrap_library(storage, "save_file", lambda _, path: path)
        self._wrap_library(pq, "write_table", lambda _, path, **__: path)
        self._wrap_library(pa.ipc, "new_file", lambda path, *_, **__: path)
        for name in ("__init__", "write_table", "write_batch", "close"):
            self._wrap_method(pq.ParquetWriter, name)

    def _wrap(self, owner: Any, name: str, path_of: Callable[..., Any], creates: bool = True) -> None:
        function = getattr(owner, name)

        def counted(*arguments: Any, **named: Any) -> Any:
            self.check(name, path_of(*arguments, **named), creates)
            return function(*arguments, **named)

        setattr(owner, name, counted)

    def _wrap_library(self, owner: Any, name: str, path_of: Callable[..., Any]) -> None:
        """Fail before or after the call, which then leaves half of the file."""
        function = getattr(owner, name)

        def counted(*arguments: Any, **named: Any) -> Any:
            path = path_of(*arguments, **named)
            self.check(name, path)
            result = function(*arguments, **named)
            if self.fails(f"half of {name}", path):
                os.truncate(path, os.path.getsize(path) // 2)
                self.fail(path)
            return result

        setattr(owner, name, counted)

    def _wrap_method(self, owner: Any, name: str) -> None:
        """Fail before a call of a writer, whose first argument names the file when it is made."""
        function = getattr(owner, name)

        def counted(writer: Any, *arguments: Any, **named: Any) -> Any:
            if name == "__init__":
                writer.counted = arguments[0]
            if writer.counted and self.fails(f"ParquetWriter.{name}", writer.counted):
                path, writer.counted = writer.counted, None  # it is closed again when it is collected
                self.fail(path)
            return function(writer, *arguments, **named)

        setattr(owner, name, counted)


def run(place: Path, number: int, shim: Shim) -> tuple[int, str, list[str]]:
    """Run a stage in a forked process; its exit code, what it prints and the writes that it has made."""
    name, key, section, _ = STAGES[number]
    reading, writing = os.pipe()
    with (place.parent / "stderr").open("w+b") as errors:
        if not (child := os.fork()):
            os.close(reading)
            code = 1
            try:
                os.dup2(errors.fileno(), 2)
                sys.stderr = os.fdopen(2, "w", buffering=1, encoding="utf-8")
                os.chdir(place)
                sys.argv = [f"stages/{name}.py", key]
                module = importlib.import_module(f"stages.{name}")
                shim.install()
                stage.run(module.main, section, *([module.follow] if name == "train" else []))
                code = 0
            except SystemExit as error:
                code = error.code if isinstance(error.code, int) else 1
                if isinstance(error.code, str):
                    print(error.code, file=sys.stderr)
            except BaseException:
                traceback.print_exc()
            finally:
                os.write(writing, json.dumps(shim.points).encode())
                sys.stderr.flush()
                os._exit(code)
        os.close(writing)
        with os.fdopen(reading, "rb") as pipe:
            content = pipe.read()
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        errors.seek(0)
        printed = errors.read().decode()
    return status, printed, json.loads(content) if content else []


def digests(place: Path, outputs: tuple[str, ...]) -> list[str | None]:
    return [dvc_md5(place / path) if (place / path).exists() else None for path in outputs]


def restore(place: Path, copy: Path) -> None:
    shutil.rmtree(place)
    shutil.copytree(copy, place, symlinks=True)


def faults(folder: Path, number: int, most: int | None) -> Iterator[str]:
    """Let every write of a stage fail, and yield a line for each law that is broken; `place` is ready for the stage."""
    place, ready, outputs = folder / "place", folder / "ready", STAGES[number][3]
    title = " ".join(STAGES[number][:2])
    shutil.rmtree(ready, ignore_errors=True)
    shutil.copytree(place, ready, symlinks=True)
    status, printed, _ = run(place, number, Shim(place))
    assert status == 0, printed
    expected, old = digests(place, outputs), _age(ready, place, outputs)
    assert all(new and new != before for new, before in zip(expected, old, strict=True)), expected
    restore(place, ready)
    _, _, points = run(place, number, Shim(place))
    print(f"{title}: {len(points)} points", flush=True)
    for at in range(1, len(points) + 1):
        if most and at % max(1, len(points) // most):
            continue
        for kind in KINDS:
            restore(place, ready)
            status, printed, _ = run(place, number, Shim(place, at, kind))
            where = f"{title}: {kind} at {at}, {points[at - 1]}"
            found = digests(place, outputs)
            if kind == "SIGKILL":
                whole = all(one in (before, new, None) for one, before, new in zip(found, old, expected, strict=True))
            else:
                whole = found == (old if status else expected)
                if "Traceback" in printed:
                    yield f"{where}: no sentence, but {printed}"
                if [*place.rglob(".unroll-*")]:
                    yield f"{where}: left {[*place.rglob('.unroll-*')]}"
            if not whole:
                yield f"{where}: exit {status}, outputs {found}, expected {old} or {expected}; {printed[-300:]}"
            if kind == "SIGKILL" and status != -signal.SIGKILL:
                yield f"{where}: it was not killed ({status})"
            if not status and found == expected:  # a fault of the record of the run, which is a warning
                continue
            status, printed, _ = run(place, number, Shim(place))
            if status or digests(place, outputs) != expected or [*place.rglob(".unroll-*")]:
                yield f"{where}: the next run gave {status}, {digests(place, outputs)}: {printed[-300:]}"


def _age(ready: Path, place: Path, outputs: tuple[str, ...]) -> list[str | None]:
    """Give the folder `ready` earlier outputs, which differ from the new ones, and return their hashes."""
    for path in outputs:
        (ready / path).parent.mkdir(parents=True, exist_ok=True)
        if (place / path).is_dir():
            (ready / path).mkdir()
            (ready / path / "old.txt").write_text("old")
        else:
            (ready / path).write_text(f"the old {path}")
    return digests(ready, outputs)


def main(folder: Path, name: str, most: int | None) -> int:
    """Try a stage after those before it, print what is broken, and return the number of broken laws."""
    params = load(folder / "place" / "params.yaml")
    stage.load = lambda: params  # type: ignore[attr-defined]  # it takes longer than a stage
    for number, entry in enumerate(STAGES):
        if " ".join(entry[:2]) == name:
            broken = [*faults(folder, number, most)]
            print("\n".join(f"BROKEN {line}" for line in broken), flush=True)
            return len(broken)
        status, printed, _ = run(folder / "place", number, Shim(folder / "place"))
        assert status == 0, printed
    raise ValueError(f"there is no stage {name}")


if __name__ == "__main__":
    os.environ["UNROLL_TRACKING"] = "later"
    for module in IMPORTED:
        importlib.import_module(module)
    sys.exit(bool(main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]) if len(sys.argv) > 3 else None)))
