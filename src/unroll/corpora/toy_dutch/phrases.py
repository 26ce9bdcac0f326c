"""The rules of the synchronous grammar for noun phrases with agreement, places, directions and adverbials."""

from collections.abc import Sequence
from dataclasses import replace
from random import Random
from typing import TypeVar

from unroll.corpora.toy_dutch.clause import Adverbial, NounPhrase, Tense
from unroll.corpora.toy_dutch.lexicon import Adjective, Determiner, Noun, Pair, Pronoun, lexicon

T = TypeVar("T")

BARE = Determiner("", "", "", "", "", definite=False)
PERSON = {"kin", "people", "profession"}


def noun_phrase(
    noun: Noun, determiner: Determiner, plural: bool = False, adjective: Adjective | None = None
) -> NounPhrase:
    """Return a noun phrase: de grote man, het grote huis, een groot huis, grote huizen; a house, an old house."""
    words = _agree(noun, determiner, plural, adjective)
    none = words if determiner.definite else _agree(noun, lexicon().determiners["no"], plural, adjective)
    head, neuter = noun.singular.nl, noun.neuter
    return NounPhrase(
        words, words, words.nl, none, determiner.definite, plural=plural, kind=noun.kind, head=head, neuter=neuter
    )


def _agree(noun: Noun, determiner: Determiner, plural: bool, adjective: Adjective | None) -> Pair:
    """Return determiner, adjective and noun in the forms that agree."""
    nouns = noun.plural if plural and noun.plural else noun.singular
    if plural:
        article = Pair(determiner.plural, determiner.de_plural)
    else:
        article = Pair(determiner.singular, determiner.het if noun.neuter else determiner.de)
    modified = nouns
    if adjective:
        # The form without -e occurs only before a singular het-word that is not definite (een groot huis).
        uninflected = noun.neuter and not plural and not determiner.definite
        modified = Pair(adjective.en, adjective.nl if uninflected else adjective.inflected) + nouns
    if article.en == "a" and _starts_with_vowel(modified.en):
        article = replace(article, en="an")
    return article + modified


def _starts_with_vowel(word: str) -> bool:
    """Return whether the pronunciation of an English word begins with a vowel."""
    return word.startswith(("hon", "hour")) or (word[0] in "aeiou" and not word.startswith(("uni", "use", "eu", "one")))


def personal(p: Pronoun) -> NounPhrase:
    """Return the phrase of a personal pronoun."""
    return NounPhrase(p.subject, p.object, p.indirect, p.object, True, p.person, p.plural, True, "pronoun")


