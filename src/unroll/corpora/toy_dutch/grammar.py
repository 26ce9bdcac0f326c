"""The rules of the synchronous grammar for sentences.

Each method is a nonterminal and returns one random derivation in both languages.
"""

from dataclasses import replace

from unroll.corpora.toy_dutch import dutch, english
from unroll.corpora.toy_dutch.clause import Adverbial, Clause, Tense, pronoun
from unroll.corpora.toy_dutch.lexicon import Pair
from unroll.corpora.toy_dutch.phrases import noun_phrase, personal
from unroll.corpora.toy_dutch.predicates import PRESENT, Mood, Predicates

PAST = Mood(Tense.PAST)


class Grammar(Predicates):
    """Random sentences."""

    def sentence(self) -> Pair:
        """Derive a sentence with a capital letter and punctuation."""
        kinds, weights = zip(*_SENTENCES.items(), strict=True)
        words, mark = getattr(self, self.random.choices(kinds, weights)[0])(), "."
        if isinstance(words, tuple):
            words, mark = words
        return Pair(_punctuate(words.en, mark), _punctuate(words.nl, mark))

    # Main clauses

    def declaration(self) -> Pair:
        """Derive a main clause with the subject, an adverbial or a place first. The Dutch verb is second."""
        clause = self.clause(self.mood())
        adverbial = clause.adverbial
        if adverbial and self.chance(0.4) and _may_front(adverbial, clause.negated):
            return _statement(replace(clause, adverbial=replace(adverbial, before_verb=False)), "adverbial")
        if clause.place and not clause.negated and clause.subject.kind != "there" and self.chance(0.3):
            return _statement(clause, "place")
        if clause.subject.head and clause.subject.definite and self.chance(0.15):
            clause = replace(clause, subject=self.with_relative(clause.subject))
        elif clause.object and clause.object.head and _object_is_last(clause) and self.chance(0.25):
            clause = replace(clause, object=self.with_relative(clause.object))
        return _statement(clause)

    def command(self) -> tuple[Pair, str]:
        """Derive an imperative, with its punctuation mark."""
        you = next(personal(p) for p in self.words.pronouns if p.person == 2)
        clause = replace(self.action(Mood(Tense.HABIT, bare=True), dynamic=True, subject=you), adverbial=None)
        return Pair(english.command(clause), dutch.command(clause)), "!"

    def coordination(self) -> Pair:
        """Derive two main clauses of one tense, joined by a conjunction."""
        mood, conjunction = self.mood(habit=False), self.pick(self.words.coordinators)
        comma = Pair(",", ",") if conjunction.en == "but" else Pair("", "")
        return (
            _statement(self.clause(mood, plain=True)) + comma + conjunction + _statement(self.clause(mood, plain=True))
        )

    # Questions

    def yes_no_question(self) -> tuple[Pair, str]:
        """Derive a question for yes or no, with its punctuation mark."""
        return _question(self.clause(self.mood())), "?"

    def wh_question(self) -> tuple[Pair, str]:
        """Derive a question with question words, with its punctuation mark."""
        words, clause = self.questioned()
        return (_question(clause, words) if words else _statement(clause)), "?"

    def questioned(self) -> tuple[Pair | None, Clause]:
        """Derive question words, and a clause without the questioned field; None and a whole clause for the subject."""
        kinds = ("who", "what", "which", "where", "where_to", "when", "why", "how_often", "about")
        return getattr(self, f"questioned_{self.pick(kinds)}")()

    def questioned_who(self) -> tuple[None, Clause]:
        """Question the subject."""
        clause = self.action(self.mood(habit=False), subject=pronoun(Pair("who", "wie"), "person"))
        definite = clause.indirect or (clause.object and clause.object.definite)
        return None, replace(clause, er=not definite)  # wie slaapt er, but wie leest het boek

    def questioned_what(self) -> tuple[Pair, Clause]:
        """Question the object: who if the verb takes persons, otherwise what."""
        clause = self.action(self.mood(habit=False), frame="transitive", plain=True)
        who = clause.verb.objects == ("person",) or ("person" in clause.verb.objects and self.chance(0.7))
        return Pair("who", "wie") if who else Pair("what", "wat"), replace(
            clause, object=None, negated=False, manner=None
        )

    def questioned_which(self) -> tuple[Pair, Clause]:
        """Question the object with its noun: which book, how many books."""
        clause = self.action(self.mood(habit=False), frame="transitive", plain=True)
        noun = self.noun(clause.verb.objects, clause.subject)
        many = noun.plural is not None and self.chance(0.4)
        words = noun_phrase(noun, self.words.determiners["how_many" if many else "which"], many)
        return words.object, replace(clause, object=None, negated=False, manner=None)

    def questioned_where(self) -> tuple[Pair, Clause]:
        """Question the place."""
        match self.pick(("staying", "position", "action")):
            case "staying":
                clause = self.action(self.mood(habit=False), "staying", plain=True)
            case "position":
                clause = self.clause(self.pick((PRESENT, PAST)), "position")
            case _:
                clause = self.action(self.mood(habit=False), self.pick(("alone", "transitive")), dynamic=True)
        return Pair("where", "waar"), replace(clause, place=None, complement=None, negated=False)

    def questioned_where_to(self) -> tuple[Pair, Clause]:
        """Question the direction."""
        clause = self.action(self.mood(habit=False), frame="going")
        return Pair("where", "waar"), replace(clause, complement=Pair("", "naartoe"), negated=False)

    def questioned_when(self) -> tuple[Pair, Clause]:
        """Question the time."""
        mood = self.pick((PAST, self.future()))
        return Pair("when", "wanneer"), replace(self.action(mood, dynamic=True), adverbial=None, negated=False)

    def questioned_why(self) -> tuple[Pair, Clause]:
        """Question the reason."""
        return Pair("why", "waarom"), self.clause(self.mood(habit=False))

    def questioned_how_often(self) -> tuple[Pair, Clause]:
        """Question the frequency."""
        clause = self.action(Mood(Tense.HABIT, bare=True), dynamic=True)
        return Pair("how often", "hoe vaak"), replace(clause, adverbial=None, negated=False)

    def questioned_about(self) -> tuple[Pair, Clause]:
        """Question a prepositional object: who is he waiting for, op wie wacht hij; waar wacht hij op."""
        clause = self.action(self.mood(habit=False), frame="prepositional", plain=True)
        assert clause.verb.preposition is not None
        en, nl = clause.verb.preposition.en, clause.verb.preposition.nl
        clause = replace(clause, negated=False, manner=None)
        if "person" in clause.verb.objects:
            return Pair("who", f"{nl} wie"), replace(clause, complement=Pair(en, ""))
        return Pair("what", "waar"), replace(clause, complement=Pair(en, "mee" if nl == "met" else nl))

    # Sentences with a subordinate clause

    def reported_statement(self) -> tuple[Pair, str]:
        """Derive a clause with a that-clause (he thinks that ..., hij denkt dat ...), with its punctuation mark."""
        main = self.reporting_clause("saying")
        mood = PAST if main.tense is Tense.PAST else self.mood()
        main = replace(main, tail=Pair("that", "dat") + _subordinate(self.clause(mood, plain=self.chance(0.5))))
        return (_question(main), "?") if self.chance(0.2) else (_statement(main), ".")

    def reported_question(self) -> Pair:
        """Derive a clause with an indirect question: he asks whether ..., zij weet niet waar ..."""
        main = replace(self.reporting_clause("asking"), tense=Tense.ONGOING)
        if self.chance(0.3):
            tail = Pair("whether", "of") + _subordinate(self.clause(self.mood(habit=False), plain=True))
        else:
            words, clause = self.questioned()
            tail = _subordinate(clause) if words is None else words + _subordinate(clause)
        return _statement(replace(main, negated=main.verb.en.base == "know", tail=tail))

    def reporting_clause(self, frame: str) -> Clause:
        """Derive the main clause of reported speech; the frame is "saying" or "asking"."""
        verb = self.pick(self.words.verbs[frame])
        return Clause(
            self.subject(["person"], every=False, adjectives=False),
            verb,
            self.pick((Tense.ONGOING, Tense.PAST)),
            negated=self.chance(0.2),
        )

    def subordination(self) -> Pair:
        """Derive a main clause with a subordinate clause (because, while, if, when) before or after it.

        If the subordinate clause is first, the Dutch main clause begins with its verb.
        """
        conjunction, rule = self.pick(self.words.conjunctions)
        main, subordinate = self.moods(rule)
        first = self.clause(main, plain=self.chance(0.7))
        second = self.clause(subordinate, plain=self.chance(0.7))
        if conjunction.en == "before":
            second = replace(second, negated=False)  # a negated clause after "before" is not meaningful
        words = conjunction + _subordinate(second)
        if self.chance(0.4):
            return words + Pair(",", ",") + Pair(english.statement(first), dutch.question(first))
        return _statement(first) + words

    def moods(self, rule: str) -> tuple[Mood, Mood]:
        """Choose the moods of a main clause and its subordinate clause by the rule of the conjunction."""
        if rule == "past":
            return PAST, PAST
        if rule == "condition":
            return self.future(), Mood(Tense.HABIT, bare=True)
        mood = self.pick((PRESENT, PAST))
        return mood, mood


