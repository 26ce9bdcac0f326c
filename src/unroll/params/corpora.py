"""`corpora`: where text comes from and how it is cleaned (stages download and clean)."""

from functools import cache
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Discriminator, Field, Tag, field_validator, model_validator
from ruamel.yaml import YAML

from unroll.params.base import Params, Share, nearest

CATALOGUE = Path(__file__).parents[1] / "corpora" / "catalogue.yaml"
"""Data of `unroll.corpora.catalogue`; only names and formats matter here."""


class Splits(Params):
    """How documents are divided into train, valid and test; train is what the two shares leave."""

    by: Literal["source", "hash", "position"]
    """`source`: by the source's own files; `hash`: by a stable hash of the text (pairs: of the source sentence), so
    that equal texts never part; `position`: the last characters are test, those before them valid."""
    valid: Share
    """Share of the documents (`hash`) or characters (`position`); not used by `source`."""
    test: Share
    """As `valid`."""

    @model_validator(mode="after")
    def _leave_some_to_train(self) -> "Splits":
        if self.valid + self.test >= 1:
            taken = f"valid + test = {self.valid + self.test:g}"
            raise ValueError(f"{taken} leaves nothing to train on; keep the sum below 1")
        return self


class Duplicates(Params):
    """Documents (of pairs: source sentences) that are also in a later split, in the order train, valid, test."""

    drop: bool
    """Leave them out of the earlier split, so that test stays what it is; they are counted in any case."""


class ExactDuplicates(Duplicates):
    kind: Literal["exact"]


class NearDuplicates(Duplicates):
    """Also near ones: their sets of runs of words have a Jaccard similarity, estimated by MinHash, of a minimum."""

    kind: Literal["near"]
    words: Annotated[int, Field(ge=1, le=20)]
    """Per run; case, punctuation and digits play no part."""
    similarity: Annotated[float, Field(ge=0.5, le=1)]
    """The minimum. Copies below 0.5 are found too rarely to be promised."""


class Cleaning(Params):
    """What every corpus says of its cleaning, wherever it comes from."""

    cleaning: Literal["plain", "layout", "letters"]
    """`plain`: white space folded into single spaces, none at the ends; `layout`: white space is kept as it is;
    `letters`: everything but A-Z a-z becomes one space (`clean_text` of the lecture notes). All three first bring the
    text to Unicode NFC and drop control characters."""
    invisible: Literal["keep", "drop"]
    """Soft hyphens, zero width spaces, word joiners and marks of byte order, which make two words of one."""
    lowercase: bool
    empty: Literal["keep", "drop"]
    """Documents without a character: `keep` them (WikiText counts the <eos> of its blank lines) or `drop` them.
    A pair or labelled text with an empty side is always dropped."""
    max_characters: Annotated[int, Field(ge=100, le=100_000_000)]
    """Characters a document has at most, which bounds the memory of every stage. Longer running text is cut into
    documents at white space; a longer pair or labelled text is dropped; both are counted."""
    duplicates: Annotated[ExactDuplicates | NearDuplicates, Field(discriminator="kind")]
    splits: Splits

    @property
    def cleaner_settings(self) -> dict[str, Any]:
        """The settings of the corpus that its `unroll.text.cleaner.Cleaner` is made from."""
        return {name: getattr(self, name) for name in ("cleaning", "invisible", "lowercase", "markup")}


class Written(Cleaning):
    """A corpus that a program of ours writes: nothing about its files is left to ask."""

    documents: ClassVar[str] = "source"
    encoding: ClassVar[str] = "utf-8"
    errors: ClassVar[str] = "strict"
    markup: ClassVar[str] = "keep"


class TextCorpus(Cleaning):
    """Text by name: `python-docs` or an entry of the catalogue (`src/unroll/corpora/catalogue.yaml`)."""

    source: str
    """Name of the source."""
    documents: Literal["source", "line", "paragraph", "file"]
    """What one document is: what the source or catalogue says, a line, a block between blank lines, or a file."""
    encoding: Literal["utf-8", "utf-16", "utf-32", "cp1252", "latin-1", "gb18030", "shift_jis", "euc_kr", "koi8-r"]
    """Of the files; never guessed: the error on a wrong one says what the file looks like."""
    errors: Literal["strict", "replace"]
    """Bytes that are not text in this encoding: refused with file, line and byte, or replaced by U+FFFD and counted."""
    markup: Literal["keep", "html"]
    """`html`: tags are removed and entities (&amp;) become the characters they stand for."""

    @field_validator("source")
    @classmethod
    def _is_known(cls, source: str) -> str:
        if source not in SOURCES and source not in catalogue_formats():
            raise ValueError(f"there is no {source}{nearest(source, [*SOURCES, *catalogue_formats()])}")
        return source


Format = Literal["text", "pairs", "labelled", "series"]
"""What a line of a user's file is: text; source, tab, target; label, tab, text; or CSV, a number in the last column."""


class PathCorpus(TextCorpus):
    """A text file of the user's own."""

    source: Literal["path"]
    path: str
    """The file, relative to the repository or absolute."""
    sha256: str
    """Of the file's bytes: pins the result; the error on a wrong one prints the right one to paste here."""
    format: Format


class UrlCorpus(TextCorpus):
    """A text file on the web, plain or compressed, or an archive of text files."""

    source: Literal["url"]
    url: Annotated[str, Field(pattern=r"^https://[!-~]+$", max_length=2000)]
    """Of the file; https only."""
    sha256: str
    """Of the downloaded bytes, as in `path`."""
    format: Format


