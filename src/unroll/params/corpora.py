"""Section `corpora`: the sources of text, and how it is cleaned and split (stages download and clean)."""

from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, field_validator, model_validator
from ruamel.yaml import YAML

from unroll.params.base import Params, Share, suggest

CATALOGUE = Path(__file__).parents[1] / "corpora" / "catalogue.yaml"
"""The data of `unroll.corpora.catalogue`. The schema reads only the names and formats."""


class Splits(Params):
    """How documents are divided into train, valid and test. The rest after the two shares is train."""

    by: Literal["source", "hash", "position"]
    """The rule. `source`: the files of the source define the splits. `hash`: a stable hash of the text (of the source
    sentence for pairs) selects the split, so that equal texts are in the same split. `position`: the last characters
    are test, and those before them are valid."""
    valid: Share
    """The share of valid in the documents (`hash`) or characters (`position`). `source` ignores it."""
    test: Share
    """The share of test, defined in the same way."""

    @model_validator(mode="after")
    def _check_train_is_not_empty(self) -> "Splits":
        if self.valid + self.test >= 1:
            taken = f"valid + test = {self.valid + self.test:g}"
            raise ValueError(f"{taken} leaves nothing to train on; keep the sum below 1")
        return self


class Duplicates(Params):
    """Documents (source sentences of pairs) that are also in a later split, in the order train, valid, test."""

    drop: bool
    """Whether duplicates are removed from the earlier split. Test never changes. Duplicates are always counted."""


class ExactDuplicates(Duplicates):
    """Documents with the same text."""

    kind: Literal["exact"]
    """Texts are compared character by character."""


class NearDuplicates(Duplicates):
    """Documents with similar sets of word n-grams (Broder, 1997). MinHash estimates their Jaccard similarity."""

    kind: Literal["near"]
    """Texts are compared by their word n-grams."""
    words: Annotated[int, Field(ge=1, le=20)]
    """The order n of the n-grams. Case, punctuation and digits are ignored."""
    similarity: Annotated[float, Field(ge=0.5, le=1)]
    """The minimum similarity. Below 0.5 MinHash would miss too many duplicates."""


class BaseCorpus(Params):
    """The settings of cleaning and splitting, which all sources share."""

    cleaning: Literal["plain", "layout", "letters"]
    """The rule. `plain`: white space becomes single spaces, and is removed at both ends. `layout`: white space does not
    change. `letters`: everything except A-Z and a-z becomes a single space. All rules convert the text to Unicode NFC
    and remove control characters."""
    invisible: Literal["keep", "drop"]
    """Whether soft hyphens, zero-width spaces, word joiners and byte order marks are kept. They split words in two."""
    lowercase: bool
    """Whether the text is converted to lower case."""
    empty: Literal["keep", "drop"]
    """Whether documents without characters are kept. WikiText counts the <eos> of its blank lines. A pair or labelled
    text with an empty side is always dropped."""
    max_characters: Annotated[int, Field(ge=100, le=100_000_000)]
    """The maximum length of a document, which limits the memory of every stage. Longer running text is cut into
    documents at white space, and longer pairs and labelled texts are dropped. Both are counted."""
    duplicates: Annotated[ExactDuplicates | NearDuplicates, Field(discriminator="kind")]
    """Documents that are in two splits."""
    splits: Splits
    """How documents are divided into train, valid and test."""


class GeneratedCorpus(BaseCorpus):
    """A corpus that the project generates. The format of its files needs no settings."""


class TextCorpus(BaseCorpus):
    """A corpus by name: `python-docs` or an entry of the catalogue (`src/unroll/corpora/catalogue.yaml`)."""

    source: str
    """The name of the source."""
    documents: Literal["source", "line", "paragraph", "file"]
    """One document: the unit that the source or catalogue defines, a line, a block between blank lines, or a file."""
    encoding: Literal["utf-8", "utf-16", "utf-32", "cp1252", "latin-1", "gb18030", "shift_jis", "euc_kr", "koi8-r"]
    """The encoding of the files. It is not guessed; the error for a wrong one suggests another."""
    errors: Literal["strict", "replace"]
    """Whether bytes that are invalid in this encoding raise an error or become U+FFFD, which is counted."""
    markup: Literal["keep", "html"]
    """Whether markup is kept. `html` removes tags and replaces entities such as &amp; by their characters."""

    @field_validator("source")
    @classmethod
    def _check_source(cls, source: str) -> str:
        if source not in SOURCES and source not in catalogue_formats():
            raise ValueError(f"there is no {source}{suggest(source, [*SOURCES, *catalogue_formats()])}")
        return source


Format = Literal["text", "pairs", "labelled", "series"]
"""The format of a user's file. `text`: plain text. `pairs`: source and target, separated by a tab. `labelled`: label
and text, separated by a tab. `series`: CSV with the number in the last column."""


class PathCorpus(TextCorpus):
    """A file of the user."""

    source: Literal["path"]
    path: str
    """The path of the file, relative to the repository or absolute."""
    sha256: str
    """The SHA-256 of the file. It determines the result; the error for a wrong one shows the right one."""
    format: Format
    """The format of the file."""


