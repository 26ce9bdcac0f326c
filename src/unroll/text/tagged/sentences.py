"""The sentences of tagged text: tokens in columns, and CoNLL-U (Universal Dependencies, version 2)."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from unroll.errors import UnrollError

COLUMNS = {"kind": "tagged", "token": None, "tag": None}
"""The settings of `format: tagged`: the token, the tag, and no other column."""
CONLLU_COLUMNS = 10
FORM = 1
"""The index of the column FORM of CoNLL-U."""
TAGS = {"upos": 3, "xpos": 4}
"""The indices of the columns with tags of CoNLL-U."""
NUMBER = r"[1-9][0-9]{0,8}"
WORD, RANGE, EMPTY = (re.compile(form) for form in (NUMBER, rf"({NUMBER})-({NUMBER})", rf"(?:0|{NUMBER})\.{NUMBER}"))
"""The identifiers of a word, of a token of several words, and of an empty node."""
SHOWN = 40
"""The number of characters of a cell in a message."""
Lines = Iterable[tuple[int, str]]
"""Lines without their ends, with their numbers."""


@dataclass
class Sentence:
    """A sentence, before cleaning."""

    line: int
    """The number of its first token's line."""
    tokens: list[str] = field(default_factory=list)
    """The tokens. They contain no tab."""
    tags: list[str] = field(default_factory=list)
    """The tag of each token. It contains no white space."""
    ignored_columns: int = 0
    """The number of cells that are neither token nor tag. Those of CoNLL-U are not counted."""
    token_ranges: int = 0
    """The number of tokens of several words in CoNLL-U, of which only the words are kept."""
    empty_nodes: int = 0
    """The number of empty nodes in CoNLL-U, which are no words of the text."""


def read_sentences(lines: Lines, settings: Mapping[str, Any], location: str) -> Iterator[Sentence]:
    """Read the sentences of a file.

    Args:
        lines: The lines of the file. Blank lines separate sentences.
        settings: The fields of `ColumnsFormat` or `ConlluFormat` (`unroll.params.formats`), or `COLUMNS`.
        location: The name of the file, for messages.

    Yields:
        The sentences in order. None of them is empty.

    Raises:
        UnrollError: A line does not have the format.
    """
    add = _add_conllu if settings["kind"] == "conllu" else _add_columns
    sentence: Sentence | None = None
    for number, line in lines:
        if line.strip():
            sentence = sentence or Sentence(number)
            add(sentence, line, settings, f"{location}: line {number}")
        elif sentence is not None:
            if sentence.tokens:
                yield sentence
            sentence = None
    if sentence is not None and sentence.tokens:
        yield sentence


def _add_columns(sentence: Sentence, line: str, settings: Mapping[str, Any], location: str) -> None:
    """Add the token and the tag of a line."""
    cells = line.split("\t") if "\t" in line else line.split()
    if settings["token"] is None and len(cells) != 2:
        raise UnrollError(
            f"{location}: has {len(cells)} {'column' if len(cells) == 1 else 'columns'} and not 2; write a token and "
            "its tag with a tab between them, or set format: {kind: tagged, token: 1, tag: N} to choose the columns"
        )
    token, tag = settings["token"] or 1, settings["tag"] or 2
    if len(cells) < max(token, tag):
        raise UnrollError(
            f"{location}: has {len(cells)} {'column' if len(cells) == 1 else 'columns'}, but the token is in column "
            f"{token} and the tag in column {tag}; complete the line, or correct format"
        )
    sentence.ignored_columns += len(cells) - len({token, tag})
    _add(sentence, cells[token - 1], cells[tag - 1].strip(), location)


def _add_conllu(sentence: Sentence, line: str, settings: Mapping[str, Any], location: str) -> None:
    """Add the word of a line of CoNLL-U, or count the line."""
    if line.startswith("#"):
        return
    cells = line.split("\t")
    if len(cells) != CONLLU_COLUMNS:
        raise UnrollError(
            f"{location}: has {len(cells)} columns and not the {CONLLU_COLUMNS} of CoNLL-U, which tabs separate; "
            "correct it, or set format: tagged if the file is not CoNLL-U"
        )
    identifier, expected = cells[0], len(sentence.tokens) + 1
    if EMPTY.fullmatch(identifier):
        sentence.empty_nodes += 1
    elif found := RANGE.fullmatch(identifier):
        if int(found[1]) != expected or int(found[2]) <= expected:
            raise UnrollError(
                f"{location}: the range {identifier} is not {expected}-N with N above {expected}; correct it"
            )
        sentence.token_ranges += 1
    elif not WORD.fullmatch(identifier) or int(identifier) != expected:
        raise UnrollError(
            f"{location}: the word has the ID {identifier[:SHOWN]!r} and not {expected}; number the words from 1"
        )
    else:
        column = TAGS[settings["tag"]]
        if cells[column] == "_":
            other = "xpos" if settings["tag"] == "upos" else "upos"
            raise UnrollError(
                f"{location}: the word {cells[FORM][:SHOWN]!r} has no {settings['tag'].upper()}; set tag: {other}, or "
                "add it"
            )
        _add(sentence, cells[FORM], cells[column], location)


def _add(sentence: Sentence, token: str, tag: str, location: str) -> None:
    if not token.strip() or len(tag.split()) != 1:
        what, content = ("token", token) if not token.strip() else ("tag", tag)
        fault = f"contains white space ({content[:SHOWN]!r})" if content.strip() else "is empty"
        raise UnrollError(f"{location}: the {what} {fault}; write a token and a tag")
    sentence.tokens.append(token)
    sentence.tags.append(tag)
