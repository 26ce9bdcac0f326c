"""Cleaning of tagged text: every token is cleaned by itself, so that each keeps its tag."""

from collections import Counter
from collections.abc import Callable, Iterable

JOINER = "_"
"""The character in the place of white space inside a token, since tokens are words."""


def clean_tokens(
    cleaner: Callable[[str], str], tokens: Iterable[str], tags: Iterable[str], changed: Counter[str]
) -> tuple[list[str], list[str]]:
    """Clean the tokens of a sentence.

    Args:
        cleaner: Cleans one text.
        tokens: The tokens.
        tags: The tag of each token.
        changed: Counts what was changed: `empty_tokens` are tokens of which nothing is left, which are dropped with
            their tags, and `spaces_in_tokens` are white space that became `JOINER`.

    Returns:
        The clean tokens, without white space, and their tags.
    """
    kept: tuple[list[str], list[str]] = [], []
    for token, tag in zip(tokens, tags, strict=True):
        words = cleaner(token).split()
        if not words:
            changed["empty_tokens"] += 1
            continue
        changed["spaces_in_tokens"] += len(words) - 1
        kept[0].append(JOINER.join(words))
        kept[1].append(tag)
    return kept
