"""A line that is completed while it is typed, on a terminal."""

import codecs
import os
import re
import shutil
import sys
import termios
import tty
from collections.abc import Callable

from unroll.cli.app import inert

TAB, ENTER, END, DELETE = "\t", ("\r", "\n"), ("\x03", "\x04"), ("\x7f", "\x08")
KEYS = re.compile(r"\x1b(?:\[[0-9;]*[ -/]*[@-~]|O.)?|.", re.DOTALL)
"""A character, or what an arrow or the like sends: several may come at once, when a text is pasted."""
BACK, CLEAR = "\x1b[1A\r", "\x1b[K"


def as_you_type(words_after: Callable[[str], list[str]]) -> None:
    """Show the words that may follow below the line, after every key; Tab takes the first, Enter begins a new line,
    Ctrl-C or Ctrl-D ends. The terminal is left as it was found."""
    terminal = sys.stdin.fileno()
    before = termios.tcgetattr(terminal)
    decoder = codecs.getincrementaldecoder("utf-8")("ignore")
    print("Tab takes the first word, Enter begins a new line, Ctrl-D ends.")
    try:
        tty.setcbreak(terminal)
        line = ""
        _draw(line, words_after)
        while typed := os.read(terminal, 1024):
            for key in KEYS.findall(decoder.decode(typed)):
                if key in END:
                    return
                line = _after(line, key, words_after)
            _draw(line, words_after)
    except KeyboardInterrupt:
        pass
    finally:
        termios.tcsetattr(terminal, termios.TCSADRAIN, before)
        print(f"\n{CLEAR}", end="", flush=True)


def _after(line: str, key: str, words_after: Callable[[str], list[str]]) -> str:
    """The line when a key was pressed; arrows and the like do nothing."""
    if key in ENTER:
        print(CLEAR)
        return ""
    if key == TAB:
        return _with_word(line, words_after(line))
    if key in DELETE:
        return line[:-1]
    return line + key if key.isprintable() else line


def _with_word(line: str, words: list[str]) -> str:
    """The line with its begun word replaced by the first of `words`."""
    if not words:
        return line
    return line[: line.rfind(" ") + 1] + words[0] + " "


def _draw(line: str, words_after: Callable[[str], list[str]]) -> None:
    width = shutil.get_terminal_size().columns - 1
    shown = inert("   ".join(words_after(line)))[:width]
    tail = inert(line)[-width + 2 :]
    print(f"\r{CLEAR}\n{CLEAR}{shown}{BACK}{CLEAR}> {tail}", end="", flush=True)
