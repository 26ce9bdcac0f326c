"""The rules of the synchronous grammar: from a sentence down to clauses, the same for both languages.

A method per symbol; what it returns is one derivation, in English and Dutch at once.
"""

from dataclasses import replace

from unroll.corpora.toy_dutch import dutch, english
from unroll.corpora.toy_dutch.clause import Adverbial, Clause, Tense, pronoun
from unroll.corpora.toy_dutch.lexicon import Pair
from unroll.corpora.toy_dutch.phrases import noun_phrase, personal
from unroll.corpora.toy_dutch.predicates import PRESENT, Mood, Predicates

PAST = Mood(Tense.PAST)


class Grammar(Predicates):
    """sentence() derives a random sentence pair."""

    def sentence(self) -> Pair:
        kinds, weights = zip(*_SENTENCES.items(), strict=True)
        words, mark = getattr(self, self.random.choices(kinds, weights)[0])(), "."
        if isinstance(words, tuple):
            words, mark = words
        return Pair(_written(words.en, mark), _written(words.nl, mark))

    # Main clauses

    def declaration(self) -> Pair:
        """Subject first, or an adverbial or place first: the Dutch verb stays second."""
        clause = self.clause(self.mood())
        adverbial = clause.adverbial
        if adverbial and self.chance(0.4) and _may_front(adverbial, clause.negated):
            return _statement(replace(clause, adverbial=replace(adverbial, before_verb=False)), "adverbial")
        if clause.place and not clause.negated and clause.subject.kind != "there" and self.chance(0.3):
            return _statement(clause, "place")
        if clause.subject.head and clause.subject.definite and self.chance(0.15):
            clause = replace(clause, subject=self.with_relative(clause.subject))
        elif clause.object and clause.object.head and _last(clause) and self.chance(0.25):
            clause = replace(clause, object=self.with_relative(clause.object))
        return _statement(clause)

    def command(self) -> tuple[Pair, str]:
        you = next(personal(p) for p in self.words.pronouns if p.person == 2)
        clause = replace(self.action(Mood(Tense.HABIT, bare=True), done=True, subject=you), adverbial=None)
        return Pair(english.command(clause), dutch.command(clause)), "!"

    def coordination(self) -> Pair:
        """Two main clauses of one tense."""
        mood, conjunction = self.mood(habit=False), self.pick(self.words.coordinators)
        comma = Pair(",", ",") if conjunction.en == "but" else Pair("", "")
        return (
            _statement(self.clause(mood, plain=True)) + comma + conjunction + _statement(self.clause(mood, plain=True))
        )

    # Questions

    def yes_no(self) -> tuple[Pair, str]:
        return _question(self.clause(self.mood())), "?"

    def wh(self) -> tuple[Pair, str]:
        asked, clause = self.asked()
        return (_question(clause, asked) if asked else _statement(clause)), "?"

    def asked(self) -> tuple[Pair | None, Clause]:
        """What is asked for and the clause that lacks it; None if it is the subject, which stays where it is."""
        kinds = ("who", "what", "which", "where", "whither", "when", "why", "how_often", "about")
        return getattr(self, f"asked_{self.pick(kinds)}")()

    def asked_who(self) -> tuple[None, Clause]:
        clause = self.action(self.mood(habit=False), subject=pronoun(Pair("who", "wie"), "person"))
        definite = clause.indirect or (clause.object and clause.object.definite)
        return None, replace(clause, er=not definite)  # wie slaapt er, but wie leest het boek

    def asked_what(self) -> tuple[Pair, Clause]:
        """The object: whom a verb of persons takes, what any other."""
        clause = self.action(self.mood(habit=False), frame="transitive", plain=True)
        whom = clause.verb.objects == ("person",) or ("person" in clause.verb.objects and self.chance(0.7))
        return Pair("who", "wie") if whom else Pair("what", "wat"), replace(
            clause, object=None, negated=False, manner=None
        )

    def asked_which(self) -> tuple[Pair, Clause]:
        """The object, by its noun: which book, how many books."""
        clause = self.action(self.mood(habit=False), frame="transitive", plain=True)
        noun = self.noun(clause.verb.objects, clause.subject)
        many = noun.plural is not None and self.chance(0.4)
        words = noun_phrase(noun, self.words.determiners["how_many" if many else "which"], many)
        return words.object, replace(clause, object=None, negated=False, manner=None)

    def asked_where(self) -> tuple[Pair, Clause]:
        match self.pick(("staying", "position", "action")):
            case "staying":
                clause = self.action(self.mood(habit=False), "staying", plain=True)
            case "position":
                clause = self.clause(self.pick((PRESENT, PAST)), "position")
            case _:
                clause = self.action(self.mood(habit=False), self.pick(("alone", "transitive")), done=True)
        return Pair("where", "waar"), replace(clause, place=None, complement=None, negated=False)

    def asked_whither(self) -> tuple[Pair, Clause]:
        clause = self.action(self.mood(habit=False), frame="going")
        return Pair("where", "waar"), replace(clause, complement=Pair("", "naartoe"), negated=False)

    def asked_when(self) -> tuple[Pair, Clause]:
        mood = self.pick((PAST, self.future()))
        return Pair("when", "wanneer"), replace(self.action(mood, done=True), adverbial=None, negated=False)

    def asked_why(self) -> tuple[Pair, Clause]:
        return Pair("why", "waarom"), self.clause(self.mood(habit=False))

    def asked_how_often(self) -> tuple[Pair, Clause]:
        clause = self.action(Mood(Tense.HABIT, bare=True), done=True)
        return Pair("how often", "hoe vaak"), replace(clause, adverbial=None, negated=False)

    def asked_about(self) -> tuple[Pair, Clause]:
        """Who is he waiting for: op wie wacht hij; what is he waiting for: waar wacht hij op."""
        clause = self.action(self.mood(habit=False), frame="prepositional", plain=True)
        assert clause.verb.preposition is not None
        en, nl = clause.verb.preposition.en, clause.verb.preposition.nl
        clause = replace(clause, negated=False, manner=None)
        if "person" in clause.verb.objects:
            return Pair("who", f"{nl} wie"), replace(clause, complement=Pair(en, ""))
        return Pair("what", "waar"), replace(clause, complement=Pair(en, "mee" if nl == "met" else nl))

    # Sentences with a subordinate clause

    def saying(self) -> tuple[Pair, str]:
        """He thinks that ...: hij denkt dat ..."""
        said = self.said("saying")
        mood = PAST if said.tense is Tense.PAST else self.mood()
        said = replace(said, tail=Pair("that", "dat") + _subordinate(self.clause(mood, plain=self.chance(0.5))))
        return (_question(said), "?") if self.chance(0.2) else (_statement(said), ".")

    def asking(self) -> Pair:
        """He asks whether ..., she does not know where ...: hij vraagt of ..., zij weet niet waar ..."""
        said = replace(self.said("asking"), tense=Tense.ONGOING)
        if self.chance(0.3):
            tail = Pair("whether", "of") + _subordinate(self.clause(self.mood(habit=False), plain=True))
        else:
            asked, clause = self.asked()
            tail = _subordinate(clause) if asked is None else asked + _subordinate(clause)
        return _statement(replace(said, negated=said.verb.en.base == "know", tail=tail))

    def said(self, frame: str) -> Clause:
        verb = self.pick(self.words.verbs[frame])
        return Clause(
            self.subject(["person"], every=False, described=False),
            verb,
            self.pick((Tense.ONGOING, Tense.PAST)),
            negated=self.chance(0.2),
        )

    def reason(self) -> Pair:
        """Because, while, if, when ...: after the main clause, or before it, which then begins with its Dutch verb."""
        conjunction, rule = self.pick(self.words.conjunctions)
        main, below = self.moods(rule)
        first, second = self.clause(main, plain=self.chance(0.7)), self.clause(below, plain=self.chance(0.7))
        if conjunction.en == "before":
            second = replace(second, negated=False)  # before something did not happen: when?
        subordinate = conjunction + _subordinate(second)
        if self.chance(0.4):
            return subordinate + Pair(",", ",") + Pair(english.statement(first), dutch.question(first))
        return _statement(first) + subordinate

    def moods(self, rule: str) -> tuple[Mood, Mood]:
        """Of a main clause and the one below it."""
        if rule == "past":
            return PAST, PAST
        if rule == "condition":
            return self.future(), Mood(Tense.HABIT, bare=True)
        mood = self.pick((PRESENT, PAST))
        return mood, mood


