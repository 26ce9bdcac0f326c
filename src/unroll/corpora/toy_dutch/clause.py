"""What a derivation of the synchronous grammar is: a clause without a language or a word order.

The grammar (grammar.py) derives clauses; english.py and dutch.py each put the same clause
into words: one abstract syntax, two concrete ones (Ranta, Grammatical Framework, 2011).
"""

from dataclasses import dataclass
from enum import Enum

from unroll.corpora.toy_dutch.lexicon import EnglishVerb, Pair, Verb


class Tense(Enum):
    ONGOING = "is reading: leest"
    HABIT = "reads: leest"
    PAST = "read: las"
    PERFECT = "has read: heeft gelezen"


@dataclass(frozen=True)
class Modal:
    """Takes the tense of its clause (always the present), an infinitive follows."""

    auxiliary: str
    """English can, may, will; "" where a full verb with `to` is used (wants to, has to)."""
    verb: Verb
    negated: Verb | None = None
    """The Dutch verb that takes its place under negation: moeten, but niet hoeven te."""


@dataclass(frozen=True)
class NounPhrase:
    subject: Pair
    object: Pair
    indirect: str
    """The Dutch indirect object."""
    none: Pair
    """With "no" and "geen" for its article, if it is indefinite."""
    definite: bool
    person: int = 3
    plural: bool = False
    pronoun: bool = False
    kind: str = ""
    """The class of its noun; "name" and "pronoun" where there is none."""
    head: str = ""
    """Its Dutch noun, to tell two phrases of one noun."""
    neuter: bool = False
    relative: Pair | None = None
    """A relative clause that belongs to it."""


@dataclass(frozen=True)
class Adverbial:
    words: Pair
    before_verb: bool = False
    """English: often reads, but reads every day."""
    frequency: bool = False
    """Dutch: stands after a definite object, as vaak does; a time stands before it."""
    under_negation: bool = False
    """Dutch: niet vaak, niet elke dag; but vandaag niet, nog niet."""


@dataclass(frozen=True)
class Clause:
    subject: NounPhrase
    verb: Verb
    tense: Tense
    modal: Modal | None = None
    negated: bool = False
    indirect: NounPhrase | None = None
    object: NounPhrase | None = None
    complement: Pair | None = None
    """What ends the Dutch middle field: a predicate, a direction, a prepositional object."""
    adverbial: Adverbial | None = None
    manner: Pair | None = None
    place: Pair | None = None
    tail: Pair | None = None
    """A clause that comes after all else: that ..., dat ..."""
    er: bool = False
    """Dutch: er after the finite verb, for want of a definite phrase (wie slaapt er?)."""

    def fronted(self, front: str) -> Pair:
        """The field that stands before the subject: "adverbial", "place" or "", none."""
        if front == "adverbial" and self.adverbial:
            return self.adverbial.words
        return self.place if front == "place" and self.place else Pair("", "")


BE = EnglishVerb("be", "is", "was", "been", "being", "")


def pronoun(words: Pair, kind: str, *, plural: bool = False) -> NounPhrase:
    """A phrase of one word that is no personal pronoun: who, it, there, a relative pronoun."""
    return NounPhrase(words, words, words.nl, words, definite=True, plural=plural, pronoun=True, kind=kind)
