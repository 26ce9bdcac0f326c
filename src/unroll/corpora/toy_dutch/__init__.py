"""Source `toy-dutch`: English-Dutch sentence pairs, sampled from a synchronous grammar.

One derivation gives both sentences (`clause`), so every pair is a translation. No English sentence occurs twice. The
words are data (words.yaml, verbs.yaml) and the rules are code (`grammar`, `predicates`, `phrases`).
"""

import random
from pathlib import Path

from unroll.corpora.toy_dutch.grammar import Grammar
from unroll.errors import UnrollError
from unroll.params.corpora import ToyDutchCorpus
from unroll.text.manifest import RawFile, write_manifest

MAX_REPETITIONS = 10_000
"""The number of consecutive derivations without a new sentence after which the grammar counts as exhausted."""


def fetch(params: ToyDutchCorpus, folder: Path) -> None:
    """Write the pairs to pairs.tsv with the columns English and Dutch.

    Raises:
        UnrollError: The grammar has fewer distinct pairs.
    """
    lines = "".join(f"{english}\t{dutch}\n" for english, dutch in sample(params.pairs, params.seed).items())
    (folder / "pairs.tsv").write_text(lines, encoding="utf-8", newline="\n")
    write_manifest(folder, [RawFile("pairs.tsv", "pairs")])


def sample(pairs: int, seed: int) -> dict[str, str]:
    """Sample distinct pairs.

    Args:
        pairs: The number of pairs.
        seed: The random seed.

    Returns:
        The Dutch sentences by their English sentences, in the order of sampling.

    Raises:
        UnrollError: The grammar has fewer distinct pairs.
    """
    grammar = Grammar(random.Random(seed))
    sampled: dict[str, str] = {}
    repetitions = 0
    while len(sampled) < pairs:
        pair = grammar.sentence()
        repetitions = repetitions + 1 if pair.en in sampled else 0
        if repetitions > MAX_REPETITIONS:
            raise UnrollError(
                f"corpora.*.pairs: only about {len(sampled)} distinct pairs were found, not {pairs}; set pairs to at "
                "most that"
            )
        sampled.setdefault(pair.en, pair.nl)
    return sampled
