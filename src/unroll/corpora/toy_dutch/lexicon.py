"""The words of the synchronous grammar, read from words.yaml and verbs.yaml, with all their forms."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from ruamel.yaml import YAML


@dataclass(frozen=True)
class Pair:
    """The same words in English and in Dutch. The operator `+` concatenates in both languages."""

    en: str
    nl: str

    def __add__(self, other: "Pair") -> "Pair":
        return Pair(_join(self.en, other.en), _join(self.nl, other.nl))


@dataclass(frozen=True)
class Noun:
    """A noun."""

    singular: Pair
    plural: Pair | None
    """The plural; None for a mass noun."""
    neuter: bool
    """Whether the Dutch article is het and not de."""
    kind: str
    """The class of the noun, a key of `nouns`."""
    place: Pair | None
    """For a place, the prepositions of a location there."""


@dataclass(frozen=True)
class Adjective:
    """An adjective."""

    en: str
    nl: str
    inflected: str
    """The Dutch form that ends in -e."""
    comparative: Pair | None
    kinds: frozenset[str]
    """The classes of the nouns that it can modify."""
    attributive: bool
    """Whether the adjective occurs only before a noun."""


@dataclass(frozen=True)
class Determiner:
    """A determiner: forms by number (English) and by gender and number (Dutch); "" if a form does not exist."""

    singular: str
    plural: str
    de: str
    het: str
    de_plural: str
    definite: bool


@dataclass(frozen=True)
class Pronoun:
    """A personal pronoun."""

    subject: Pair
    object: Pair
    indirect: str
    """The Dutch indirect object, for example hun (the direct object is hen)."""
    person: int
    plural: bool


@dataclass(frozen=True)
class EnglishVerb:
    """The forms of an English verb."""

    base: str
    third: str
    past: str
    participle: str
    progressive: str
    particle: str


@dataclass(frozen=True)
class DutchVerb:
    """The forms of a Dutch verb."""

    infinitive: str
    first: str
    third: str
    past: str
    past_plural: str
    participle: str
    auxiliary: str
    """The auxiliary of the perfect, hebben or zijn."""
    particle: str
    """The particle of a separable verb, otherwise "". Only the participle contains it."""


@dataclass(frozen=True)
class Verb:
    """A verb in both languages, with the classes of its arguments."""

    en: EnglishVerb
    nl: DutchVerb
    subjects: tuple[str, ...]
    """The classes of its subjects."""
    objects: tuple[str, ...]
    """The classes of its objects, places or directions."""
    preposition: Pair | None
    """The preposition of its object."""
    flags: frozenset[str]
    """A subset of state, event and manner, which verbs.yaml explains."""


@dataclass(frozen=True)
class Lexicon:
    """All words."""

    nouns: dict[str, list[Noun]]
    """The nouns by class. A class that consists of classes contains all their nouns."""
    adjectives: list[Adjective]
    fitting: dict[str, list[Adjective]]
    """The adjectives by the class of the nouns that they can modify."""
    determiners: dict[str, Determiner]
    pronouns: list[Pronoun]
    names: list[str]
    towns: list[Pair]
    adverbs: dict[str, list[Pair]]
    positions: list[Pair]
    conjunctions: list[tuple[Pair, str]]
    """The subordinating conjunctions, with the rule for the tenses of both clauses."""
    coordinators: list[Pair]
    verbs: dict[str, list[Verb]]
    """The verbs by frame, the kind of arguments that they require."""
    grammatical: dict[str, Verb]
    """The auxiliaries and modal verbs by name."""

    def within(self, kind: str, kinds: Iterable[str]) -> bool:
        """Return whether the class `kind` is one of `kinds` or a part of one."""
        return any(noun.kind == kind for name in kinds for noun in self.nouns.get(name, []))

    def entries(self) -> Iterator[tuple[str, str]]:
        """Return an iterator over all words without duplicates, as pairs of part of speech and Dutch citation form."""
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
    """Read words.yaml and verbs.yaml."""
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
    # In YAML 1.2, `no` and `on` are strings and not booleans.
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
    (singular, plural), (article, enkelvoud, meervoud) = _forms(english), _forms(dutch)
    plurals = Pair(plural, meervoud) if plural else None
    return Noun(
        Pair(singular, enkelvoud), plurals, article == "het", kind, Pair(*_forms(places[0])) if places else None
    )


def _adjective(line: str, classes: dict[str, list[str]], attributive: bool) -> Adjective:
    english, dutch, kinds = _fields(line)
    (en, en_comparative), (nl, inflected, nl_comparative) = _forms(english), _forms(dutch)
    members = frozenset(member for kind in kinds.split() for member in classes.get(kind, [kind]))
    comparative = Pair(en_comparative, nl_comparative) if en_comparative else None
    return Adjective(en, nl, inflected, comparative, members, attributive)


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
    infinitive, first, nl_third, nl_past, nl_past_plural, nl_participle, auxiliary = _forms(dutch)
    nl_particle, _, plain = infinitive.rpartition("-")
    nl_participle = nl_participle.replace("-", "")
    return Verb(
        EnglishVerb(base, third, past, participle, progressive, en_particle),
        DutchVerb(plain, first, nl_third, nl_past, nl_past_plural, nl_participle, auxiliary, nl_particle),
        tuple(subjects.replace("-", "").split()),
        tuple(objects.split()),
        Pair(*_forms(preposition)) if preposition else None,
        frozenset(flags.split()),
    )
