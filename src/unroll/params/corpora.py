"""Section `corpora`: the sources of text (stage download). `unroll.params.cleaning` has the settings of stage clean."""

from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, cast

from pydantic import Discriminator, Field, Tag, field_validator
from ruamel.yaml import YAML

from unroll.params.base import suggest
from unroll.params.cleaning import BaseCorpus, GeneratedCorpus, PinnedCorpus, SeededCorpus
from unroll.params.formats import FileFormat, Format, UniversalColumn
from unroll.params.series import SineCorpus, VarProcessCorpus

CATALOGUE = Path(__file__).parents[1] / "corpora" / "catalogue.yaml"
"""The data of `unroll.corpora.catalogue`. The schema reads only the names and formats."""


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


UnknownWord = Annotated[str, Field(pattern=r"^\S+$", max_length=100)]
"""The word that stands for unknown words if the text was prepared with a closed vocabulary, such as <unk>; `none` if
there is no such word. Every tokenizer encodes it as the unknown token."""


class PathCorpus(TextCorpus):
    """A file of the user."""

    source: Literal["path"]
    path: str
    """The path of the file, relative to the repository or absolute."""
    sha256: str
    """The SHA-256 of the file. It determines the result; the error for a wrong one shows the right one."""
    format: FileFormat
    """The format of the file."""
    unknown_word: UnknownWord
    """The word that stands for unknown words, or `none`."""


class UrlCorpus(TextCorpus):
    """A file on the web: a text, a compressed text or an archive of texts."""

    source: Literal["url"]
    url: Annotated[str, Field(pattern=r"^https://[!-~]+$", max_length=2000)]
    """The address, which must begin with https."""
    sha256: str
    """The SHA-256 of the download. It determines the result; the error for a wrong one shows the right one."""
    format: FileFormat
    """The format of the file, or of the files in an archive."""
    unknown_word: UnknownWord
    """The word that stands for unknown words, or `none`."""


class ConlluCorpus(TextCorpus):
    """A treebank of the catalogue in the format CoNLL-U."""

    tag: UniversalColumn
    """The tag of a word."""


class ToyTagsCorpus(SeededCorpus):
    """English sentences with tags, sampled from the regular grammar of `unroll.corpora.toy_tags`."""

    source: Literal["toy-tags"]
    sentences: Annotated[int, Field(ge=10, le=1_000_000)]
    """The number of sentences."""
    tags: Literal["pos", "chunks"]
    """`pos`: parts of speech. `chunks`: phrases in BIO format, such as B-NP for the first word of a noun phrase."""


class ToyDutchCorpus(SeededCorpus):
    """English-Dutch sentence pairs, sampled from the synchronous grammar of `unroll.corpora.toy_dutch`."""

    source: Literal["toy-dutch"]
    pairs: Annotated[int, Field(ge=10, le=1_000_000)]
    """The number of distinct pairs."""


class SampledCorpus(SeededCorpus):
    """Text sampled from a known distribution. The family `oracle` predicts with its true probabilities."""


class EverydayEnglishCorpus(SampledCorpus):
    """Sentences of everyday English, sampled from the grammar of `unroll.corpora.everyday`, and minimal pairs."""

    source: Literal["everyday-english"]
    sentences: Annotated[int, Field(ge=10, le=10_000_000)]
    """The number of sentences. A sentence may occur more than once."""
    pairs: Annotated[int, Field(ge=1, le=10_000)]
    """The number of minimal pairs of each phenomenon, in the file minimal_pairs.jsonl of the raw folder."""


Concentration = Annotated[float, Field(ge=0.001, le=1_000_000)]
"""The concentration of a symmetric Dirichlet distribution. 1 is uniform over all distributions. A smaller value gives
distributions with few likely outcomes, and a larger value gives distributions that are nearly uniform."""
StopProbability = Annotated[float, Field(ge=0.0001, le=0.9)]
"""The probability of the end of a document after each token."""


class LabelledDocsCorpus(GeneratedCorpus):
    """Docstrings of the standard library of the running Python, labelled with their packages."""

    source: Literal["python-docs-labelled"]
    classes: Annotated[int, Field(ge=2, le=1000)]
    """The number of labels. They are the packages with the most docstrings."""
    min_characters: Annotated[int, Field(ge=1, le=100_000)]
    """The minimum length of a docstring."""


Requirement = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*==[A-Za-z0-9][A-Za-z0-9.+!_-]*$")]
"""An exact version of a package, such as scipy==1.17.1."""
Packages = Annotated[tuple[Requirement, ...], Field(min_length=1, strict=False)]
"""The packages whose docstrings are the text, in the order in which they are read."""