def _statement(clause: Clause, front: str = "") -> Pair:
    return Pair(english.statement(clause, front), dutch.statement(clause, front))


def _question(clause: Clause, words: Pair | None = None) -> Pair:
    words = words or Pair("", "")
    return Pair(english.question(clause, words.en), dutch.question(clause, words.nl))


def _subordinate(clause: Clause) -> Pair:
    return Pair(english.subordinate(clause), dutch.subordinate(clause))


def _may_front(adverbial: Adverbial, negated: bool) -> bool:
    """Return whether the adverbial may be first in the sentence."""
    en = adverbial.words.en
    return en in ("sometimes", "usually") or not (
        adverbial.before_verb or en == "yet" or (negated and adverbial.under_negation)
    )


def _object_is_last(clause: Clause) -> bool:
    """Return whether only a verb follows the object, so that a relative clause can follow it."""
    last = not (clause.negated or clause.adverbial or clause.manner or clause.place or clause.complement)
    return last and clause.object is not None and clause.object.definite


def _punctuate(words: str, mark: str) -> str:
    """Add the mark, remove spaces before commas and capitalize the first word: 's Avonds werkt hij."""
    words = words.replace(" ,", ",") + mark
    first = 3 if words.startswith("'s ") else 0
    return words[:first] + words[first].upper() + words[first + 1 :]


_SENTENCES = {
    "declaration": 9,
    "yes_no_question": 3,
    "wh_question": 4,
    "reported_statement": 2.5,
    "reported_question": 2,
    "subordination": 4,
    "coordination": 1.5,
    "command": 1,
}
"""The weights of the kinds of sentences."""
