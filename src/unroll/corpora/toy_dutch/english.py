"""Linearization of a clause in English.

The order is subject, verbs, objects, manner, place, time. Negation and questions use `do`.
"""

from unroll.corpora.toy_dutch.clause import BE, Clause, NounPhrase, Tense
from unroll.corpora.toy_dutch.lexicon import EnglishVerb


def statement(clause: Clause, front: str = "") -> str:
    """Return a main clause.

    Args:
        clause: The clause.
        front: The field before the subject, "adverbial" or "place"; "" for none.
    """
    return _words(clause.fronted(front).en, _subject(clause), *_statement_verbs(clause), *_rest(clause, front))


def subordinate(clause: Clause) -> str:
    """Return a subordinate clause, which has the same order as a main clause."""
    return statement(clause)


def question(clause: Clause, question_words: str = "") -> str:
    """Return a question: the question words (what, which book), the finite verb, then the subject."""
    finite, *verbs = _verbs(clause, support=True)
    negation = "not" if _uses_not(clause) else ""
    return _words(
        question_words, finite, _subject(clause), negation, _adverb_before_verb(clause), *verbs, *_rest(clause)
    )


def command(clause: Clause) -> str:
    """Return an imperative."""
    return _words("do not" if clause.negated else "", clause.verb.en.base, *_rest(clause))


def agree(verb: EnglishVerb, subject: NounPhrase, past: bool = False) -> str:
    """Return the finite form that agrees with the subject: I am, she reads, they were."""
    third = subject.person == 3 and not subject.plural
    if verb.base == "be":
        first = subject.person == 1 and not subject.plural
        if past:
            return "was" if first or third else "were"
        return "am" if first else "is" if third else "are"
    return verb.past if past else verb.third if third else verb.base


def _statement_verbs(clause: Clause) -> list[str]:
    finite, *rest = _verbs(clause, support=_uses_not(clause))
    before = _adverb_before_verb(clause)
    if _uses_not(clause):
        return ["cannot", before, *rest] if finite == "can" else [finite, "not", before, *rest]
    # The adverb precedes a full verb (she often reads) and follows an auxiliary or be (she has already read).
    return [finite, before, *rest] if _has_auxiliary(clause) else [before, finite, *rest]


def _verbs(clause: Clause, support: bool) -> list[str]:
    """Return the finite verb and the verbs after it; `support` makes the first an auxiliary (a form of do)."""
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


def _has_auxiliary(clause: Clause) -> bool:
    """Return whether the finite verb of the statement is an auxiliary or be."""
    if clause.modal:
        return bool(clause.modal.auxiliary)
    ongoing = clause.tense is Tense.ONGOING and "state" not in clause.verb.flags
    return ongoing or clause.tense is Tense.PERFECT or clause.verb.en.base == "be"


def _rest(clause: Clause, front: str = "") -> list[str]:
    """Return the fields after the verbs."""
    particle = clause.verb.en.particle
    phrase = clause.object
    direct = "" if phrase is None else phrase.none.en if clause.negated and not _uses_not(clause) else phrase.object.en
    pronoun = phrase is not None and phrase.pronoun  # picks up the child, but picks her up
    words = [
        clause.indirect.object.en if clause.indirect else "",
        *((direct, particle) if pronoun else (particle, direct)),
    ]
    words += [field.en if field else "" for field in (clause.complement, clause.manner)]
    words.append(clause.place.en if clause.place and front != "place" else "")
    if clause.adverbial and not clause.adverbial.before_verb and front != "adverbial":
        words.append(clause.adverbial.words.en)
    words += [phrase.relative.en if phrase and phrase.relative else "", clause.tail.en if clause.tail else ""]
    return words


def _subject(clause: Clause) -> str:
    relative = clause.subject.relative
    return _words(clause.subject.subject.en, relative.en if relative else "")


def _uses_not(clause: Clause) -> bool:
    """Return whether the negation is "not". Only "there is no ..." has another."""
    return clause.negated and clause.subject.kind != "there"


def _adverb_before_verb(clause: Clause) -> str:
    return clause.adverbial.words.en if clause.adverbial and clause.adverbial.before_verb else ""


def _words(*words: str) -> str:
    return " ".join(word for word in words if word)


_HAVE = EnglishVerb("have", "has", "had", "had", "having", "")
_DO = EnglishVerb("do", "does", "did", "done", "doing", "")
