"""Sampled pairs have words of the lexicon, correct punctuation and all constructions, and are deterministic."""

import json
import re
from pathlib import Path
from types import SimpleNamespace

import pytest

from unroll.corpora import toy_dutch
from unroll.corpora.toy_dutch.grammar import Grammar
from unroll.corpora.toy_dutch.lexicon import Pair, lexicon
from unroll.errors import UnrollError

WORDS = lexicon()
# fmt: off
CONSTRUCTIONS = {  # in English, in Dutch
    "inversion after an adverbial": (r"^(Yesterday|Tomorrow|Every day) ", r"^(Gisteren|Morgen|Elke dag) \w+ "),
    "separable verb, apart": (r"(calls|called|call|calling)\b", r"\b(bel|belt|belde|belden) .*\bop\b"),
    "separable verb, together": (r"(that|because|if|where|when) .*call", r"\b(opbelt|opbelden?|opbellen|opgebeld)\b"),
    "niet": (r"\bnot\b", r"\bniet\b"),
    "geen": (r"\bnot\b", r"\bgeen\b"),
    "not yet": (r"\bnot\b.* yet", r"\bnog (niet|geen)\b"),
    "do-support": (r"\b(do|does|did) not\b", r"\b(niet|geen)\b"),
    "yes/no question": (r"^(Is|Are|Does|Do|Did|Has|Have|Can|May|Will) .*\?$", r"\?$"),
    "wh-question": (r"^(What|Who|Where|Why|When|Which|How) ", r"^(Wat|Wie|Waar|Waarom|Wanneer|Welke?|Hoe|Hoeveel) "),
    "perfect with zijn": (r"\b(has|have) ", r"\b(is|zijn|ben|bent) .*\b(gegaan|gevlogen|gereisd|vertrokken)\b"),
    "modal verb": (r"\b(can|may|wants? to)\b", r"\b(kan|kunnen|kunt|kun|mag|mogen|wil|willen|wilt)\b"),
    "hoeven te": (r"not have to", r"\b(hoef|hoeft|hoeven) .*te \w+en\b"),
    "relative clause": (r" (who|that) ", r" (die|dat) .*, "),
    "er": (r"\b[Tt]here (is|are|was|were)\b", r"\b[Ee]r\b"),
    "comparison": (r"(er|more \w+) than ", r"er (is |was |zijn |waren |zal )?.*dan "),
    "profession without article": (r"\b(am|is|are|was|were) an? \w+\.$", r"\b(is|ben|bent|was) \w+\.$"),
    "command": (r"^[A-Z].*!$", r"^[A-Z].*!$"),
    "weather": (r"\b[Ii]t (is|was|rained|snowed|froze|has|will|often|always)", r"\bhet\b|^Het"),
    "fronted subordinate clause": (r"^(Because|When|If|While|Before) .*, ", r"^(Omdat|Toen|Als|Terwijl|Voordat) .*, "),
    "waar ... op": (r"^What .* (for|about|of|at)\?$", r"^Waar .*(op|over|om|aan|van|naar)\b"),
    "naartoe": (r"^Where ", r"\bnaartoe\b"),
}
# fmt: on

_GRAMMATICAL = """
not do does did am are were cannot than there it that whether in to too very yet what who where why how of
niet te dan er het dat of naar nog wat wie waar naartoe waarom wanneer hoe erg mee bent hebt kunt kun zult zul wilt
"""


@pytest.fixture(scope="module")
def pairs() -> dict[str, str]:
    return toy_dutch.sample(8000, 1)


def test_every_word_of_a_sentence_is_in_the_lexicon(pairs: dict[str, str]) -> None:
    text = "".join((Path(toy_dutch.__file__).parent / name).read_text() for name in ("words.yaml", "verbs.yaml"))
    known = set(re.findall(r"['\w]+", text.lower().replace("_", " ")))
    known |= {v.nl.particle + form for verbs in WORDS.verbs.values() for v in verbs for form in vars(v.nl).values()}
    known |= {v.nl.participle for verbs in WORDS.verbs.values() for v in verbs}
    known |= set(_GRAMMATICAL.split())
    for sentences in pairs.items():
        for sentence in sentences:
            assert set(re.findall(r"['\w]+", sentence.lower())) <= known, sentence


def test_sentences_have_correct_punctuation_and_negation(pairs: dict[str, str]) -> None:
    for sentences in pairs.items():
        for sentence in sentences:
            assert re.fullmatch(r"('s )?[A-Z][^.?!]*[.?!]", sentence), sentence
            assert "  " not in sentence
            assert " ," not in sentence
        source, target = sentences
        assert source[-1] == target[-1]
        assert not re.search(r"\ba [aeio]", source), source
        assert not re.search(r"\ban [^aeiouh]", source), source
        assert not re.search(
            r"\b(een|geen|niet) (een|geen|niet) (een|geen|niet)\b|\bniet een\b|\bniet geen\b", target
        ), target
        assert bool(re.search(r"\b(niet|geen)\b", target)) == bool(re.search(r"\b(not|cannot|no)\b", source)), source


@pytest.mark.parametrize("construction", CONSTRUCTIONS)
def test_every_construction_is_sampled(construction: str, pairs: dict[str, str]) -> None:
    in_english, in_dutch = (re.compile(pattern) for pattern in CONSTRUCTIONS[construction])
    assert sum(bool(in_english.search(en) and in_dutch.search(nl)) for en, nl in pairs.items()) >= 5


def test_all_words_are_used(pairs: dict[str, str]) -> None:
    """Check that a form of each noun and each verb occurs."""
    words = set(re.findall(r"['\w]+", " ".join(pairs.values()).lower()))
    for nouns in WORDS.nouns.values():
        for each in nouns:
            assert {each.singular.nl, each.plural.nl if each.plural else ""} & words, each
    for verbs in WORDS.verbs.values():
        for each_verb in verbs:
            assert {str(form) for form in vars(each_verb.nl).values()} & words, each_verb


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    contents = []
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        folder = tmp_path / name
        folder.mkdir()
        toy_dutch.fetch(SimpleNamespace(pairs=200, seed=seed), folder)
        assert sorted(path.name for path in folder.iterdir()) == ["pairs.tsv", "raw.json"]
        contents.append((folder / "pairs.tsv").read_bytes())
    assert contents[0] == contents[1] != contents[2]
    lines = contents[0].decode("utf-8").splitlines()
    assert len(lines) == len({line.split("\t")[0] for line in lines}) == 200
    assert all(line.count("\t") == 1 for line in lines)
    entry = json.loads((tmp_path / "a" / "raw.json").read_text())[0]
    assert (entry["file"], entry["format"]) == ("pairs.tsv", "pairs")


def test_more_pairs_than_the_grammar_has_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    sentences = [Pair(f"{n}", f"{n}") for n in range(7)]
    monkeypatch.setattr(Grammar, "sentence", lambda self: sentences[self.random.randrange(7)])
    assert len(toy_dutch.sample(7, 1)) == 7
    with pytest.raises(UnrollError, match="only about 7 distinct pairs were found, not 8; set pairs"):
        toy_dutch.sample(8, 1)


@pytest.mark.slow
def test_there_are_fifty_thousand_distinct_pairs() -> None:
    pairs = toy_dutch.sample(50_000, 1)
    assert len(pairs) == 50_000
    assert (
        len(set(pairs.values())) > 49_900
    )  # two English sentences can have the same translation (wear, carry: dragen)