class PackageDocsCorpus(PinnedCorpus, TextCorpus):
    """The prose in the docstrings of installed packages. A document is a module."""

    source: Literal["package-docs"]
    packages: Packages


class LabelledPackageDocsCorpus(PinnedCorpus, GeneratedCorpus):
    """The prose in the docstrings of installed packages. A text is a docstring, labelled with its package."""

    source: Literal["package-docs-labelled"]
    packages: Packages
    min_characters: Annotated[int, Field(ge=1, le=100_000)]
    """The minimum length of a text."""
    max_per_label: Annotated[int, Field(ge=1, le=1_000_000)]
    """The maximum number of texts of a package. A hash of the text selects them."""


class SymbolsCorpus(SampledCorpus):
    """Text of meaningless words, sampled from a random distribution."""

    expected_tokens: Annotated[int, Field(ge=100, le=100_000_000)]
    """The expected number of tokens. The number of documents is this number divided by their mean length."""
    vocabulary_size: Annotated[int, Field(ge=2, le=65_536)]
    """The number of different words w0, w1, ..."""


class MarkovCorpus(SymbolsCorpus):
    """Text of a Markov chain: each symbol depends on the symbols before it."""

    source: Literal["markov"]
    order: Annotated[int, Field(ge=1, le=8)]
    """The number of preceding symbols on which a symbol depends."""
    concentration: Concentration
    """The concentration of the distributions of the next symbol."""
    stop_probability: StopProbability
    """The probability that a document ends after each token. The mean length of a document is 1 / stop_probability."""


class HmmCorpus(SymbolsCorpus):
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


class PcfgCorpus(SymbolsCorpus):
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


SOURCES = (
    *("python-docs", "path", "url", "toy-dutch", "python-docs-labelled", "package-docs", "package-docs-labelled"),
    *("everyday-english", "markov", "hmm", "pcfg", "sine", "toy-tags", "var-process"),
)
"""The sources that are not entries of the catalogue."""


@cache
def catalogue_formats() -> dict[str, str]:
    """Return the formats of the corpora in the catalogue, by name. Vectors and analogies are not corpora."""
    formats = {name: entry["data"][0]["format"] for name, entry in YAML(typ="safe").load(CATALOGUE).items()}
    return {name: format for name, format in formats.items() if format not in ("vectors", "analogies")}


def _tag(value: Any) -> str:
    source = value.get("source") if isinstance(value, dict) else getattr(value, "source", None)
    if source in SOURCES[1:]:
        return source
    return "conllu" if isinstance(source, str) and catalogue_formats().get(source) == "conllu" else "text"


Corpus = Annotated[
    Annotated[TextCorpus, Tag("text")]
    | Annotated[PathCorpus, Tag("path")]
    | Annotated[UrlCorpus, Tag("url")]
    | Annotated[ToyDutchCorpus, Tag("toy-dutch")]
    | Annotated[LabelledDocsCorpus, Tag("python-docs-labelled")]
    | Annotated[PackageDocsCorpus, Tag("package-docs")]
    | Annotated[LabelledPackageDocsCorpus, Tag("package-docs-labelled")]
    | Annotated[EverydayEnglishCorpus, Tag("everyday-english")]
    | Annotated[MarkovCorpus, Tag("markov")]
    | Annotated[HmmCorpus, Tag("hmm")]
    | Annotated[PcfgCorpus, Tag("pcfg")]
    | Annotated[SineCorpus, Tag("sine")]
    | Annotated[ToyTagsCorpus, Tag("toy-tags")]
    | Annotated[ConlluCorpus, Tag("conllu")]
    | Annotated[VarProcessCorpus, Tag("var-process")],
    Discriminator(_tag),
]


def corpus_format(corpus: BaseCorpus) -> Format:
    """Return the format of a corpus: `text`, `pairs`, `labelled`, `tagged` or `series`."""
    match corpus:
        case ToyDutchCorpus():
            return "pairs"
        case LabelledDocsCorpus() | LabelledPackageDocsCorpus():
            return "labelled"
        case SineCorpus() | VarProcessCorpus():
            return "series"
        case ToyTagsCorpus() | ConlluCorpus():
            return "tagged"
        case PathCorpus() | UrlCorpus():
            kind = corpus.format if isinstance(corpus.format, str) else corpus.format.kind
            return "tagged" if kind == "conllu" else kind
        case TextCorpus():
            return cast(Format, catalogue_formats().get(corpus.source, "text"))
        case _:
            return "text"
