"""The text that commands print: characters that could harm a terminal are visible escapes, and all others are text.

Harmful are control characters (a terminal obeys escape sequences), characters that reorder the text around them
(Boucher and Anderson 2023, "Trojan Source"), line separators, which break a line that must stay one, and halves of
surrogate pairs, which UTF-8 cannot encode. A tab, joiners such as U+200D, the marks of scripts, spaces of other
scripts, private and unassigned characters are text.
"""

import json
import re

HARMFUL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u206f\ud800-\udfff]")
"""All of them but the line break, which `escape_lines` keeps."""


def escape_control(text: str) -> str:
    """Replace the characters of a line that could harm a terminal by escapes such as a backslash and x1b."""
    return escape_lines(text).replace("\n", "\\n")


def escape_lines(text: str) -> str:
    """Replace the harmful characters of lines; line breaks are kept."""
    return HARMFUL.sub(lambda match: match.group().encode("unicode_escape").decode(), text)


def escape_column(text: str) -> str:
    """Replace harmful characters, and tabs, which would end a column of a row."""
    return escape_control(text).replace("\t", "\\t")


def escape_json(text: str) -> str:
    """Replace the harmful characters of a line of JSON by escapes of JSON, which keep its value."""
    return HARMFUL.sub(lambda match: json.dumps(match.group())[1:-1], text)


def print_line(text: str) -> None:
    """Print a text as one line."""
    print(escape_control(text))


def print_row(*columns: str) -> None:
    """Print columns with tabs between them. Only the last column may contain tabs."""
    print("\t".join([*map(escape_column, columns[:-1]), escape_control(columns[-1])]))
