"""The words of the synchronous grammar: words.yaml and verbs.yaml as values, every form written out."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from ruamel.yaml import YAML


@dataclass(frozen=True)
class Pair:
    """The same thing said in English and in Dutch; `+` says two things one after the other in both."""

    en: str
    nl: str

    def __add__(self, other: "Pair") -> "Pair":
        return Pair(_join(self.en, other.en), _join(self.nl, other.nl))


@dataclass(frozen=True)
class Noun:
    singular: Pair
    plural: Pair | None
    """None: a mass noun."""
    neuter: bool
    """het, not de."""
    kind: str
    """Its class, a key of `nouns`."""
    place: Pair | None
    """The prepositions of being there, for a place."""


@dataclass(frozen=True)
class Adjective:
    en: str
    nl: str
    inflected: str
    """The Dutch form in -e."""
    comparative: Pair | None
    kinds: frozenset[str]
    attributive: bool
    """Stands before a noun only."""


@dataclass(frozen=True)
class Determiner:
    """Forms by number (English) and by gender and number (Dutch); "" where there is none."""

    singular: str
    plural: str
    de: str
    het: str
    de_plural: str
    definite: bool


@dataclass(frozen=True)
class Pronoun:
    subject: Pair
    object: Pair
    indirect: str
    """The Dutch indirect object: hun beside hen."""
    person: int
    plural: bool


@dataclass(frozen=True)
class EnglishVerb:
    base: str
    third: str
    past: str
    participle: str
    progressive: str
    particle: str


@dataclass(frozen=True)
class DutchVerb:
    infinitive: str
    first: str
    third: str
    past: str
    past_plural: str
    participle: str
    auxiliary: str
    """hebben or zijn."""
    particle: str
    """Of a separable verb; "" of another. The infinitive and the finite forms are without it, the participle has it."""


@dataclass(frozen=True)
class Verb:
    en: EnglishVerb
    nl: DutchVerb
    subjects: tuple[str, ...]
    objects: tuple[str, ...]
    preposition: Pair | None
    flags: frozenset[str]
    """Of state, event, manner: see verbs.yaml."""


@dataclass(frozen=True)
class Lexicon:
    nouns: dict[str, list[Noun]]
    """By class; a class of classes holds the nouns of all of them."""
    adjectives: list[Adjective]
    fitting: dict[str, list[Adjective]]
    """By the class of the noun that they go with."""
    determiners: dict[str, Determiner]
    pronouns: list[Pronoun]
    names: list[str]
    towns: list[Pair]
    adverbs: dict[str, list[Pair]]
    positions: list[Pair]
    conjunctions: list[tuple[Pair, str]]
    """With the rule that the tenses of the two clauses follow."""
    coordinators: list[Pair]
    verbs: dict[str, list[Verb]]
    """By what they take."""
    grammatical: dict[str, Verb]

    def within(self, kind: str, kinds: Iterable[str]) -> bool:
        """Whether the class `kind` is one of `kinds` or part of one."""
        return any(noun.kind == kind for name in kinds for noun in self.nouns.get(name, []))

    def entries(self) -> Iterator[tuple[str, str]]:
        """Every word once, as (kind of word, Dutch citation form)."""
        seen = dict.fromkeys(("noun", noun.singular.nl) for nouns in self.nouns.values() for noun in nouns)
        seen |= dict.fromkeys(("adjective", adjective.nl) for adjective in self.adjectives)
        seen |= dict.fromkeys(("verb", v.nl.particle + v.nl.infinitive) for verbs in self.verbs.values() for v in verbs)
        seen |= dict.fromkeys(("verb", verb.nl.infinitive) for verb in self.grammatical.values())
        seen |= dict.fromkeys(("adverb", adverb.nl) for adverbs in self.adverbs.values() for adverb in adverbs)
        seen |= dict.fromkeys(("name", name) for name in self.names) | dict.fromkeys(("name", t.nl) for t in self.towns)
        seen |= dict.fromkeys(("determiner", d.de or d.de_plural) for d in self.determiners.values())
        seen |= dict.fromkeys(("pronoun", f"{p.subject.nl} {p.object.nl}") for p in self.pronouns)
        seen |= dict.fromkeys(("conjunction", pair.nl) for pair, _ in self.conjunctions)
        return iter(seen)


@cache
def lexicon() -> Lexicon:
    """Read the two files that lie beside this one."""
    words, verbs = _read("words.yaml"), _read("verbs.yaml")
    classes = {name: members.split() for name, members in words["classes"].items()}
    nouns = {kind: [_noun(line, kind) for line in lines] for kind, lines in words["nouns"].items()}
    nouns |= {name: [noun for member in members for noun in nouns[member]] for name, members in classes.items()}
    adjectives = [_adjective(line, classes, False) for line in words["adjectives"]]
    adjectives += [_adjective(line, classes, True) for line in words["attributive"]]
    return Lexicon(
        nouns=nouns,
        adjectives=adjectives,
        fitting={kind: [adjective for adjective in adjectives if kind in adjective.kinds] for kind in nouns},
        determiners={name: _determiner(line) for name, line in words["determiners"].items()},
        pronouns=[_pronoun(line) for line in words["pronouns"]],
        names=words["names"],
        towns=[_pair(line) for line in words["towns"]],
        adverbs={kind: [_pair(line) for line in lines] for kind, lines in words["adverbs"].items()},
        positions=[_pair(line) for line in words["positions"]],
        conjunctions=[(Pair(*fields[:2]), fields[2]) for fields in map(_fields, words["conjunctions"])],
        coordinators=[_pair(line) for line in words["coordinators"]],
        grammatical={name: _verb(line) for name, line in verbs.pop("grammatical").items()},
        verbs={frame: [_verb(line) for line in lines] for frame, lines in verbs.items()},
    )


def _read(name: str) -> dict[str, Any]:
    # YAML 1.2: `no` and `on` are words, not truth values.
    return YAML(typ="safe").load(resources.files(__package__).joinpath(name).read_text(encoding="utf-8"))


def _join(left: str, right: str) -> str:
    return f"{left} {right}" if left and right else left or right


def _fields(line: str) -> list[str]:
    return [field.strip() for field in line.split("|")]


def _forms(field: str) -> list[str]:
    return ["" if form == "-" else form.replace("_", " ") for form in field.split()]


def _pair(line: str) -> Pair:
    en, nl = _fields(line)
    return Pair(en, nl)


def _noun(line: str, kind: str) -> Noun:
    english, dutch, *places = _fields(line)
    (one, many), (article, een, meer) = _forms(english), _forms(dutch)
    plural = Pair(many, meer) if many else None
    return Noun(Pair(one, een), plural, article == "het", kind, Pair(*_forms(places[0])) if places else None)


def _adjective(line: str, classes: dict[str, list[str]], attributive: bool) -> Adjective:
    english, dutch, kinds = _fields(line)
    (en, en_more), (nl, inflected, nl_more) = _forms(english), _forms(dutch)
    members = frozenset(member for kind in kinds.split() for member in classes.get(kind, [kind]))
    return Adjective(en, nl, inflected, Pair(en_more, nl_more) if en_more else None, members, attributive)


def _determiner(line: str) -> Determiner:
    english, dutch, definite = _fields(line)
    singular, plural = _forms(english)
    de, het, de_plural = _forms(dutch)
    return Determiner(singular, plural, de, het, de_plural, definite == "definite")


def _pronoun(line: str) -> Pronoun:
    english, dutch, agreement = _fields(line)
    (en, en_object), (nl, nl_object, indirect), (person, number) = _forms(english), _forms(dutch), agreement.split()
    return Pronoun(Pair(en, nl), Pair(en_object, nl_object), indirect, int(person), number == "plural")


def _verb(line: str) -> Verb:
    english, dutch, subjects, objects, preposition, flags = (*_fields(line), "", "", "", "")[:6]
    base, third, past, participle, progressive = _forms(english)
    base, _, en_particle = base.partition("-")
    infinitive, first, hij, verleden, verleden_meer, voltooid, auxiliary = _forms(dutch)
    nl_particle, _, plain = infinitive.rpartition("-")
    return Verb(
        EnglishVerb(base, third, past, participle, progressive, en_particle),
        DutchVerb(plain, first, hij, verleden, verleden_meer, voltooid.replace("-", ""), auxiliary, nl_particle),
        tuple(subjects.replace("-", "").split()),
        tuple(objects.split()),
        Pair(*_forms(preposition)) if preposition else None,
        frozenset(flags.split()),
    )
