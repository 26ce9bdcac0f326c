"""A line that is completed while it is typed, on a terminal."""

import os
import sys
import termios
import tty
from collections.abc import Callable

from unroll.cli.app import inert

TAB, ENTER, END, DELETE, ESCAPE = "\t", ("\r", "\n"), ("\x03", "\x04"), ("\x7f", "\x08"), "\x1b"
BELOW, BACK, CLEAR = "\x1b[1B\r", "\x1b[1A\r", "\x1b[K"


def as_you_type(words_after: Callable[[str], list[str]]) -> None:
    """Show the words that may follow below the line, after every key; Tab takes the first, Enter begins a new line,
    Ctrl-C or Ctrl-D ends. The terminal is left as it was found."""
    terminal = sys.stdin.fileno()
    before = termios.tcgetattr(terminal)
    try:
        tty.setcbreak(terminal)
        line, words = "", _draw("", words_after)
        while key := os.read(terminal, 64).decode("utf-8", "ignore"):
            if key in END:
                break
            if key in ENTER:
                print(CLEAR)
                line = ""
            elif key == TAB:
                line = _with_word(line, words)
            elif key in DELETE:
                line = line[:-1]
            elif not key.startswith(ESCAPE):  # arrows and the like do nothing
                line += "".join(c for c in key if c.isprintable())
            words = _draw(line, words_after)
    except KeyboardInterrupt:
        pass
    finally:
        termios.tcsetattr(terminal, termios.TCSADRAIN, before)
        print(f"\n{CLEAR}", end="")


def _with_word(line: str, words: list[str]) -> str:
    """The line with its begun word replaced by the first of `words`."""
    if not words:
        return line
    return line[: line.rfind(" ") + 1] + words[0] + " "


def _draw(line: str, words_after: Callable[[str], list[str]]) -> list[str]:
    words = words_after(line)
    width = os.get_terminal_size(sys.stdout.fileno()).columns - 1
    shown = inert("   ".join(words))[:width]
    tail = inert(line)[-width + 2 :]
    print(f"\r{CLEAR}\n{CLEAR}{shown}{BACK}{CLEAR}> {tail}", end="", flush=True)
    return words
