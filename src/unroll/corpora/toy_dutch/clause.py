"""The result of a derivation: a clause that is independent of language and word order.

The grammar derives clauses. The modules `english` and `dutch` linearize the same clause. This is one abstract syntax
with two concrete syntaxes (Ranta, 2011, Grammatical Framework).
"""

from dataclasses import dataclass
from enum import Enum

from unroll.corpora.toy_dutch.lexicon import EnglishVerb, Pair, Verb


class Tense(Enum):
    """The tense and aspect of a clause; the value is an example in both languages."""

    ONGOING = "is reading: leest"
    HABIT = "reads: leest"
    PAST = "read: las"
    PERFECT = "has read: heeft gelezen"


@dataclass(frozen=True)
class Modal:
    """A modal verb. It is in the present tense, and an infinitive follows."""

    auxiliary: str
    """The English auxiliary (can, may, will); "" if English uses a full verb with `to` (wants to, has to)."""
    verb: Verb
    """The modal verb in both languages."""
    negated: Verb | None = None
    """The Dutch verb that replaces it under negation: moeten, but niet hoeven te."""


@dataclass(frozen=True)
class NounPhrase:
    """A noun phrase with its forms and features."""

    subject: Pair
    """The form as subject."""
    object: Pair
    """The form as direct object."""
    indirect: str
    """The Dutch form as indirect object."""
    none: Pair
    """The form with the article "no" or "geen", if the phrase is indefinite."""
    definite: bool
    """Whether the phrase is definite."""
    person: int = 3
    """The grammatical person."""
    plural: bool = False
    """Whether the phrase is plural."""
    pronoun: bool = False
    """Whether the phrase is a pronoun."""
    kind: str = ""
    """The class of the noun; "name" or "pronoun" for a phrase without a noun."""
    head: str = ""
    """The Dutch noun, which identifies phrases with the same noun."""
    neuter: bool = False
    """Whether the Dutch noun is neuter (a het-word)."""
    relative: Pair | None = None
    """A relative clause that modifies the phrase."""


@dataclass(frozen=True)
class Adverbial:
    """An adverbial with its positions."""

    words: Pair
    """The words."""
    before_verb: bool = False
    """Whether the English adverbial precedes the verb: often reads, but reads every day."""
    frequency: bool = False
    """Whether the Dutch adverbial follows a definite object, as vaak does. An adverbial of time precedes it."""
    under_negation: bool = False
    """Whether the Dutch adverbial follows niet: niet vaak, niet elke dag, but vandaag niet, nog niet."""


@dataclass(frozen=True)
class Clause:
    """A clause: its verb, its arguments and its adverbials."""

    subject: NounPhrase
    verb: Verb
    tense: Tense
    modal: Modal | None = None
    negated: bool = False
    indirect: NounPhrase | None = None
    object: NounPhrase | None = None
    complement: Pair | None = None
    """The end of the Dutch middle field: a predicate, a direction or a prepositional object."""
    adverbial: Adverbial | None = None
    manner: Pair | None = None
    place: Pair | None = None
    tail: Pair | None = None
    """A clause at the end: that ..., dat ..."""
    er: bool = False
    """Whether Dutch er follows the finite verb, because the clause has no definite phrase (wie slaapt er?)."""

    def fronted(self, front: str) -> Pair:
        """Return the words of the field that precedes the subject: "adverbial", "place" or "" for none."""
        if front == "adverbial" and self.adverbial:
            return self.adverbial.words
        return self.place if front == "place" and self.place else Pair("", "")


BE = EnglishVerb("be", "is", "was", "been", "being", "")


def pronoun(words: Pair, kind: str, *, plural: bool = False) -> NounPhrase:
    """Return a phrase of one word that is not a personal pronoun: who, it, there or a relative pronoun."""
    return NounPhrase(words, words, words.nl, words, definite=True, plural=plural, pronoun=True, kind=kind)
