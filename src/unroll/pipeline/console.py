"""The standard streams of a command. Its text is UTF-8 in every environment, as the files are."""

import io
import os
import sys


def set_up_streams() -> None:
    """Make the standard streams UTF-8, whatever the locale or PYTHONIOENCODING say.

    What UTF-8 cannot encode, such as bytes of a file name, is written as an escape. A closed stream becomes the null
    device.
    """
    for name in ("stdin", "stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "r" if name == "stdin" else "w", encoding="utf-8"))  # noqa: SIM115
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="strict" if name == "stdin" else "backslashreplace")
