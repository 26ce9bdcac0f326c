"""The rules of the synchronous grammar for clauses, by the frame of their verb."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from unroll.corpora.toy_dutch import dutch, english
from unroll.corpora.toy_dutch.clause import Clause, Modal, NounPhrase, Tense, pronoun
from unroll.corpora.toy_dutch.lexicon import Adjective, Pair, Verb
from unroll.corpora.toy_dutch.phrases import BARE, COUNTED, PERSON, Phrases, noun_phrase


@dataclass(frozen=True)
class Mood:
    """The tense of a clause and its modal verb."""

    tense: Tense
    """The tense."""
    modal: Modal | None = None
    """The modal verb."""
    bare: bool = False
    """Whether a habit has no adverb (if it rains)."""


PRESENT = Mood(Tense.ONGOING)


class Predicates(Phrases):
    """Random clauses."""

    def mood(self, habit: bool = True) -> Mood:
        """Choose a tense or modal verb; with `habit` also a repeated event, which requires an adverb."""
        kinds, weights = (
            ("ongoing", "past", "perfect", "future", "modal", "habit"),
            (5, 4, 3, 1.5, 3, 3 if habit else 0),
        )
        match self.random.choices(kinds, weights)[0]:
            case "future":
                return self.future()
            case "modal":
                return Mood(
                    Tense.ONGOING,
                    self.pick((self.modal("can"), self.modal("may"), self.modal("want"), self.modal("must"))),
                )
            case kind:
                return Mood(Tense[kind.upper()])

    def future(self) -> Mood:
        """Return the future with will and zullen."""
        return Mood(Tense.ONGOING, self.modal("will"))

    def modal(self, name: str) -> Modal:
        """Return the modal verb with this name."""
        verb = self.words.grammatical[name]
        negated = self.words.grammatical["need"] if name == "must" else None  # moeten, but niet hoeven te
        return Modal(name if name in ("can", "may", "will") else "", verb, negated)

    def clause(self, mood: Mood, frame: str = "", plain: bool = False) -> Clause:
        """Derive a clause.

        Args:
            mood: The tense and the modal verb.
            frame: The frame of the verb; "" for a random frame that the mood allows.
            plain: Whether the clause has no adverbials, except those that the tense requires.
        """
        while True:
            kind = frame or self.random.choices(tuple(_FRAMES), tuple(_FRAMES.values()))[0]
            rule: Callable[[Mood], Clause | None] | None = getattr(self, f"_{kind}", None)
            clause = rule(mood) if rule else self.action(mood, kind, plain=plain)
            if clause is not None:
                return clause

    # Clauses whose verb requires a subject, objects, prepositional objects, places or directions

    def action(
        self,
        mood: Mood,
        frame: str = "",
        *,
        plain: bool = False,
        dynamic: bool = False,
        subject: NounPhrase | None = None,
    ) -> Clause:
        """Derive a clause with a full verb.

        Args:
            mood: The tense and the modal verb.
            frame: The frame of the verb; "" for a random frame.
            plain: Whether the clause has no adverbials, except those that the tense requires.
            dynamic: Whether the verb is an intended action and not a state or an event.
            subject: The subject; None for a random subject.
        """
        while True:
            kind = frame or self.random.choices(tuple(_ACTIONS), tuple(_ACTIONS.values()))[0]
            verb = self.pick(self.words.verbs[kind])
            if self._allows(verb, mood, dynamic) and (subject is None or self._can_be_subject(subject.kind, verb)):
                break
        negated = (subject is None or subject.person == 2) and self.chance(0.2)
        if subject is None:
            person = mood.modal is not None and "person" in verb.subjects  # a modal verb implies a will
            subject = self.subject(["person"] if person else verb.subjects, every=not negated)
        clause = self._objects(Clause(subject, verb, mood.tense, mood.modal, negated), kind)
        return self._adverbials(clause, mood, plain, kind)

    def _allows(self, verb: Verb, mood: Mood, dynamic: bool) -> bool:
        """Return whether the verb can have the mood."""
        will = mood.modal is not None and mood.modal.auxiliary == "will"
        if "state" in verb.flags:
            return not (mood.modal or dynamic or mood.tense is Tense.HABIT)
        return not ("event" in verb.flags and (dynamic or (mood.modal and not will)))

    def _can_be_subject(self, kind: str, verb: Verb) -> bool:
        """Return whether a noun of this class can be the subject of the verb."""
        return "person" in verb.subjects if kind in _PERSONS else self.words.within(kind, verb.subjects)

    def _objects(self, clause: Clause, frame: str) -> Clause:
        """Add the arguments that the frame requires."""
        verb, subject = clause.verb, clause.subject
        match frame:
            case "transitive":
                return replace(clause, object=self.object(verb.objects, subject, negated=clause.negated))
            case "giving":
                indirect = self.object(["person"], subject, negated=clause.negated)
                return replace(
                    clause, indirect=indirect, object=self.object(verb.objects, subject, negated=clause.negated)
                )
            case "prepositional":
                phrase = self.object(verb.objects, subject, negated=True)
                assert verb.preposition is not None
                return replace(clause, complement=verb.preposition + phrase.object)
            case "going":
                return replace(clause, complement=self.direction(verb.objects))
            case "staying":
                return replace(clause, complement=self.place(verb.objects))
        return clause

    def _adverbials(self, clause: Clause, mood: Mood, plain: bool, frame: str) -> Clause:
        """Add random adverbials."""
        if "state" in clause.verb.flags:
            return clause
        required = mood.tense is Tense.HABIT and not mood.bare
        optional = not plain and not mood.bare and self.chance(0.45)
        if required or optional:
            clause = replace(clause, adverbial=self.adverbial(mood.tense, mood.modal is not None, clause.negated))
        direct = clause.object
        if plain or clause.subject.kind not in _PERSONS:
            return clause
        if (
            "manner" in clause.verb.flags
            and self.chance(0.2)
            and not (clause.negated and direct and not direct.definite)
        ):
            return replace(clause, manner=self.pick(self.words.adverbs["manner"]))
        # A verb of motion cannot have a place (not: leaves at home), and a place as object does not need another.
        located = (direct is None or direct.kind not in _PLACES) and clause.verb.nl.auxiliary == "hebben"
        if frame in ("alone", "transitive", "prepositional") and located and self.chance(0.25):
            return replace(clause, place=self.place())
        return clause

    # Clauses with be and similar verbs; the methods return None if the mood is not possible

    def _weather(self, mood: Mood) -> Clause | None:
        """Derive a clause such as "it rains"."""
        if mood.modal and mood.modal.auxiliary != "will":
            return None
        it = pronoun(Pair("it", "het"), "it")
        clause = Clause(it, self.pick(self.words.verbs["weather"]), mood.tense, mood.modal, self.chance(0.15))
        return self._adverbials(clause, mood, mood.tense is Tense.PERFECT, "weather")

    def _predicate(self, mood: Mood) -> Clause | None:
        """Derive a clause such as "the house is big" or "the man seems tired"."""
        if not _allows_state(mood):
            return None
        subject, adjective = self._subject_with_adjective()
        verb = self.words.grammatical["be"]
        if self.chance(0.3) and not mood.modal:
            verb = self.pick(self.words.verbs["predicate"][: 3 if subject.kind in _PERSONS else 1])
        predicate = Pair(adjective.en, adjective.nl)
        if adjective.comparative and self.chance(0.2):
            predicate = self.pick((Pair("very", "erg"), Pair("too", "te"))) + predicate
        return self._state(subject, verb, mood, predicate)

    def _comparison(self, mood: Mood) -> Clause | None:
        """Derive a clause such as "the house is bigger than the car"."""
        if not _allows_state(mood):
            return None
        while True:
            subject, adjective = self._subject_with_adjective()
            if adjective.comparative:
                break
        if subject.head:
            other = self.definite(self.noun([subject.kind], subject), adjectives=False)
        else:
            other = self.name(subject)
        assert adjective.comparative is not None
        clause = self._state(subject, self.words.grammatical["be"], mood, adjective.comparative)
        return replace(clause, tail=Pair("than", "dan") + other.subject)

    def _subject_with_adjective(self) -> tuple[NounPhrase, Adjective]:
        """Derive a subject and an adjective that can be its predicate."""
        while True:
            subject = self.subject([self.pick(_SUBJECTS)], every=False, adjectives=False)
            kinds = {"kin"} if subject.kind in ("pronoun", "name") else {subject.kind}
            fitting = [a for a in self.words.adjectives if kinds & a.kinds and not a.attributive]
            if fitting:
                return subject, self.pick(fitting)

    def _profession(self, mood: Mood) -> Clause | None:
        """Derive a clause such as "she is a doctor"; Dutch has no article (zij is dokter)."""
        if mood.tense is not Tense.ONGOING or mood.bare:
            return None
        subject = self.subject(["person"], every=False, adjectives=False)
        while subject.kind in PERSON - {"kin"}:
            subject = self.subject(["person"], every=False, adjectives=False)
        noun, determiners = self.noun(["profession"]), self.words.determiners
        indefinite = noun_phrase(noun, determiners["no" if subject.plural else "a"], subject.plural)
        words = (
            Pair(noun.plural.en, noun.plural.nl)
            if subject.plural and noun.plural
            else Pair(indefinite.object.en, noun.singular.nl)
        )
        predicate = NounPhrase(
            words, words, "", noun_phrase(noun, determiners["no"], subject.plural).none, False, plural=subject.plural
        )
        become = self.words.verbs["predicate"][1]
        verb = become if mood.modal else self.words.grammatical["be"]
        return Clause(subject, verb, mood.tense, mood.modal, self.chance(0.25), object=predicate)

    def _position(self, mood: Mood) -> Clause | None:
        """Derive a clause such as "the book is on the table" (het boek ligt op de tafel)."""
        if not _allows_state(mood):
            return None
        verb = self.pick(self.words.verbs["position"])
        subject = self.subject(verb.subjects)
        return self._state(subject, verb, mood, self.position(subject.kind))

    def _there(self, mood: Mood) -> Clause | None:
        """Derive a clause such as "there is a book on the table" (er ligt een boek op de tafel)."""
        if not _allows_state(mood):
            return None
        verb, negated = self.pick(self.words.verbs["position"]), self.chance(0.2)
        noun = self.noun(verb.subjects)
        singular = noun.plural is None or self.chance(0.6)
        name = "a" if singular else self.pick(COUNTED)
        determiner = BARE if noun.plural is None or (negated and not singular) else self.words.determiners[name]
        direct = noun_phrase(noun, determiner, not singular, self.adjective(noun))
        there = pronoun(Pair("there", "er"), "there", plural=direct.plural)
        return Clause(there, verb, mood.tense, mood.modal, negated, object=direct, place=self.position(noun.kind))

    def _state(self, subject: NounPhrase, verb: Verb, mood: Mood, complement: Pair) -> Clause:
        """Return a clause with a complement that is negated at random."""
        return Clause(subject, verb, mood.tense, mood.modal, self.chance(0.2), complement=complement)

    # Relative clauses

    def with_relative(self, head: NounPhrase) -> NounPhrase:
        """Add a relative clause: the man who works, de man die werkt; het boek dat zij leest."""
        mood = Mood(self.pick((Tense.ONGOING, Tense.PAST, Tense.PERFECT)))
        relative = Pair("who" if head.kind in PERSON else "that", "dat" if head.neuter and not head.plural else "die")
        acts = head.kind in PERSON or (head.kind == "animal" and self.chance(0.5))
        if acts and self.chance(0.7):
            clause = self.action(mood, plain=True, subject=pronoun(relative, head.kind, plural=head.plural))
            return replace(head, relative=Pair(english.subordinate(clause), dutch.subordinate(clause)))
        verbs = [verb for verb in self.words.verbs["transitive"] if self.words.within(head.kind, verb.objects)]
        clause = Clause(self.subject(["person"], every=False, adjectives=False), self.pick(verbs), mood.tense)
        return replace(head, relative=relative + Pair(english.subordinate(clause), dutch.subordinate(clause)))


def _allows_state(mood: Mood) -> bool:
    """Return whether a state can have the mood: is, was, will be, if it is."""
    if mood.modal:
        return mood.modal.auxiliary == "will"
    return mood.tense in (Tense.ONGOING, Tense.PAST) or mood.bare


_ACTIONS = {"alone": 3, "transitive": 8, "giving": 2, "prepositional": 3, "going": 2.5, "staying": 1.5}
_FRAMES = _ACTIONS | {"predicate": 2.5, "comparison": 1, "profession": 1, "position": 1, "there": 1.5, "weather": 0.5}
"""The weights of the kinds of clauses."""
_PERSONS = PERSON | {"pronoun", "name", "person"}
_PLACES = {"building", "room", "area"}
_SUBJECTS = ("person", "person", "animal", "thing", "place", "food", "idea")
