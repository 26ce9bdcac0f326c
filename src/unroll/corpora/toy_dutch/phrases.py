"""Phrases of the synchronous grammar: noun phrases with their agreement, places, directions and adverbials."""

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
    """De grote man, het grote huis, een groot huis, grote huizen; a house, an old house."""
    words = _agree(noun, determiner, plural, adjective)
    none = words if determiner.definite else _agree(noun, lexicon().determiners["no"], plural, adjective)
    head, neuter = noun.singular.nl, noun.neuter
    return NounPhrase(
        words, words, words.nl, none, determiner.definite, plural=plural, kind=noun.kind, head=head, neuter=neuter
    )


def _agree(noun: Noun, determiner: Determiner, plural: bool, adjective: Adjective | None) -> Pair:
    nouns = noun.plural if plural and noun.plural else noun.singular
    if plural:
        article = Pair(determiner.plural, determiner.de_plural)
    else:
        article = Pair(determiner.singular, determiner.het if noun.neuter else determiner.de)
    described = nouns
    if adjective:
        # The only place of the form without -e: a singular het-word that is not definite (een groot huis).
        plain = noun.neuter and not plural and not determiner.definite
        described = Pair(adjective.en, adjective.nl if plain else adjective.inflected) + nouns
    if article.en == "a" and _vowel(described.en):
        article = replace(article, en="an")
    return article + described


def _vowel(word: str) -> bool:
    """Whether a word begins with the sound of a vowel."""
    return word.startswith(("hon", "hour")) or (word[0] in "aeiou" and not word.startswith(("uni", "use", "eu", "one")))


def personal(p: Pronoun) -> NounPhrase:
    return NounPhrase(p.subject, p.object, p.indirect, p.object, True, p.person, p.plural, True, "pronoun")


class Phrases:
    """Random phrases; every choice comes from one generator."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.words = lexicon()

    def chance(self, probability: float) -> bool:
        return self.random.random() < probability

    def pick(self, options: Sequence[T]) -> T:
        return options[int(self.random.random() * len(options))]

    def noun(self, kinds: Sequence[str], avoid: NounPhrase | None = None) -> Noun:
        while True:
            noun = self.pick(self.words.nouns[self.pick(kinds)])
            if avoid is None or noun.singular.nl != avoid.head:
                return noun

    def subject(self, kinds: Sequence[str], *, every: bool = True, described: bool = True) -> NounPhrase:
        """A definite phrase, or every ...; a pronoun or a name if it may be a person."""
        if "person" in kinds and self.chance(0.4):
            return self.person() if self.chance(0.7) else self.name()
        noun = self.noun(kinds)
        if every and noun.plural and noun.kind in PERSON and self.chance(0.08):
            return noun_phrase(noun, self.words.determiners["every"], False)
        return self.definite(noun, described)

    def object(self, kinds: Sequence[str], subject: NounPhrase, *, negated: bool) -> NounPhrase:
        """Any phrase but the subject itself. Under negation no numbers: geen twee boeken would be only one or three."""
        if "person" in kinds and self.chance(0.4):
            phrase = self.person() if self.chance(0.6) else self.name(subject)
            if phrase.person == 3 or phrase.person != subject.person:  # no reflexives
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

    def definite(self, noun: Noun, described: bool = True) -> NounPhrase:
        """The, this, that or someone's."""
        plural = noun.plural is not None and self.chance(0.25)
        name = "the"
        if noun.plural is not None and self.chance(0.4):
            own = noun.kind not in {"people", "profession", "area"}  # "my woman" is not mijn vrouw
            name = self.pick(_OWN if own and self.chance(0.7) else _SHOWN)
        adjective = self.adjective(noun) if described else None
        return noun_phrase(noun, self.words.determiners[name], plural, adjective)

    def adjective(self, noun: Noun) -> Adjective | None:
        """One that goes with the noun, or none."""
        fitting = self.words.fitting[noun.kind]
        return self.pick(fitting) if fitting and self.chance(0.3) else None

    def person(self) -> NounPhrase:
        return personal(self.pick(self.words.pronouns))

    def name(self, avoid: NounPhrase | None = None) -> NounPhrase:
        name = self.pick([name for name in self.words.names if avoid is None or name != avoid.subject.nl])
        return NounPhrase(Pair(name, name), Pair(name, name), name, Pair(name, name), True, kind="name")

    def place(self, kinds: Sequence[str] = ("place", "place", "there")) -> Pair:
        """Where: in the garden, in Amsterdam, at home."""
        kind = self.pick(kinds)
        if kind == "town":
            return Pair("in", "in") + self.pick(self.words.towns)
        if kind == "there":
            return self.pick(self.words.adverbs[kind])
        noun = self.noun([kind])
        assert noun.place is not None
        return noun.place + self.nearby(noun)

    def direction(self, kinds: Sequence[str]) -> Pair:
        """Whither: to the garden, to Amsterdam, home."""
        kind = self.pick(kinds)
        if kind == "town":
            return Pair("to", "naar") + self.pick(self.words.towns)
        if kind in ("thither", "afoot"):
            return self.pick(self.words.adverbs[kind])
        return Pair("to", "naar") + self.nearby(self.noun([kind]))

    def position(self, kind: str) -> Pair:
        """Where a thing of this kind is to be found."""
        if kind == "vehicle":
            return self.place(["area"])
        if kind in ("furniture", "animal"):
            return self.place(["room"])
        return self.pick(self.words.positions) + self.nearby(self.noun(["furniture"]))

    def nearby(self, noun: Noun) -> Pair:
        """The words of a singular definite phrase, mostly with the plain article."""
        name = self.pick(_SHOWN) if self.chance(0.15) else "the"
        return noun_phrase(noun, self.words.determiners[name], False, self.adjective(noun)).subject

    def adverbial(self, tense: Tense, future: bool, negated: bool) -> Adverbial:
        """One that goes with the tense; `future`: with a modal verb."""
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


_OWN = ("my", "your", "his", "her", "our", "their")
_SHOWN = ("this", "that")
COUNTED = ("two", "three", "four", "ten", "many", "some")