def _statement(clause: Clause, front: str = "") -> Pair:
    return Pair(english.statement(clause, front), dutch.statement(clause, front))


def _question(clause: Clause, asked: Pair | None = None) -> Pair:
    asked = asked or Pair("", "")
    return Pair(english.question(clause, asked.en), dutch.question(clause, asked.nl))


def _subordinate(clause: Clause) -> Pair:
    return Pair(english.subordinate(clause), dutch.subordinate(clause))


def _may_front(adverbial: Adverbial, negated: bool) -> bool:
    en = adverbial.words.en
    return en in ("sometimes", "usually") or not (
        adverbial.before_verb or en == "yet" or (negated and adverbial.under_negation)
    )


def _last(clause: Clause) -> bool:
    """Whether nothing but the verb follows the object, so that a relative clause can."""
    alone = not (clause.negated or clause.adverbial or clause.manner or clause.place or clause.complement)
    return alone and clause.object is not None and clause.object.definite


def _written(words: str, mark: str) -> str:
    """Punctuation closed up, a capital first: 's Avonds werkt hij."""
    words = words.replace(" ,", ",") + mark
    first = 3 if words.startswith("'s ") else 0
    return words[:first] + words[first].upper() + words[first + 1 :]


_SENTENCES = {
    "declaration": 9,
    "yes_no": 3,
    "wh": 4,
    "saying": 2.5,
    "asking": 2,
    "reason": 4,
    "coordination": 1.5,
    "command": 1,
}
"""How often each kind of sentence is derived."""
