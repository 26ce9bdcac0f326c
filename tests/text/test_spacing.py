"""Laws of the model of spacing: a distribution over all gaps, which with the tokens determines the text."""

import itertools
import math
import sys
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.text.conftest import bpe, chars, words
from tests.text.test_tokenizers import TEXTS, learned
from unroll.text.tokenizers.base import Tokenizer
from unroll.text.tokenizers.spacing import WHITE_SPACE, Spacing, count_gaps, token_class
from unroll.text.tokenizers.vocabulary import UNK

PARAMS = {
    "whitespace": words(min_count=2),
    "punctuation": words(pretokenizer="punctuation", min_count=2),
    "char": chars(min_count=2),
    "bytes": bpe(vocabulary_size=300),
    "characters": bpe(vocabulary_size=100, base_alphabet="characters"),
}
TOKENIZERS = {
    f"{name}{' with <unk>' if word else ''}": learned(params, [*TEXTS, "to <unk> or <unk>"], word)
    for name, params in PARAMS.items()
    for word in (None, "<unk>")
}
every = pytest.mark.parametrize("name", TOKENIZERS)
SPACED = st.lists(st.sampled_from(["<unk>", "f", "(", "x", ")", "don't", "é", " ", "\n", "\u3000", "zebra"])).map(
    "".join
)


def rebuild(tokenizer: Tokenizer, ids: Sequence[int], unknown: Sequence[str], gaps: Sequence[str]) -> str:
    """Make the text from its token ids, the spellings of its unknown tokens, and its gaps."""
    spellings = iter(unknown)
    if not gaps:
        runs = itertools.groupby(ids, key=lambda token: token == UNK)
        return "".join(
            "".join(next(spellings) for _ in run) if is_unknown else tokenizer.decode(run) for is_unknown, run in runs
        )
    tokens = [next(spellings) if token == UNK else tokenizer.id_to_token(token) for token in ids]
    return "".join(gap + token for gap, token in itertools.zip_longest(gaps, tokens, fillvalue=""))


@every
@given(text=st.text() | SPACED)
def test_tokens_and_gaps_rebuild_the_text(name: str, text: str) -> None:
    tokenizer = TOKENIZERS[name]
    ids, gaps = tokenizer.encode(text), tokenizer.gaps(text)
    assert rebuild(tokenizer, ids, tokenizer.unknown_tokens(text), gaps) == text
    assert len(gaps) in (0, len(ids) + 1)
    assert all(not gap.strip() for gap in gaps)


@every
def test_tokenizers_that_keep_white_space_pay_nothing(name: str) -> None:
    tokenizer = TOKENIZERS[name]
    costs = [tokenizer.spacing_bits(text) for text in TEXTS]
    assert all(cost > 0 for cost in costs) if tokenizer.type == "word" else costs == [0.0] * len(TEXTS)


def test_the_alphabet_of_gaps_is_all_white_space() -> None:
    assert sorted(WHITE_SPACE) == [c for c in map(chr, range(sys.maxunicode + 1)) if c.isspace()]


CONTEXTS = [("word", "word", " "), ("word", "(", ""), ("", "word", ""), ("]", "[", "\n"), ("", "", "")]


@pytest.mark.parametrize("context", CONTEXTS)
@pytest.mark.parametrize("texts", [[], ["f (x) = g(x)  +\n\t1"] * 3])
def test_probabilities_of_all_gaps_sum_to_one(context: tuple[str, str, str], texts: list[str]) -> None:
    """The gaps of at most 2 characters are enumerated. The rest is the mass of longer spellings, and of seen gaps."""
    tokenizer = learned(words(pretokenizer="punctuation"), ["x", *texts])
    spacing = Spacing(count_gaps((tokenizer.split(text), tokenizer.gaps(text)) for text in texts))  # type: ignore[attr-defined]
    gaps = ["".join(signs) for n in range(3) for signs in itertools.product(WHITE_SPACE, repeat=n)]
    longest = max((len(gap) for *_, gap in spacing.counts), default=0)
    assert longest <= 2
    total = math.fsum(2 ** spacing.log_prob(*context, gap) for gap in gaps)
    # Every longer gap is spelled: its probability is that of its first 3 characters times that of the rest, which is
    # summed over all rests. A gap of 4 characters divided by one of 3 is the probability of a character.
    three = {sign: 2 ** spacing.log_prob(*context, sign * 3) for sign in WHITE_SPACE}
    p = {sign: 2 ** spacing.log_prob(*context, sign * 4) / three[sign] for sign in WHITE_SPACE}
    end = 1 - sum(p.values())
    escape = 2 ** spacing.log_prob(*context, " " * 3) / (p[" "] ** 3 * end)
    longer = escape * sum(p.values()) ** 3
    assert total + longer == pytest.approx(1, abs=1e-12)


def test_a_probability_by_hand() -> None:
    """One document "a b": the gaps "", " " and "" in three contexts."""
    spacing = Spacing(count_gaps([(["a", "b"], ["", " ", ""])]))
    # 30 symbols have a count of 1 and the spellings "" and " " add an end each and a space: 33 in all.
    spelled = {"": 3 / 33, " ": 2 / 33 * 3 / 33}
    marginal = {"": (2 + 2 * spelled[""]) / 5, " ": (1 + 2 * spelled[" "]) / 5}
    pair = (1 + marginal[" "]) / 2
    assert 2 ** spacing.log_prob("word", "word", "", " ") == pytest.approx((1 + pair) / 2)
    assert 2 ** spacing.log_prob("word", "(", "", " ") == pytest.approx(marginal[" "])
    assert spacing.bits(["a", "("], ["", "", " "]) == pytest.approx(
        -spacing.log_prob("", "word", "", "")
        - spacing.log_prob("word", "(", "", "")
        - spacing.log_prob("(", "", "", " ")
    )


def test_a_new_long_gap_has_a_finite_cost() -> None:
    spacing = Spacing(count_gaps([(["a", "b"], ["", " ", ""])]))
    assert 10_000 < spacing.bits(["a", "b"], ["", "\u3000" * 10_000, ""]) < 60_000


def test_classes_of_tokens() -> None:
    assert [token_class(token) for token in ("x", "é", "7", "f(x)", "don't", "(", "_", "—")] == [
        *["word"] * 5,
        "(",
        "_",
        "—",
    ]


@pytest.mark.parametrize("name", ["punctuation", "punctuation with <unk>", "bytes", "char", "characters"])
def test_a_text_with_other_spacing_has_other_costs(name: str) -> None:
    tokenizer, costs = TOKENIZERS[name], set()
    for text in ("the cook(cooks), the end", "the cook ( cooks ) , the end", " the  cook(cooks),the\nend "):
        length = len(tokenizer.encode(text)) * 10 + tokenizer.spelling_bits(text) + tokenizer.spacing_bits(text)
        costs.add(length)
    assert len(costs) == 3


def test_usual_spacing_is_cheap_and_unusual_spacing_is_not() -> None:
    texts = ["f(x) = g(x) + 1, h(x)."] * 50
    tokenizer = learned(words(pretokenizer="punctuation"), texts)
    assert tokenizer.spacing_bits("g(x) = f(x) + 1, h(x).") < 2
    assert tokenizer.spacing_bits("g ( x ) = f ( x ) + 1 , h ( x ) .") > 40
