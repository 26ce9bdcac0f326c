"""Linearization of a clause in Dutch.

The finite verb is second, first or last, and the other verbs are at the end. The middle field between them has the
order pronouns, indirect object, time, definite object, niet, manner, place, indefinite object, complement (Algemene
Nederlandse Spraakkunst, 1997, chapters 21 to 23).
"""

from unroll.corpora.toy_dutch.clause import Clause, NounPhrase, Tense
from unroll.corpora.toy_dutch.lexicon import DutchVerb, lexicon


def statement(clause: Clause, front: str = "") -> str:
    """Return a main clause with the verb second.

    Args:
        clause: The clause.
        front: The field at the front, "adverbial" or "place", which puts the subject after the verb; "" puts the
            subject at the front.
    """
    finite, final = _verbs(clause, inverted=bool(front))
    if front:
        beginning = [clause.fronted(front).nl, finite, clause.subject.subject.nl]
    else:
        relative = clause.subject.relative
        beginning = [clause.subject.subject.nl, f"{relative.nl} ," if relative else "", finite]
    return _words(*beginning, *_middle(clause, front), final, *_end(clause))


def question(clause: Clause, question_words: str = "") -> str:
    """Return a clause with the verb first, or after question words (wat, welk boek) or a subordinate clause."""
    finite, final = _verbs(clause, inverted=True)
    return _words(question_words, finite, clause.subject.subject.nl, *_middle(clause), final, *_end(clause))


def subordinate(clause: Clause) -> str:
    """Return a subordinate clause: all verbs are last, and a separable verb is one word."""
    finite, final = _verbs(clause)
    verbs = _words(finite, final) if clause.modal or clause.tense is Tense.PERFECT else final + finite
    return _words(clause.subject.subject.nl, *_middle(clause), verbs, *_end(clause))


def command(clause: Clause) -> str:
    """Return an imperative."""
    return _words(clause.verb.nl.first, *_middle(clause), clause.verb.nl.particle, *_end(clause))


def agree(verb: DutchVerb, subject: NounPhrase, past: bool = False, inverted: bool = False) -> str:
    """Return the finite form that agrees with the subject: ik lees, jij leest, lees jij, zij lezen."""
    if subject.plural:
        return verb.past_plural if past else verb.infinitive
    if past:
        return verb.past
    if subject.person == 2:
        return _INVERTED.get(verb.infinitive, verb.first) if inverted else _JIJ.get(verb.infinitive, verb.third)
    return verb.first if subject.person == 1 else verb.third


def _verbs(clause: Clause, inverted: bool = False) -> tuple[str, str]:
    """Return the finite verb, and the particle, participle or infinitive at the end of the clause."""
    subject, verb = clause.subject, clause.verb.nl
    if clause.modal:
        negated = clause.modal.negated if clause.negated else None
        finite = (negated or clause.modal.verb).nl
        infinitive = _words(verb.particle, "te", verb.infinitive) if negated else verb.particle + verb.infinitive
        return agree(finite, subject, inverted=inverted), infinitive
    if clause.tense is Tense.PERFECT:
        auxiliary = lexicon().grammatical["be" if verb.auxiliary == "zijn" else "have"].nl
        return agree(auxiliary, subject, inverted=inverted), verb.participle
    return agree(verb, subject, clause.tense is Tense.PAST, inverted), verb.particle


def _middle(clause: Clause, front: str = "") -> list[str]:
    """Return the fields between the first verb and the last."""
    direct, adverbial = clause.object, clause.adverbial
    pronoun = definite = indefinite = ""
    governed = clause.negated and adverbial is not None and adverbial.under_negation
    none = clause.negated and direct is not None and not direct.definite and not governed  # geen instead of niet
    if direct and direct.pronoun:
        pronoun = direct.object.nl
    elif direct and direct.definite:
        definite = direct.object.nl
    elif direct:
        indefinite = direct.none.nl if none else direct.object.nl
    when = adverbial.words.nl if adverbial and front != "adverbial" else ""
    early = clause.negated or (adverbial is not None and adverbial.frequency)  # het boek vaak, het boek vandaag niet
    place = clause.place.nl if clause.place and front != "place" else ""
    late = clause.negated or clause.subject.kind == "there"  # in de tuin een boek, but geen boek in de tuin
    return [
        "er" if clause.er else "",
        pronoun,
        clause.indirect.indirect if clause.indirect else "",
        definite if early else "",
        "" if governed else when,
        "" if early else definite,
        "niet" if clause.negated and not none else "",
        when if governed else "",
        clause.manner.nl if clause.manner else "",
        "" if late else place,
        indefinite,
        place if late else "",
        clause.complement.nl if clause.complement else "",
    ]


def _end(clause: Clause) -> list[str]:
    """Return the fields after the last verb: a relative clause of the object and a that-clause."""
    relative = clause.object.relative if clause.object else None
    return [relative.nl if relative else "", clause.tail.nl if clause.tail else ""]


def _words(*words: str) -> str:
    return " ".join(word for word in words if word)


_JIJ = {"zijn": "bent", "hebben": "hebt", "kunnen": "kunt", "zullen": "zult", "willen": "wilt"}
_INVERTED = {"kunnen": "kun", "zullen": "zul"}