class UrlCorpus(TextCorpus):
    """A file on the web: a text, a compressed text or an archive of texts."""

    source: Literal["url"]
    url: Annotated[str, Field(pattern=r"^https://[!-~]+$", max_length=2000)]
    """The address, which must begin with https."""
    sha256: str
    """The SHA-256 of the download. It determines the result; the error for a wrong one shows the right one."""
    format: Format
    """The format of the file, or of the files in an archive."""


class ToyDutchCorpus(GeneratedCorpus):
    """English-Dutch sentence pairs, sampled from the synchronous grammar of `unroll.corpora.toy_dutch`."""

    source: Literal["toy-dutch"]
    pairs: Annotated[int, Field(ge=10, le=1_000_000)]
    """The number of distinct pairs."""


Concentration = Annotated[float, Field(ge=0.001, le=1_000_000)]
"""The concentration of a symmetric Dirichlet distribution. 1 is uniform over all distributions. A smaller value gives
distributions with few likely outcomes, and a larger value gives distributions that are nearly uniform."""
StopProbability = Annotated[float, Field(ge=0.0001, le=0.9)]
"""The probability of the end of a document after each token."""


class LabelledDocsCorpus(GeneratedCorpus):
    """Docstrings of the standard library of Python, labelled with their packages."""

    source: Literal["python-docs-labelled"]
    classes: Annotated[int, Field(ge=2, le=1000)]
    """The number of labels. They are the packages with the most docstrings."""
    min_characters: Annotated[int, Field(ge=1, le=100_000)]
    """The minimum length of a docstring."""


class SampledCorpus(GeneratedCorpus):
    """Text sampled from a random distribution. The family `oracle` predicts with its true probabilities."""

    expected_tokens: Annotated[int, Field(ge=100, le=100_000_000)]
    """The expected number of tokens. The number of documents is this number divided by their mean length."""
    vocabulary_size: Annotated[int, Field(ge=2, le=65_536)]
    """The number of different words w0, w1, ..."""


class MarkovCorpus(SampledCorpus):
    """Text of a Markov chain: each symbol depends on the symbols before it."""

    source: Literal["markov"]
    order: Annotated[int, Field(ge=1, le=8)]
    """The number of preceding symbols on which a symbol depends."""
    concentration: Concentration
    """The concentration of the distributions of the next symbol."""
    stop_probability: StopProbability
    """The probability that a document ends after each token. The mean length of a document is 1 / stop_probability."""


class HmmCorpus(SampledCorpus):
    """Text of a hidden Markov model: each state of a Markov chain emits a symbol."""

    source: Literal["hmm"]
    states: Annotated[int, Field(ge=1, le=4096)]
    """The number of states."""
    transition_concentration: Concentration
    """The concentration of the distributions of the next state."""
    emission_concentration: Concentration
    """The concentration of the distributions of the emitted symbol."""
    stop_probability: StopProbability
    """The probability that a document ends after each token. The mean length of a document is 1 / stop_probability."""


class PcfgCorpus(SampledCorpus):
    """Text of a probabilistic context-free grammar in Chomsky normal form."""

    source: Literal["pcfg"]
    nonterminals: Annotated[int, Field(ge=2, le=64)]
    """The number of nonterminals, with the root."""
    rules: Annotated[int, Field(ge=1, le=1000)]
    """The number of rules A -> B C of each nonterminal A."""
    branching: Annotated[float, Field(ge=0, le=0.49)]
    """The probability b that a nonterminal becomes two nonterminals and not a word. The root always becomes two. A
    document has 2 (1 - b) / (1 - 2 b) tokens on average. If b is close to 0.5, a few documents are very long."""
    rule_concentration: Concentration
    """The concentration of the distributions of the rules of each nonterminal."""
    emission_concentration: Concentration
    """The concentration of the distributions of the words of each nonterminal."""


class SineCorpus(GeneratedCorpus):
    """A series of numbers: a sine of amplitude 1 with Gaussian noise."""

    source: Literal["sine"]
    length: Annotated[int, Field(ge=10, le=10_000_000)]
    """The number of values."""
    period: Annotated[float, Field(gt=2, le=10_000_000)]
    """The number of values in one period."""
    noise: Annotated[float, Field(ge=0, le=1000)]
    """The standard deviation of the noise."""


SOURCES = ("python-docs", "path", "url", "toy-dutch", "python-docs-labelled", "markov", "hmm", "pcfg", "sine")
"""The sources that are not entries of the catalogue."""


@cache
def catalogue_formats() -> dict[str, str]:
    """Return the formats of the corpora in the catalogue, by name. Vectors and analogies are not corpora."""
    formats = {name: entry["data"][0]["format"] for name, entry in YAML(typ="safe").load(CATALOGUE).items()}
    return {name: format for name, format in formats.items() if format not in ("vectors", "analogies")}


def _tag(value: Any) -> str:
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
    Discriminator(_tag),
]


def corpus_format(corpus: BaseCorpus) -> str:
    """Return the format of a corpus: `text`, `pairs`, `labelled` or `series`."""
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
