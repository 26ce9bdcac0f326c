"""A clause in English: subject, verbs, objects, manner, place, time; `do` in negation and questions."""

from unroll.corpora.toy_dutch.clause import BE, Clause, NounPhrase, Tense
from unroll.corpora.toy_dutch.lexicon import EnglishVerb


def statement(clause: Clause, front: str = "") -> str:
    """Subject first, or the field named `front` (adverbial, place) before it."""
    return _words(clause.fronted(front).en, _subject(clause), *_statement_verbs(clause), *_rest(clause, front))


def subordinate(clause: Clause) -> str:
    """As a statement: English keeps its order."""
    return statement(clause)


def question(clause: Clause, asked: str = "") -> str:
    """Finite verb before the subject; the words `asked` (what, which book) before both."""
    finite, *verbs = _verbs(clause, support=True)
    negation = "not" if _not(clause) else ""
    return _words(asked, finite, _subject(clause), negation, _before(clause), *verbs, *_rest(clause))


def command(clause: Clause) -> str:
    return _words("do not" if clause.negated else "", clause.verb.en.base, *_rest(clause))


def agree(verb: EnglishVerb, subject: NounPhrase, past: bool = False) -> str:
    """The finite form: I am, she reads, they were."""
    third = subject.person == 3 and not subject.plural
    if verb.base == "be":
        first = subject.person == 1 and not subject.plural
        if past:
            return "was" if first or third else "were"
        return "am" if first else "is" if third else "are"
    return verb.past if past else verb.third if third else verb.base


def _statement_verbs(clause: Clause) -> list[str]:
    finite, *rest = _verbs(clause, support=_not(clause))
    before = _before(clause)
    if _not(clause):
        return ["cannot", before, *rest] if finite == "can" else [finite, "not", before, *rest]
    # Before a full verb (she often reads), after an auxiliary or be (she has already read).
    return [finite, before, *rest] if _auxiliary(clause) else [before, finite, *rest]


def _verbs(clause: Clause, support: bool) -> list[str]:
    """The finite verb and those that follow it; with `support` the first is an auxiliary, if need be a form of do."""
    subject, past = clause.subject, clause.tense is Tense.PAST
    first, rest = clause.verb.en, []
    if clause.modal and clause.modal.auxiliary:
        return [clause.modal.auxiliary, first.base]
    if clause.modal:
        first, rest = clause.modal.verb.en, ["to", first.base]
    elif clause.tense is Tense.PERFECT:
        return [agree(_HAVE, subject), first.participle]
    elif clause.tense is Tense.ONGOING and "state" not in clause.verb.flags:
        return [agree(BE, subject), first.progressive]
    if support and first.base != "be":
        return [agree(_DO, subject, past), first.base, *rest]
    return [agree(first, subject, past), *rest]


def _auxiliary(clause: Clause) -> bool:
    """Whether the finite verb of the statement is an auxiliary or be."""
    if clause.modal:
        return bool(clause.modal.auxiliary)
    ongoing = clause.tense is Tense.ONGOING and "state" not in clause.verb.flags
    return ongoing or clause.tense is Tense.PERFECT or clause.verb.en.base == "be"


def _rest(clause: Clause, front: str = "") -> list[str]:
    """All that follows the verbs."""
    particle = clause.verb.en.particle
    thing = clause.object
    direct = "" if thing is None else thing.none.en if clause.negated and not _not(clause) else thing.object.en
    moved = thing is not None and thing.pronoun  # picks up the child, but picks her up
    words = [
        clause.indirect.object.en if clause.indirect else "",
        *((direct, particle) if moved else (particle, direct)),
    ]
    words += [field.en if field else "" for field in (clause.complement, clause.manner)]
    words.append(clause.place.en if clause.place and front != "place" else "")
    if clause.adverbial and not clause.adverbial.before_verb and front != "adverbial":
        words.append(clause.adverbial.words.en)
    words += [thing.relative.en if thing and thing.relative else "", clause.tail.en if clause.tail else ""]
    return words


def _subject(clause: Clause) -> str:
    relative = clause.subject.relative
    return _words(clause.subject.subject.en, relative.en if relative else "")


def _not(clause: Clause) -> bool:
    """Whether "not" negates: in all clauses but "there is no ..."."""
    return clause.negated and clause.subject.kind != "there"


def _before(clause: Clause) -> str:
    return clause.adverbial.words.en if clause.adverbial and clause.adverbial.before_verb else ""


def _words(*words: str) -> str:
    return " ".join(word for word in words if word)


_HAVE = EnglishVerb("have", "has", "had", "had", "having", "")
_DO = EnglishVerb("do", "does", "did", "done", "doing", "")
