"""The grammar of toy-tags: English sentences as a probabilistic regular expression over classes of words.

Parts of speech are those of Universal Dependencies. Phrases are noun phrases (NP), verb groups (VP), prepositions (PP)
and particles (PRT), as in the shared task of CoNLL-2000; all other words are outside (O).
"""

from unroll.corpora.toy_tags.automaton import Choice, Expression, Leaf, Repeat, choice, chunk, sequence

SINGULAR, PLURAL = "singular", "plural"


def sentence() -> Expression:
    """Return the expression of a sentence."""
    statement = sequence(
        choice((0.12, sequence(prepositional_phrase(), comma()))),
        choice((0.15, saying())),
        clause(),
        choice((0.22, sequence(linker(), clause()))),
        Leaf("full_stop", "PUNCT"),
    )
    question = sequence(
        choice((0.6, sequence(group("does"), subject(SINGULAR))), (0.4, sequence(group("do"), subject(PLURAL)))),
        group("verb_base"),
        complements(),
        Leaf("question_mark", "PUNCT"),
    )
    command = sequence(
        choice((0.3, sequence(Leaf("please", "INTJ"), choice((0.3, comma()))))),
        group("verb_base"),
        complements(),
        Leaf("exclamation_mark", "PUNCT"),
    )
    return choice((0.8, statement), (0.12, question), (0.08, command))


def group(word_class: str, *rest: Expression) -> Expression:
    """Return a verb group, which begins with a verb or an auxiliary of a class."""
    is_verb = word_class.startswith("verb")
    return chunk("VP", Leaf(word_class, "VERB" if is_verb else "AUX"), *rest)


def clause() -> Expression:
    """Return a subject with its verb, which agree in number, and the complements."""
    heads = [(share, sequence(subject(number), head(number))) for share, number in ((0.55, SINGULAR), (0.45, PLURAL))]
    return sequence(Choice(tuple(heads)), complements())


def subject(number: str) -> Expression:
    """Return a subject, possibly with a prepositional phrase between it and the verb."""
    nouns = noun_phrase(number)
    alone = [(0.3, chunk("NP", Leaf(f"pronoun_{number}", "PRON")))]
    if number == SINGULAR:
        alone.append((0.2, name()))
    rest = 1 - sum(share for share, _ in alone)
    return Choice((*alone, (rest, sequence(nouns, choice((0.25, prepositional_phrase()))))))


def noun_phrase(number: str) -> Expression:
    """Return a noun phrase with a determiner, or of plural nouns without one."""
    adjectives = Repeat(0.3, Leaf("adjective", "ADJ"))
    noun = Leaf(f"noun_{number}", "NOUN")
    compound = choice((0.12, Leaf("noun_singular", "NOUN")))
    with_determiner = chunk("NP", Leaf(f"determiner_{number}", "DET"), adjectives, compound, noun)
    if number == SINGULAR:
        return with_determiner
    counted = chunk("NP", Leaf("number", "NUM"), adjectives, noun)
    described = chunk("NP", Leaf("adjective", "ADJ"), noun)
    return choice((0.6, with_determiner), (0.12, counted), (0.12, described), (0.16, chunk("NP", noun)))


def name() -> Expression:
    """Return the name of a person, with or without a surname."""
    return chunk("NP", Leaf("given_name", "PROPN"), choice((0.35, Leaf("surname", "PROPN"))))


def object_phrase() -> Expression:
    """Return an object."""
    return choice(
        (0.4, noun_phrase(SINGULAR)),
        (0.3, noun_phrase(PLURAL)),
        (0.17, chunk("NP", Leaf("pronoun_object", "PRON"))),
        (0.13, name()),
    )


def prepositional_phrase() -> Expression:
    """Return a preposition with its object."""
    return sequence(chunk("PP", Leaf("preposition", "ADP")), object_phrase())


def head(number: str) -> Expression:
    """Return the verb group of a clause."""
    be, have, do = (f"{word}_{number}" for word in ("be", "have", "do"))
    adverb = choice((0.25, Leaf("adverb", "ADV")))
    return choice(
        (0.33, group(f"verb_{number}")),
        (0.27, group("verb_past")),
        (0.12, group(be, adverb, Leaf("verb_ing", "VERB"))),
        (0.08, group("modal", adverb, Leaf("verb_base", "VERB"))),
        (0.06, group(have, Leaf("verb_participle", "VERB"))),
        (0.06, group(do, Leaf("not", "PART"), Leaf("verb_base", "VERB"))),
        (0.08, group(f"verb_want_{number}", Leaf("to", "PART"), Leaf("verb_base", "VERB"))),
    )


def complements() -> Expression:
    """Return what follows a verb: an object, a particle, prepositional phrases and an adverb."""
    return sequence(
        choice((0.55, object_phrase())),
        choice((0.12, chunk("PRT", Leaf("particle", "ADV")))),
        Repeat(0.25, prepositional_phrase()),
        choice((0.2, Leaf("adverb", "ADV"))),
    )


def saying() -> Expression:
    """Return the words before a reported clause, such as "she says that"."""
    return sequence(
        choice(
            (0.5, sequence(chunk("NP", Leaf("pronoun_singular", "PRON")), group("verb_say_singular"))),
            (0.25, sequence(name(), group("verb_say_singular"))),
            (0.25, sequence(chunk("NP", Leaf("pronoun_plural", "PRON")), group("verb_say_plural"))),
        ),
        choice((0.7, Leaf("complementizer", "SCONJ"))),
    )


def linker() -> Expression:
    """Return what joins two clauses."""
    return choice(
        (0.5, sequence(choice((0.5, comma())), Leaf("coordinator", "CCONJ"))), (0.5, Leaf("subordinator", "SCONJ"))
    )


def comma() -> Expression:
    """Return a comma."""
    return Leaf("comma", "PUNCT")
