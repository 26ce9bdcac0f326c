"""The synchronous grammar: worked examples of each rule, and agreement for the whole lexicon."""

from dataclasses import replace

import pytest

from unroll.corpora.toy_dutch import dutch, english
from unroll.corpora.toy_dutch.clause import Adverbial, Clause, Modal, NounPhrase, Tense
from unroll.corpora.toy_dutch.lexicon import Noun, Pair, Verb, lexicon
from unroll.corpora.toy_dutch.phrases import BARE, noun_phrase, personal

WORDS = lexicon()


def noun(name: str) -> Noun:
    return next(noun for nouns in WORDS.nouns.values() for noun in nouns if noun.singular.nl == name)


def the(name: str, determiner: str = "the", plural: bool = False) -> NounPhrase:
    return noun_phrase(noun(name), WORDS.determiners[determiner], plural)


def who(name: str) -> NounPhrase:
    return next(personal(p) for p in WORDS.pronouns if p.subject.en == name)


def verb(infinitive: str, frame: str = "transitive") -> Verb:
    return next(v for v in WORDS.verbs[frame] if v.nl.particle + v.nl.infinitive == infinitive)


def both(form: str, clause: Clause, *more: str) -> str:
    return f"{getattr(english, form)(clause, *more)} | {getattr(dutch, form)(clause, *more)}"


YESTERDAY = Adverbial(Pair("yesterday", "gisteren"))
OFTEN = Adverbial(Pair("often", "vaak"), before_verb=True, frequency=True, under_negation=True)
READS = Clause(the("vrouw"), verb("lezen"), Tense.ONGOING, object=the("boek"))
CALLS = Clause(who("he"), verb("opbellen"), Tense.ONGOING, object=who("she"))


@pytest.mark.parametrize(
    ("actual", "expected"),
    [
        # verb second and verb last
        (both("statement", READS), "the woman is reading the book | de vrouw leest het boek"),
        (
            both("statement", replace(READS, tense=Tense.PAST, adverbial=YESTERDAY), "adverbial"),
            "yesterday the woman read the book | gisteren las de vrouw het boek",
        ),
        (
            both("subordinate", replace(READS, place=Pair("in the garden", "in de tuin"))),
            "the woman is reading the book in the garden | de vrouw het boek in de tuin leest",
        ),
        (both("question", READS), "is the woman reading the book | leest de vrouw het boek"),
        # separable verbs
        (both("statement", CALLS), "he is calling her | hij belt haar op"),
        (both("subordinate", CALLS), "he is calling her | hij haar opbelt"),
        (both("statement", replace(CALLS, tense=Tense.PERFECT)), "he has called her | hij heeft haar opgebeld"),
        (
            both("statement", replace(CALLS, verb=verb("ophalen"), tense=Tense.PAST)),
            "he picked her up | hij haalde haar op",
        ),
        (
            both("statement", replace(CALLS, verb=verb("ophalen"), object=the("kind"), tense=Tense.PAST)),
            "he picked up the child | hij haalde het kind op",
        ),
        # negation: niet after a definite object, geen for an indefinite object, do in English
        (
            both("statement", replace(READS, tense=Tense.PAST, negated=True, adverbial=YESTERDAY)),
            "the woman did not read the book yesterday | de vrouw las het boek gisteren niet",
        ),
        (
            both("statement", replace(READS, negated=True, object=the("boek", "a"))),
            "the woman is not reading a book | de vrouw leest geen boek",
        ),
        (
            both(
                "statement", replace(READS, tense=Tense.HABIT, negated=True, object=the("boek", "a"), adverbial=OFTEN)
            ),
            "the woman does not often read a book | de vrouw leest niet vaak een boek",
        ),
        (
            both("question", replace(READS, tense=Tense.HABIT, adverbial=OFTEN)),
            "does the woman often read the book | leest de vrouw het boek vaak",
        ),
        (
            both("command", replace(READS, subject=who("you"), tense=Tense.HABIT, negated=True)),
            "do not read the book | lees het boek niet",
        ),
        (
            both("statement", replace(READS, object=the("boek", "a"), place=Pair("in the garden", "in de tuin"))),
            "the woman is reading a book in the garden | de vrouw leest in de tuin een boek",
        ),
        (
            both(
                "statement",
                replace(READS, object=the("boek", "a"), place=Pair("in the garden", "in de tuin"), negated=True),
            ),
            "the woman is not reading a book in the garden | de vrouw leest geen boek in de tuin",
        ),
        # modal verbs: the infinitive last, hoeven te under negation
        (
            both("statement", replace(CALLS, modal=Modal("can", WORDS.grammatical["can"]), negated=True)),
            "he cannot call her | hij kan haar niet opbellen",
        ),
        (
            both("subordinate", replace(CALLS, modal=Modal("", WORDS.grammatical["want"]))),
            "he wants to call her | hij haar wil opbellen",
        ),
        (
            both(
                "statement",
                replace(CALLS, modal=Modal("", WORDS.grammatical["must"], WORDS.grammatical["need"]), negated=True),
            ),
            "he does not have to call her | hij hoeft haar niet op te bellen",
        ),
        # jij loses its t after the verb; hun and hen; zijn in the perfect
        (both("statement", replace(READS, subject=who("you"))), "you are reading the book | jij leest het boek"),
        (both("question", replace(READS, subject=who("you"))), "are you reading the book | lees jij het boek"),
        (
            both("question", replace(READS, subject=who("you"), modal=Modal("can", WORDS.grammatical["can"]))),
            "can you read the book | kun jij het boek lezen",
        ),
        (
            both(
                "statement",
                Clause(who("I"), verb("geven", "giving"), Tense.PAST, indirect=who("they"), object=the("boek", "a")),
            ),
            "I gave them a book | ik gaf hun een boek",
        ),
        (both("statement", replace(CALLS, object=who("they"))), "he is calling them | hij belt hen op"),
        (
            both(
                "statement",
                Clause(who("we"), verb("gaan", "going"), Tense.PERFECT, complement=Pair("to school", "naar school")),
            ),
            "we have gone to school | wij zijn naar school gegaan",
        ),
        (
            both("statement", Clause(the("soldaat", plural=True), verb("slapen", "alone"), Tense.PAST)),
            "the soldiers slept | de soldaten sliepen",
        ),
    ],
)
def test_worked_examples(actual: str, expected: str) -> None:
    assert actual == expected