class ToyDutchCorpus(Written):
    """English-Dutch sentence pairs from the synchronous grammar of `unroll.corpora.toy_dutch`."""

    source: Literal["toy-dutch"]
    pairs: Annotated[int, Field(ge=10, le=1_000_000)]
    """Distinct pairs to sample."""


Concentration = Annotated[float, Field(ge=0.001, le=1_000_000)]
"""Of a symmetric Dirichlet distribution: 1 draws all rows alike, below it a few outcomes share each row, above it rows
come near the uniform one."""
StopProbability = Annotated[float, Field(ge=0.0001, le=0.9)]
"""Probability that a document ends after each token; its mean length is 1 / end."""


class LabelledDocsCorpus(Written):
    """Docstrings of the standard library, labelled with the package they document."""

    source: Literal["python-docs-labelled"]
    classes: Annotated[int, Field(ge=2, le=1000)]
    """Labels: the packages with the most docstrings."""
    min_characters: Annotated[int, Field(ge=1, le=100_000)]
    """Characters of a docstring at least."""


class SampledCorpus(Written):
    """Text sampled from a known source, whose parameters are drawn first; the family `source` predicts with them."""

    expected_tokens: Annotated[int, Field(ge=100, le=100_000_000)]
    """To sample, in expectation: the number of documents is this over their mean length."""
    vocabulary_size: Annotated[int, Field(ge=2, le=65_536)]
    """Different words: w0, w1, ..."""


class MarkovCorpus(SampledCorpus):
    """A Markov chain: each symbol depends on those just before it."""

    source: Literal["markov"]
    order: Annotated[int, Field(ge=1, le=8)]
    """On how many."""
    concentration: Concentration
    """Of the distributions of the next symbol."""
    stop_probability: StopProbability


class HmmCorpus(SampledCorpus):
    """A hidden Markov model: a chain of states, each of which emits a symbol."""

    source: Literal["hmm"]
    states: Annotated[int, Field(ge=1, le=4096)]
    transition_concentration: Concentration
    """Of the distributions of the next state."""
    emission_concentration: Concentration
    """Of the states' distributions of symbols."""
    stop_probability: StopProbability


class PcfgCorpus(SampledCorpus):
    """A probabilistic context-free grammar in Chomsky's normal form."""

    source: Literal["pcfg"]
    nonterminals: Annotated[int, Field(ge=2, le=64)]
    """The root included."""
    rules: Annotated[int, Field(ge=1, le=1000)]
    """A -> B C of each nonterminal A."""
    branching: Annotated[float, Field(ge=0, le=0.49)]
    """b: probability that a nonterminal (not the root, which always does) has two children and is not a word. A
    document has 2 (1 - b) / (1 - 2 b) tokens on average, and towards 0.5 a few have very many."""
    rule_concentration: Concentration
    """Of each nonterminal's rules."""
    emission_concentration: Concentration
    """Of each nonterminal's words."""


class SineCorpus(Written):
    """A series of numbers: a sine of amplitude 1 and Gaussian noise."""

    source: Literal["sine"]
    length: Annotated[int, Field(ge=10, le=10_000_000)]
    """Values."""
    period: Annotated[float, Field(gt=2, le=10_000_000)]
    """Values in a full turn."""
    noise: Annotated[float, Field(ge=0, le=1000)]
    """Deviation of the noise."""


SOURCES = ("python-docs", "path", "url", "toy-dutch", "python-docs-labelled", "markov", "hmm", "pcfg", "sine")
"""The sources that are no entry of the catalogue."""


@cache
def catalogue_formats() -> dict[str, str]:
    """What the catalogue has by name: `text`, `pairs`, `labelled` or `series` (vectors and the like are no corpora)."""
    formats = {name: entry["data"][0]["format"] for name, entry in YAML(typ="safe").load(CATALOGUE).items()}
    return {name: kind for name, kind in formats.items() if kind not in ("vectors", "analogies")}


def _kind(value: Any) -> str:
    source = value.get("source") if isinstance(value, dict) else getattr(value, "source", None)
    return source if source in SOURCES[1:] else "text"


Corpus = Annotated[
    Annotated[TextCorpus, Tag("text")]
    | Annotated[PathCorpus, Tag("path")]
    | Annotated[UrlCorpus, Tag("url")]
    | Annotated[ToyDutchCorpus, Tag("toy-dutch")]
    | Annotated[LabelledDocsCorpus, Tag("python-docs-labelled")]
    | Annotated[MarkovCorpus, Tag("markov")]
    | Annotated[HmmCorpus, Tag("hmm")]
    | Annotated[PcfgCorpus, Tag("pcfg")]
    | Annotated[SineCorpus, Tag("sine")],
    Discriminator(_kind),
]


def kind_of(corpus: Cleaning) -> str:
    """What a corpus holds: `text`, `pairs`, `labelled` or `series`."""
    match corpus:
        case ToyDutchCorpus():
            return "pairs"
        case LabelledDocsCorpus():
            return "labelled"
        case SineCorpus():
            return "series"
        case PathCorpus() | UrlCorpus():
            return corpus.format
        case TextCorpus():
            return catalogue_formats().get(corpus.source, "text")
        case _:
            return "text"
