"""An input line on a terminal that shows completions while it is typed."""

import codecs
import os
import re
import shutil
import sys
import termios
import tty
from collections.abc import Callable

from unroll.printing import escape_column

TAB, ENTER, END, DELETE = "\t", ("\r", "\n"), ("\x03", "\x04"), ("\x7f", "\x08")
KEYS = re.compile(r"\x1b(?:\[[0-9;]*[ -/]*[@-~]|O.)?|.", re.DOTALL)
"""A character, or the escape sequence of a special key. Pasted text gives several keys at once."""
CURSOR_UP, CLEAR_LINE = "\x1b[1A\r", "\x1b[K"

Complete = Callable[[str], list[str]]


def edit_line(complete: Complete) -> None:
    """Edit lines on the terminal, with the next words below them.

    Tab inserts the first word, Enter begins a new line, and Ctrl-C or Ctrl-D ends. The settings of the terminal are
    restored at the end.

    Args:
        complete: Returns the next words of a line; the characters after its last white space are the prefix of a word.
    """
    terminal = sys.stdin.fileno()
    settings = termios.tcgetattr(terminal)
    decoder = codecs.getincrementaldecoder("utf-8")("ignore")
    print("Tab inserts the first word, Enter begins a new line, Ctrl-D ends.")
    try:
        tty.setcbreak(terminal)
        line = ""
        _draw(line, complete)
        while typed := os.read(terminal, 1024):
            for key in KEYS.findall(decoder.decode(typed)):
                if key in END:
                    return
                line = _apply_key(line, key, complete)
            _draw(line, complete)
    except KeyboardInterrupt:
        pass
    finally:
        termios.tcsetattr(terminal, termios.TCSADRAIN, settings)
        print(f"\n{CLEAR_LINE}", end="", flush=True)


def _apply_key(line: str, key: str, complete: Complete) -> str:
    """Return the line after a key; special keys such as arrows change nothing."""
    if key in ENTER:
        print(CLEAR_LINE)
        return ""
    if key == TAB:
        return _insert_word(line, complete(line))
    if key in DELETE:
        return line[:-1]
    return line + key if escape_column(key) == key else line


def _insert_word(line: str, words: list[str]) -> str:
    """Replace the prefix at the end of the line by the first of `words`."""
    if not words:
        return line
    prefix = "" if line[-1:].isspace() else "".join(line.split()[-1:])
    return line[: len(line) - len(prefix)] + words[0] + " "


def _draw(line: str, complete: Complete) -> None:
    """Draw the end of the line, and the next words below it."""
    width = shutil.get_terminal_size().columns - 1
    words = escape_column("   ".join(complete(line)))[:width]
    tail = escape_column(line)[-width + 2 :]
    print(f"\r{CLEAR_LINE}\n{CLEAR_LINE}{words}{CURSOR_UP}{CLEAR_LINE}> {tail}", end="", flush=True)
