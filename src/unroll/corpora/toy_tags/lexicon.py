"""The words of toy-tags by class: those of words.yaml with their forms, and many rare words with known suffixes.

The weights fall with the rank as in Zipf's law, so that a text has words that the train split lacks.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

from ruamel.yaml import YAML

WORDS = Path(__file__).with_name("words.yaml")
ONSETS = ("bl", "br", "d", "fl", "g", "gr", "k", "l", "m", "n", "pl", "pr", "r", "sn", "st", "t", "tr", "v", "z")
VOWELS = ("a", "e", "i", "o", "u")
CODAS = ("b", "g", "lk", "m", "nd", "p", "rt")
SUFFIXES = {
    "noun": ("tion", "ness", "er", "ment", ""),
    "verb": ("ate", "ize", "ify", ""),
    "adjective": ("ous", "ful", "ive", "al", ""),
    "name": ("son", "ley", "ford", ""),
}
"""The endings of rare words. Those without a suffix are nouns, verbs and adjectives of the same form."""
SIBILANTS = ("s", "sh", "ch", "x", "z")
EXPONENT = 1.25
"""The weight of the k-th word of a class is (k + 2) ** -EXPONENT."""


def read_classes() -> dict[str, dict[str, float]]:
    """Return the weight of every word of every class, the classes and the words in a fixed order."""
    listed = YAML(typ="safe").load(WORDS)
    irregular = listed.pop("irregular")
    verbs = [*listed.pop("verbs"), *_rare_words("verb")]
    nouns, plurals = [*listed.pop("nouns"), *_rare_words("noun")], listed.pop("plurals")
    adjectives = [*listed.pop("adjectives"), *_rare_words("adjective")]
    names = [word.capitalize() for word in _rare_words("name")]
    forms = [(verb, *irregular.get(verb, _inflect(verb))) for verb in verbs]
    base, singular, past, ing, participle = (list(column) for column in zip(*forms, strict=True))
    classes = listed | {
        "noun_singular": nouns,
        "noun_plural": [plurals.get(noun, add_s(noun)) for noun in nouns],
        "adjective": adjectives,
        "adverb": [*listed["adverb"], *map(_add_ly, adjectives[-len(_rare_words("adjective")) :])],
        "given_name": [*listed["given_name"], *names],
        "surname": [*listed["surname"], *reversed(names)],
        "verb_base": base,
        "verb_plural": base,
        "verb_singular": singular,
        "verb_past": past,
        "verb_ing": ing,
        "verb_participle": participle,
    }
    return {name: _weigh(words) for name, words in classes.items()}


def _weigh(words: Iterable[str]) -> dict[str, float]:
    """Return the weight of each word; that of a word that occurs twice is the sum."""
    weights: dict[str, float] = {}
    for rank, word in enumerate(words):
        weights[word] = weights.get(word, 0.0) + 1 / (rank + 2) ** EXPONENT
    return weights


def _rare_words(kind: str) -> list[str]:
    """Return the rare words of a kind in a fixed order: each stem with one of the suffixes."""
    suffixes = SUFFIXES[kind]
    return [stem + suffixes[number % len(suffixes)] for number, stem in enumerate(_stems())]


def _stems() -> Iterator[str]:
    """Yield all combinations of a beginning, a vowel and an end; neighbours share none of them."""
    for number in range(len(ONSETS) * len(VOWELS) * len(CODAS)):  # the lengths have no common factor
        yield ONSETS[number % len(ONSETS)] + VOWELS[number % len(VOWELS)] + CODAS[number % len(CODAS)]


def add_s(word: str) -> str:
    """Return the plural of a noun, or the third person of a verb."""
    if word.endswith(SIBILANTS):
        return word + "es"
    return word[:-1] + "ies" if word.endswith("y") and word[-2] not in "aeiou" else word + "s"


def _inflect(verb: str) -> tuple[str, str, str, str]:
    """Return the third person, the past tense, the -ing form and the participle of a regular verb."""
    if verb.endswith("e"):
        past, ing = verb + "d", verb[:-1] + "ing"
    elif verb.endswith("y") and verb[-2] not in "aeiou":
        past, ing = verb[:-1] + "ied", verb + "ing"
    else:
        past, ing = verb + "ed", verb + "ing"
    return add_s(verb), past, ing, past


def _add_ly(adjective: str) -> str:
    """Return the adverb of an adjective."""
    return adjective + ("y" if adjective.endswith("l") and not adjective.endswith("ll") else "ly")