def test_adjectives_end_in_e_except_before_an_indefinite_het_word() -> None:
    big = next(adjective for adjective in WORDS.adjectives if adjective.en == "big")
    house, dog = noun("huis"), noun("hond")
    phrases = {
        (noun.singular.nl, name, plural): noun_phrase(noun, determiner, plural, big).subject.nl
        for noun in (house, dog)
        for name, determiner in [*WORDS.determiners.items(), ("bare", BARE)]
        for plural in (False, True)
    }
    assert phrases["huis", "the", False] == "het grote huis"
    assert phrases["huis", "a", False] == "een groot huis"
    assert phrases["huis", "no", False] == "geen groot huis"
    assert phrases["huis", "every", False] == "elk groot huis"
    assert phrases["huis", "which", False] == "welk groot huis"
    assert phrases["huis", "this", False] == "dit grote huis"
    assert phrases["huis", "that", False] == "dat grote huis"
    assert phrases["huis", "our", False] == "ons grote huis"
    assert phrases["huis", "my", False] == "mijn grote huis"
    assert phrases["huis", "bare", True] == "grote huizen"
    assert phrases["huis", "no", True] == "geen grote huizen"
    assert phrases["hond", "a", False] == "een grote hond"
    assert phrases["hond", "every", False] == "elke grote hond"
    assert phrases["hond", "our", False] == "onze grote hond"
    assert phrases["hond", "that", False] == "die grote hond"
    assert phrases["hond", "which", True] == "welke grote honden"
    cold = next(adjective for adjective in WORDS.adjectives if adjective.en == "cold")
    assert noun_phrase(noun("water"), BARE, False, cold).subject == Pair("cold water", "koud water")
    assert noun_phrase(noun("melk"), BARE, False, cold).subject == Pair("cold milk", "koude melk")


@pytest.mark.parametrize(
    ("adjective", "name", "expected"),
    [
        ("old", "huis", "an old house"),
        ("big", "ei", "a big egg"),
        ("", "ei", "an egg"),
        ("", "uniform", "a uniform"),
        ("honest", "man", "an honest man"),
        ("", "huis", "a house"),
        ("ugly", "hond", "an ugly dog"),
    ],
)
def test_a_or_an_depends_on_the_next_sound(adjective: str, name: str, expected: str) -> None:
    modifier = next((word for word in WORDS.adjectives if word.en == adjective), None)
    assert noun_phrase(noun(name), WORDS.determiners["a"], False, modifier).subject.en == expected


def test_the_lexicon_has_enough_words_and_every_noun_has_one_gender() -> None:
    entries = list(WORDS.entries())
    assert len(entries) == len(set(entries)) >= 400
    genders: dict[str, set[bool]] = {}
    for nouns in WORDS.nouns.values():
        for each in nouns:
            genders.setdefault(each.singular.nl, set()).add(each.neuter)
    assert all(len(neuters) == 1 for neuters in genders.values())
    assert sum(both == {True} for both in genders.values()) > 40  # enough het-words


def test_paradigms_follow_the_rules_of_dutch_spelling() -> None:
    """Check the written forms: the third person, the past and the participle follow the rules."""
    irregular = {"zijn", "hebben", "gaan", "staan", "doen", "zien", "komen"}
    mixed = {"lachen", "wassen", "bakken"}  # lachte, but gelachen
    separable = 0
    for each in [v for verbs in WORDS.verbs.values() for v in verbs]:
        forms = each.nl
        separable += bool(forms.particle)
        assert forms.infinitive.endswith(("en", "n")), forms
        assert forms.participle.startswith(forms.particle)
        assert forms.auxiliary in ("hebben", "zijn")
        if forms.infinitive not in irregular:
            assert forms.third in (forms.first + "t", forms.first), forms
            assert (forms.third == forms.first) == forms.first.endswith("t"), forms
        if forms.past.endswith(("te", "de")) and forms.first + forms.past[-2:] == forms.past:  # weak
            voiceless = forms.infinitive.removesuffix("en")[-1] in "tkfsp" or forms.infinitive[-4:-2] == "ch"
            assert forms.past.endswith("te" if voiceless else "de"), forms
            assert forms.past_plural == forms.past + "n", forms
            assert (forms.participle[-1] in "td") != (forms.infinitive in mixed), forms
    assert separable >= 20