class Phrases:
    """Random phrases."""

    def __init__(self, random: Random) -> None:
        """Set the generator of all choices."""
        self.random = random
        self.words = lexicon()

    def chance(self, probability: float) -> bool:
        """Return True with the given probability."""
        return self.random.random() < probability

    def pick(self, options: Sequence[T]) -> T:
        """Return one of the options, each with the same probability."""
        return options[int(self.random.random() * len(options))]

    def noun(self, kinds: Sequence[str], avoid: NounPhrase | None = None) -> Noun:
        """Choose a noun of one of the classes that is not the noun of `avoid`."""
        while True:
            noun = self.pick(self.words.nouns[self.pick(kinds)])
            if avoid is None or noun.singular.nl != avoid.head:
                return noun

    def subject(self, kinds: Sequence[str], *, every: bool = True, adjectives: bool = True) -> NounPhrase:
        """Derive a definite subject or one with "every"; also a pronoun or a name if it may be a person."""
        if "person" in kinds and self.chance(0.4):
            return self.person() if self.chance(0.7) else self.name()
        noun = self.noun(kinds)
        if every and noun.plural and noun.kind in PERSON and self.chance(0.08):
            return noun_phrase(noun, self.words.determiners["every"], False)
        return self.definite(noun, adjectives)

    def object(self, kinds: Sequence[str], subject: NounPhrase, *, negated: bool) -> NounPhrase:
        """Derive an object that is not the subject. Negated clauses have no numbers (geen twee boeken is ambiguous)."""
        if "person" in kinds and self.chance(0.4):
            phrase = self.person() if self.chance(0.6) else self.name(subject)
            if phrase.person == 3 or phrase.person != subject.person:  # a reflexive pronoun would be needed
                return phrase
        noun = self.noun(kinds, subject)
        if self.chance(0.5) or "person" in kinds:
            return self.definite(noun)
        adjective, determiners = self.adjective(noun), self.words.determiners
        if noun.plural is None:
            return noun_phrase(noun, BARE, False, adjective)
        if self.chance(0.6):
            return noun_phrase(noun, determiners["a"], False, adjective)
        counted = not negated and self.chance(0.7)
        return noun_phrase(noun, determiners[self.pick(COUNTED)] if counted else BARE, True, adjective)

    def definite(self, noun: Noun, adjectives: bool = True) -> NounPhrase:
        """Derive a phrase with the, this, that or a possessive."""
        plural = noun.plural is not None and self.chance(0.25)
        name = "the"
        if noun.plural is not None and self.chance(0.4):
            possessive = noun.kind not in {"people", "profession", "area"}  # "my woman" does not mean mijn vrouw
            name = self.pick(_POSSESSIVES if possessive and self.chance(0.7) else _DEMONSTRATIVES)
        adjective = self.adjective(noun) if adjectives else None
        return noun_phrase(noun, self.words.determiners[name], plural, adjective)

    def adjective(self, noun: Noun) -> Adjective | None:
        """Choose an adjective that can modify the noun, or None."""
        fitting = self.words.fitting[noun.kind]
        return self.pick(fitting) if fitting and self.chance(0.3) else None

    def person(self) -> NounPhrase:
        """Choose a personal pronoun."""
        return personal(self.pick(self.words.pronouns))

    def name(self, avoid: NounPhrase | None = None) -> NounPhrase:
        """Choose a name other than `avoid`."""
        name = self.pick([name for name in self.words.names if avoid is None or name != avoid.subject.nl])
        return NounPhrase(Pair(name, name), Pair(name, name), name, Pair(name, name), True, kind="name")

    def place(self, kinds: Sequence[str] = ("place", "place", "there")) -> Pair:
        """Derive a location: in the garden, in Amsterdam, at home."""
        kind = self.pick(kinds)
        if kind == "town":
            return Pair("in", "in") + self.pick(self.words.towns)
        if kind == "there":
            return self.pick(self.words.adverbs[kind])
        noun = self.noun([kind])
        assert noun.place is not None
        return noun.place + self.location_noun(noun)

    def direction(self, kinds: Sequence[str]) -> Pair:
        """Derive a direction: to the garden, to Amsterdam, home."""
        kind = self.pick(kinds)
        if kind == "town":
            return Pair("to", "naar") + self.pick(self.words.towns)
        if kind in ("destination", "on_foot"):
            return self.pick(self.words.adverbs[kind])
        return Pair("to", "naar") + self.location_noun(self.noun([kind]))

    def position(self, kind: str) -> Pair:
        """Derive a position of a thing of this class: on the table, in the kitchen."""
        if kind == "vehicle":
            return self.place(["area"])
        if kind in ("furniture", "animal"):
            return self.place(["room"])
        return self.pick(self.words.positions) + self.location_noun(self.noun(["furniture"]))

    def location_noun(self, noun: Noun) -> Pair:
        """Derive a singular definite phrase, usually with the article, for a location or direction."""
        name = self.pick(_DEMONSTRATIVES) if self.chance(0.15) else "the"
        return noun_phrase(noun, self.words.determiners[name], False, self.adjective(noun)).subject

    def adverbial(self, tense: Tense, future: bool, negated: bool) -> Adverbial:
        """Derive an adverbial that agrees with the tense; `future` is for clauses with a modal verb."""
        adverbs = self.words.adverbs
        if future:
            return Adverbial(self.pick(adverbs["future"]))
        if tense is Tense.PERFECT and negated:
            return Adverbial(Pair("yet", "nog"), frequency=True)
        if tense is Tense.PERFECT:
            return Adverbial(self.pick(adverbs["perfect"]), before_verb=True, frequency=True)
        if tense is not Tense.HABIT:
            return Adverbial(self.pick(adverbs[tense.name.lower()]))
        kind = self.pick(("habit", "every", "often") if negated else ("habit", "every", "often", "sometimes"))
        words = self.pick(adverbs[kind])
        return Adverbial(words, kind in ("often", "sometimes"), kind != "habit", kind in ("every", "often"))


_POSSESSIVES = ("my", "your", "his", "her", "our", "their")
_DEMONSTRATIVES = ("this", "that")
COUNTED = ("two", "three", "four", "ten", "many", "some")
