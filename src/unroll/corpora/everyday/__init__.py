"""Source `everyday-english`: sentences of a grammar of everyday English, with their true probabilities.

The raw folder also has minimal pairs of the grammar, one phenomenon after the other, for `unroll judge`. The oracle
gives every unacceptable sentence the probability that the grammar gives it, mostly zero.
"""

import json
import random
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from ruamel.yaml import YAML

from unroll.corpora.everyday.grammar import (
    Productions,
    Value,
    expand,
    is_nonterminal,
    read_features,
    read_rules,
    to_chomsky_normal_form,
)
from unroll.corpora.pcfg import sample
from unroll.corpora.sampled import Floats, Symbols, to_documents, write_corpus
from unroll.params.corpora import EverydayEnglishCorpus

GRAMMAR = Path(__file__).with_name("grammar.yaml")
PAIRS_FILE = "minimal_pairs.jsonl"
NAMES = ("i", "paris", "rome", "london", "madrid", "berlin", "tokyo", "moscow", "cairo", "french", "english")
"""Words with a capital letter; the countries have one, too."""


def fetch(params: EverydayEnglishCorpus, folder: Path) -> None:
    """Sample sentences and minimal pairs, and write them and the probabilities of the grammar into the folder."""
    content = YAML(typ="safe", pure=True).load(GRAMMAR.read_text(encoding="utf-8"))
    features = read_features(content["features"])
    grammar = to_chomsky_normal_form(read_rules(content["rules"], features))
    generator = np.random.default_rng(params.seed)
    tokens, lengths = sample(grammar.rules, grammar.probabilities, grammar.emission, params.sentences, generator)
    names = {*NAMES, *features["k"]}
    settings = {"kind": "pcfg", "words": grammar.words, "vocabulary_size": len(grammar.words)}
    arrays: dict[str, Symbols | Floats] = {
        "rules": grammar.rules,
        "probabilities": grammar.probabilities,
        "emission": grammar.emission,
    }
    sentences = (punctuate(words.split(), names) for words in to_documents(grammar.words, tokens, lengths))
    write_corpus(folder, settings, arrays, sentences)
    pairs = sample_pairs(content["pairs"], content["rules"], features, params.pairs, random.Random(params.seed))
    lines = (
        json.dumps({"sentence_good": punctuate(good, names), "sentence_bad": punctuate(bad, names), "phenomenon": name})
        for name, good, bad in pairs
    )
    (folder / PAIRS_FILE).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8", newline="\n")


def punctuate(words: Sequence[str], names: set[str]) -> str:
    """Join words to a sentence with capital letters, in which no space precedes punctuation.

    Args:
        words: The words in lower case.
        names: The words that always have a capital letter.

    Returns:
        The sentence.
    """
    text = " ".join(word.capitalize() if word in names else word for word in words)
    return re.sub(r" ([,.])", r"\1", text[0].upper() + text[1:])


def sample_pairs(
    pairs: Mapping[str, Any],
    rules: Mapping[str, Any],
    features: Mapping[str, list[Value]],
    count: int,
    generator: random.Random,
) -> list[tuple[str, list[str], list[str]]]:
    """Sample distinct minimal pairs of every phenomenon.

    Args:
        pairs: The templates of each phenomenon, whose names are in lower case, and rules of further nonterminals.
        rules: The rules of the grammar.
        features: The values of each feature.
        count: The number of pairs of a phenomenon, if it has as many.
        generator: The source of randomness.

    Returns:
        The phenomenon, the acceptable words and the unacceptable words of each pair.
    """
    more = {name: entry for name, entry in pairs.items() if is_nonterminal(name)}
    productions = read_rules({**rules, **more}, features)
    found = []
    for phenomenon, texts in pairs.items():
        if phenomenon in more:
            continue
        templates = [template for text in texts for template in expand(text, features)]
        seen: dict[tuple[str, str], None] = {}
        for _ in range(20 * count):  # a phenomenon may have fewer pairs
            good, bad = _derive(generator.choice(templates), productions, generator)
            seen[" ".join(good), " ".join(bad)] = None
            if len(seen) == count:
                break
        found += [(phenomenon, good.split(), bad.split()) for good, bad in seen]
    return found


def _derive(template: str, productions: Productions, generator: random.Random) -> tuple[list[str], list[str]]:
    """Rewrite the nonterminals of a template. `x/y` has the alternatives of the same number in both sentences."""
    good: list[str] = []
    bad: list[str] = []
    for symbol in template.split():
        first, _, second = symbol.partition("/")
        number = generator.randrange(len(productions[first])) if is_nonterminal(first) and second else None
        rewritten = _rewrite(first, productions, generator, number)
        good += rewritten
        bad += _rewrite(second, productions, generator, number) if second else rewritten
    return good, bad


def _rewrite(symbol: str, productions: Productions, generator: random.Random, number: int | None = None) -> list[str]:
    """Return random words of a symbol, or those of the alternative of a number, counted round."""
    if not is_nonterminal(symbol):
        return [symbol]
    sides = [*productions[symbol]]
    if number is None:
        (side,) = generator.choices(sides, [*productions[symbol].values()])
    else:
        side = sides[number % len(sides)]
    return [word for part in side for word in _rewrite(part, productions, generator)]
