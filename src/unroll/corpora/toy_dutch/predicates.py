"""Clauses of the synchronous grammar, by what their verb takes: the rules below the sentence."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from unroll.corpora.toy_dutch import dutch, english
from unroll.corpora.toy_dutch.clause import Clause, Modal, NounPhrase, Tense, pronoun
from unroll.corpora.toy_dutch.lexicon import Adjective, Pair, Verb
from unroll.corpora.toy_dutch.phrases import BARE, COUNTED, PERSON, Phrases
from unroll.corpora.toy_dutch.phrases import noun_phrase as agree


@dataclass(frozen=True)
class Mood:
    tense: Tense
    modal: Modal | None = None
    bare: bool = False
    """A habit without its adverb (if it rains)."""


PRESENT = Mood(Tense.ONGOING)


class Predicates(Phrases):
    """Random clauses."""

    def mood(self, habit: bool = True) -> Mood:
        """Any tense or modal verb; `habit`: also what often happens, which wants an adverb."""
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
        return Mood(Tense.ONGOING, self.modal("will"))

    def modal(self, name: str) -> Modal:
        verb = self.words.grammatical[name]
        negated = self.words.grammatical["need"] if name == "must" else None  # moeten, but niet hoeven te
        return Modal(name if name in ("can", "may", "will") else "", verb, negated)

    def clause(self, mood: Mood, frame: str = "", plain: bool = False) -> Clause:
        """A clause of any kind that goes with the mood; `plain`: without adverbials, where the tense can do without."""
        while True:
            kind = frame or self.random.choices(tuple(_FRAMES), tuple(_FRAMES.values()))[0]
            rule: Callable[[Mood], Clause | None] | None = getattr(self, f"_{kind}", None)
            clause = rule(mood) if rule else self.action(mood, kind, plain=plain)
            if clause is not None:
                return clause

    # Verbs that take their subject, objects, prepositional objects, places or directions

    def action(
        self, mood: Mood, frame: str = "", *, plain: bool = False, done: bool = False, subject: NounPhrase | None = None
    ) -> Clause:
        """A clause about what someone does; `done`: no state, so that it has a time, a place and a will."""
        while True:
            kind = frame or self.random.choices(tuple(_ACTIONS), tuple(_ACTIONS.values()))[0]
            verb = self.pick(self.words.verbs[kind])
            if self._suits(verb, mood, done) and (subject is None or self._does(subject.kind, verb)):
                break
        negated = (subject is None or subject.person == 2) and self.chance(0.2)
        if subject is None:
            willing = mood.modal is not None and "person" in verb.subjects
            subject = self.subject(["person"] if willing else verb.subjects, every=not negated)
        clause = self._objects(Clause(subject, verb, mood.tense, mood.modal, negated), kind)
        return self._adverbials(clause, mood, plain, kind)

    def _suits(self, verb: Verb, mood: Mood, done: bool) -> bool:
        will = mood.modal is not None and mood.modal.auxiliary == "will"
        if "state" in verb.flags:
            return not (mood.modal or done or mood.tense is Tense.HABIT)
        return not ("event" in verb.flags and (done or (mood.modal and not will)))

    def _does(self, kind: str, verb: Verb) -> bool:
        return "person" in verb.subjects if kind in _PERSONS else self.words.within(kind, verb.subjects)

    def _objects(self, clause: Clause, frame: str) -> Clause:
        verb, subject = clause.verb, clause.subject
        match frame:
            case "transitive":
                return replace(clause, object=self.object(verb.objects, subject, negated=clause.negated))
            case "giving":
                receiver = self.object(["person"], subject, negated=clause.negated)
                return replace(
                    clause, indirect=receiver, object=self.object(verb.objects, subject, negated=clause.negated)
                )
            case "prepositional":
                thing = self.object(verb.objects, subject, negated=True)
                assert verb.preposition is not None
                return replace(clause, complement=verb.preposition + thing.object)
            case "going":
                return replace(clause, complement=self.direction(verb.objects))
            case "staying":
                return replace(clause, complement=self.place(verb.objects))
        return clause

    def _adverbials(self, clause: Clause, mood: Mood, plain: bool, frame: str) -> Clause:
        if "state" in clause.verb.flags:
            return clause
        needed = mood.tense is Tense.HABIT and not mood.bare
        wanted = not plain and not mood.bare and self.chance(0.45)
        if needed or wanted:
            clause = replace(clause, adverbial=self.adverbial(mood.tense, mood.modal is not None, clause.negated))
        thing = clause.object
        if plain or clause.subject.kind not in _PERSONS:
            return clause
        if "manner" in clause.verb.flags and self.chance(0.2) and not (clause.negated and thing and not thing.definite):
            return replace(clause, manner=self.pick(self.words.adverbs["manner"]))
        roomy = (
            thing is None or thing.kind not in _PLACES
        ) and clause.verb.nl.auxiliary == "hebben"  # not: leaves at home
        if frame in ("alone", "transitive", "prepositional") and roomy and self.chance(0.25):
            return replace(clause, place=self.place())
        return clause

    # Clauses with be and its like; None where the mood does not suit them

    def _weather(self, mood: Mood) -> Clause | None:
        if mood.modal and mood.modal.auxiliary != "will":
            return None
        it = pronoun(Pair("it", "het"), "it")
        clause = Clause(it, self.pick(self.words.verbs["weather"]), mood.tense, mood.modal, self.chance(0.15))
        return self._adverbials(clause, mood, mood.tense is Tense.PERFECT, "weather")

    def _predicate(self, mood: Mood) -> Clause | None:
        """The house is (not) big, the old man seems tired."""
        if not _simple(mood):
            return None
        subject, adjective = self._described()
        verb = self.words.grammatical["be"]
        if self.chance(0.3) and not mood.modal:
            verb = self.pick(self.words.verbs["predicate"][: 3 if subject.kind in _PERSONS else 1])
        predicate = Pair(adjective.en, adjective.nl)
        if adjective.comparative and self.chance(0.2):
            predicate = self.pick((Pair("very", "erg"), Pair("too", "te"))) + predicate
        return self._being(subject, verb, mood, predicate)

    def _comparison(self, mood: Mood) -> Clause | None:
        """The house is bigger than the car."""
        if not _simple(mood):
            return None
        while True:
            subject, adjective = self._described()
            if adjective.comparative:
                break
        if subject.head:
            other = self.definite(self.noun([subject.kind], subject), described=False)
        else:
            other = self.name(subject)
        assert adjective.comparative is not None
        clause = self._being(subject, self.words.grammatical["be"], mood, adjective.comparative)
        return replace(clause, tail=Pair("than", "dan") + other.subject)

    def _described(self) -> tuple[NounPhrase, Adjective]:
        """A subject and an adjective that goes with it."""
        while True:
            subject = self.subject([self.pick(_DESCRIBED)], every=False, described=False)
            kinds = {"kin"} if subject.kind in ("pronoun", "name") else {subject.kind}
            fitting = [a for a in self.words.adjectives if kinds & a.kinds and not a.attributive]
            if fitting:
                return subject, self.pick(fitting)

    def _profession(self, mood: Mood) -> Clause | None:
        """She is a doctor: zij is dokter, without an article."""
        if mood.tense is not Tense.ONGOING or mood.bare:
            return None
        subject = self.subject(["person"], every=False, described=False)
        while subject.kind in PERSON - {"kin"}:
            subject = self.subject(["person"], every=False, described=False)
        noun, determiners = self.noun(["profession"]), self.words.determiners
        one = agree(noun, determiners["no" if subject.plural else "a"], subject.plural)
        words = (
            Pair(noun.plural.en, noun.plural.nl)
            if subject.plural and noun.plural
            else Pair(one.object.en, noun.singular.nl)
        )
        what = NounPhrase(
            words, words, "", agree(noun, determiners["no"], subject.plural).none, False, plural=subject.plural
        )
        become = self.words.verbs["predicate"][1]
        verb = become if mood.modal else self.words.grammatical["be"]
        return Clause(subject, verb, mood.tense, mood.modal, self.chance(0.25), object=what)

    def _position(self, mood: Mood) -> Clause | None:
        """The book is on the table: het boek ligt op de tafel."""
        if not _simple(mood):
            return None
        verb = self.pick(self.words.verbs["position"])
        subject = self.subject(verb.subjects)
        return self._being(subject, verb, mood, self.position(subject.kind))

    def _there(self, mood: Mood) -> Clause | None:
        """There is a book on the table: er ligt een boek op de tafel."""
        if not _simple(mood):
            return None
        verb, negated = self.pick(self.words.verbs["position"]), self.chance(0.2)
        noun = self.noun(verb.subjects)
        one = noun.plural is None or self.chance(0.6)
        name = "a" if one else self.pick(COUNTED)
        determiner = BARE if noun.plural is None or (negated and not one) else self.words.determiners[name]
        thing = agree(noun, determiner, not one, self.adjective(noun))
        there = pronoun(Pair("there", "er"), "there", plural=thing.plural)
        return Clause(there, verb, mood.tense, mood.modal, negated, object=thing, place=self.position(noun.kind))

    def _being(self, subject: NounPhrase, verb: Verb, mood: Mood, complement: Pair) -> Clause:
        return Clause(subject, verb, mood.tense, mood.modal, self.chance(0.2), complement=complement)

    # Relative clauses

    def with_relative(self, head: NounPhrase) -> NounPhrase:
        """The man who works: de man die werkt; the book that she reads: het boek dat zij leest."""
        mood = Mood(self.pick((Tense.ONGOING, Tense.PAST, Tense.PERFECT)))
        relative = Pair("who" if head.kind in PERSON else "that", "dat" if head.neuter and not head.plural else "die")
        acts = head.kind in PERSON or (head.kind == "animal" and self.chance(0.5))
        if acts and self.chance(0.7):
            clause = self.action(mood, plain=True, subject=pronoun(relative, head.kind, plural=head.plural))
            return replace(head, relative=Pair(english.subordinate(clause), dutch.subordinate(clause)))
        verbs = [verb for verb in self.words.verbs["transitive"] if self.words.within(head.kind, verb.objects)]
        clause = Clause(self.subject(["person"], every=False, described=False), self.pick(verbs), mood.tense)
        return replace(head, relative=relative + Pair(english.subordinate(clause), dutch.subordinate(clause)))


def _simple(mood: Mood) -> bool:
    """Whether a state goes with the mood: is, was, will be, and if it is."""
    if mood.modal:
        return mood.modal.auxiliary == "will"
    return mood.tense in (Tense.ONGOING, Tense.PAST) or mood.bare


_ACTIONS = {"alone": 3, "transitive": 8, "giving": 2, "prepositional": 3, "going": 2.5, "staying": 1.5}
_FRAMES = _ACTIONS | {"predicate": 2.5, "comparison": 1, "profession": 1, "position": 1, "there": 1.5, "weather": 0.5}
"""How often each kind of clause is derived."""
_PERSONS = PERSON | {"pronoun", "name", "person"}
_PLACES = {"building", "room", "area"}
_DESCRIBED = ("person", "person", "animal", "thing", "place", "food", "idea")
