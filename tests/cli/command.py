"""The command run in this process on any input, with what holds for every run."""

import io
import os
import sys
from collections.abc import Iterator
from contextlib import chdir, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from time import process_time
from unittest.mock import patch

import unroll.use
from unroll.cli import main
from unroll.printing import HARMFUL

SLOWEST = 10.0
"""The largest CPU time of a run in seconds. The time by the clock depends on what else the machine does."""
USAGE = 2
"""The exit code of an invalid option."""
STREAMING = ("score", "classify", "spell", "complete", "translate", "tag")
"""The verbs that print the results of the lines before a line with an error."""


@dataclass(frozen=True)
class Output:
    """What a run printed, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        """The lines of standard output. Only a line feed ends a line."""
        return self.out.split("\n")[:-1]


class Commands:
    """Runs commands in a folder, and counts them. A model is loaded once."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.count = folder, 0
        self._load = cache(unroll.use.load)

    def run(self, *arguments: str, text: bytes = b"") -> Output:
        """Run a command and check what holds for every input.

        It ends without a traceback; its output is UTF-8 without harmful characters; an error is one sentence of one
        line, before which only a verb that streams has printed results.
        """
        self.count += 1
        start = process_time()
        streams = [io.TextIOWrapper(io.BytesIO(data)) for data in (text, b"", b"")]
        with self._replaced(streams, arguments):
            try:
                main()
                code: object = 0
            except SystemExit as stop:
                code = stop.code
        out, err = (stream.buffer.getvalue().decode("utf-8") for stream in map(_flushed, streams[1:]))  # type: ignore[attr-defined]
        message = code if isinstance(code, str) else ""
        output = Output(1 if message else int(str(code or 0)), out, err + message)
        assert output.code in (0, 1, USAGE), output
        assert process_time() - start < SLOWEST, output
        assert not HARMFUL.search(output.out), output
        assert not HARMFUL.search(output.err) or output.code == USAGE, output
        if output.code == 1:
            assert message.startswith("unroll: "), output
            assert "\n" not in message, output
            assert output.out == "" or arguments[0] in STREAMING, output
        return output

    @contextmanager
    def _replaced(self, streams: list[io.TextIOWrapper], arguments: tuple[str, ...]) -> Iterator[None]:
        names = ("stdin", "stdout", "stderr")
        with (
            chdir(self.folder),
            patch.object(sys, "argv", ["unroll", *arguments]),
            patch.dict(os.environ),  # a verb sets the number of threads, which processes of later tests would inherit
            patch("unroll.use.load", self._load),
        ):
            before = [getattr(sys, name) for name in names]
            try:
                for name, stream in zip(names, streams, strict=True):
                    setattr(sys, name, stream)
                yield
            finally:
                for name, stream in zip(names, before, strict=True):
                    setattr(sys, name, stream)


def _flushed(stream: io.TextIOWrapper) -> io.TextIOWrapper:
    stream.flush()
    return stream
