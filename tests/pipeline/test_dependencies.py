"""dvc.yaml names every module that can change the outputs of a stage."""

import copy
import re
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from pathlib import PurePosixPath
from typing import Any, get_args

import pytest
from ruamel.yaml import YAML

from tests.pipeline.closure import ROOT, closure, path_of
from unroll.params.experiments import ModelParams
from unroll.params.load import load

LEFT_OUT = {
    "stages": "it sets the search path and the garbage collector",
    "unroll": "the package defines the public function load, which no stage calls",
    "unroll.errors": "it defines an exception",
    "unroll.environment": "it records the processor and the libraries beside the results, in no output",
    "unroll.garbage": "it chooses when memory is freed",
    "unroll.processor": "it says which processor this is, in no output",
    "unroll.printing": "it escapes control characters of messages",
    "unroll.md5": "it names outputs by their hash, in no output",
    "unroll.shards": "it chooses who works on the shards of the data, whose results are used in their order",
    "unroll.params.*": "it checks values and never changes a right one; DVC tracks the values themselves",
    "unroll.pipeline.attempt": "it ends a process that another one has replaced, and writes no output",
    "unroll.pipeline.console": "it sets the encoding of messages",
    "unroll.pipeline.durations": "it measures a stage for the next plan, in no output",
    "unroll.pipeline.stage": "locks, signals and atomic outputs: it publishes the bytes that a stage writes",
    "unroll.tracking.record": "it records results for MLflow, in no output",
    "unroll.tracking.results": "it names the outputs, as dvc.yaml does",
    "unroll.models": "the package finds a family by its name; the families themselves are dependencies",
    "unroll.corpora": "the package finds a source by its name; stage download depends on all sources",
    "unroll.corpora.assets": "it copies a file whose SHA-256 is checked, so it cannot change the bytes",
    "unroll.corpora.sampled": "the oracle uses the names of two files of it; stage download depends on it",
}
"""Modules that are not dependencies, as patterns, with the reason. A package stands for its `__init__`."""

OPAQUE = ("unroll", "unroll.params.*", "unroll.models.*.params", "unroll.tracking", "unroll.tracking.*")
"""Patterns of modules whose imports are not followed: tracking loads a whole model to log it, for example."""
COPYING = ("unroll.corpora", "unroll.corpora.assets", "unroll.corpora.sampled")
"""Modules whose imports are followed for stage download only: other stages copy verified files, or use file names."""
ARITHMETIC = "unroll.arithmetic.*"
"""Stages without the parameter `arithmetic` compute no floats that depend on it."""


def matches(module: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(module, pattern) or module == pattern.removesuffix(".*") for pattern in patterns)


STAGES: dict[str, Any] = YAML(typ="safe").load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
PARAMS = load(ROOT / "params.yaml")
MODELS = sorted(option.model_fields["family"].annotation.__args__[0] for option in get_args(get_args(ModelParams)[0]))

ENTRIES: dict[str, dict[str, dict[str, Any]]] = {
    "models": {family: {"family": family, "tokenizer": "t"} for family in MODELS},
    "mixtures": {"mixture": {"family": "mixture", "tokenizer": "t", "first": "a", "second": "b"}},
    "generative_classifiers": {
        member: {"family": "generative_classifier", "tokenizer": "t", "member": {"family": member}}
        for member in ("ngram", "hmm", "recurrent")
    },
    "oracles": {family: {"family": family, "tokenizer": "t", "corpus": "c"} for family in ("oracle", "tag_oracle")},
    "vectors": {family: {"family": family, "tokenizer": "t"} for family in ("word2vec", "glove", "vector_file")},
    "pretrained": {
        family: {"family": family, "tokenizer": "t", "vectors": "v"}
        for family in ("window", "recurrent", "transformer")
    },
    "seeds": {family: {"family": family, "tokenizer": "t", "model": "m"} for family in MODELS},
    "learning_curves": {f: {"family": f, "tokenizer": "t", "oracle": "o"} for f in ("ngram", "hmm", "recurrent")},
    "series": {"series": {"corpus": "c"}},
    "corpora": {"corpus": {}},
    "tokenizers": {"tokenizer": {"corpus": "c"}},
}
"""An entry for every family of every section: the default params.yaml has only some of them."""


def families(section: str, entry: Mapping[str, Any]) -> set[str]:
    """The families whose modules a stage of this entry finds by name."""
    if section == "mixtures":
        return {*MODELS, "mixture"}
    found = {entry["family"]} if "family" in entry else set()
    if "member" in entry:
        found.add(entry["member"]["family"])
    return found


def dynamic(stage: str, section: str, entry: Mapping[str, Any]) -> set[str]:
    """The modules that a stage imports by a name that is computed."""
    if stage == "download":
        folder = ROOT / "src" / "unroll" / "corpora"
        return {f"unroll.corpora.{file.stem}" for file in folder.glob("*.py") if file.stem != "__init__"}
    if stage == "forecast":
        folder = ROOT / "src" / "unroll" / "series"
        return {f"unroll.series.{file.stem}" for file in folder.glob("*.py") if file.stem != "__init__"}
    found = families(section, entry)
    if stage == "evaluate":
        found.add("cache")
    if stage == "train" and section == "pretrained":
        found |= {"word2vec", "glove", "vector_file"}
    if stage == "learning_curve":
        found.add("oracle")
    return {f"unroll.models.{family}.model" for family in found}


def cases() -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """(group of dvc.yaml, stage script, entry of params.yaml)."""
    for group, definition in STAGES.items():
        if "foreach" not in definition:
            yield group, group, {}
            continue
        section = definition["foreach"].strip("${}")
        for entry in ENTRIES[section].values():
            yield group, definition["do"]["cmd"].split("stages/run ")[1].split()[0], entry


CASES = {
    f"{group}-{entry.get('family', '')}-{entry.get('member', {}).get('family', '')}": (group, script, entry)
    for group, script, entry in cases()
}


def covered(definition: Mapping[str, Any], entry: Mapping[str, Any]) -> list[PurePosixPath]:
    """The files and folders of code that a stage depends on."""
    stage = definition.get("do", definition)

    def value(match: re.Match[str]) -> str:
        found: Any = {"item": entry, "key": "k"}
        for key in match[1].split("."):
            found = found.get(key, "") if isinstance(found, Mapping) else ""
        return str(found)

    return [PurePosixPath(re.sub(r"\$\{([\w.]+)\}", value, dep)) for dep in stage["deps"]]


def uncovered(definition: Mapping[str, Any], group: str, script: str, entry: Mapping[str, Any]) -> set[str]:
    """The modules that a stage loads and that dvc.yaml does not name."""
    section = definition["foreach"].strip("${}") if "foreach" in definition else ""
    start, found_by_name = f"stages.{script}", dynamic(script, section, entry)
    opaque = OPAQUE if script == "download" else (*OPAQUE, *COPYING)
    modules = closure(start, found_by_name, lambda module: matches(module, opaque))
    if "arithmetic" not in definition.get("do", definition).get("params", ["arithmetic"]):
        modules = {module for module in modules if not matches(module, [ARITHMETIC])}
    deps = covered(definition, entry)
    return {m for m in modules if not any(PurePosixPath(str(path_of(m))).is_relative_to(dep) for dep in deps)}


def missing(definition: Mapping[str, Any], group: str, script: str, entry: Mapping[str, Any]) -> list[str]:
    """The files of the modules that a stage loads, that are not left out, and that dvc.yaml does not name."""
    modules = uncovered(definition, group, script, entry)
    return sorted({str(path_of(module)) for module in modules if not matches(module, LEFT_OUT)})


@pytest.mark.parametrize("case", CASES)
def test_a_stage_depends_on_every_module_that_it_loads(case: str) -> None:
    group, script, entry = CASES[case]
    assert missing(STAGES[group], group, script, entry) == []


@pytest.mark.parametrize("group", STAGES)
def test_a_removed_dependency_is_found(group: str) -> None:
    """The check fails without any one of the dependencies, for a family of the groups that share the list."""
    stage = STAGES[group].get("do", STAGES[group])
    sharing = [name for name, other in STAGES.items() if other.get("do", other)["deps"] == stage["deps"]]
    for removed in [dep for dep in stage["deps"] if dep.startswith(("src/", "stages/")) and dep not in DATA]:
        definition = copy.deepcopy(STAGES[group])
        definition.get("do", definition)["deps"].remove(removed)
        assert any(missing(definition, *case) for case in CASES.values() if case[0] in sharing), removed


@pytest.mark.slow
def test_everything_that_is_left_out_is_loaded_and_has_a_reason() -> None:
    modules = set().union(*(uncovered(STAGES[group], group, *case) for group, *case in CASES.values()))
    for pattern, reason in LEFT_OUT.items():
        assert any(matches(module, [pattern]) for module in modules), pattern
        assert len(reason) > 20


def test_every_section_has_a_group_of_stages() -> None:
    sections = {definition["foreach"].strip("${}") for definition in STAGES.values() if "foreach" in definition}
    assert sections == set(ENTRIES)
    assert {section for section in ENTRIES if section not in type(PARAMS).model_fields} == set()


def test_the_entries_stand_for_every_family() -> None:
    schema = type(PARAMS).model_json_schema()["$defs"]
    named = {
        name
        for definition in schema.values()
        for name in [definition.get("properties", {}).get("family", {}).get("const")]
        if name and (ROOT / "src/unroll/models" / name).is_dir()
    }
    found = {entry["family"] for section in ENTRIES.values() for entry in section.values() if "family" in entry}
    assert found == named


def test_modules_are_imported_by_name_in_four_packages_only() -> None:
    """`dynamic` above lists what they find."""
    found = {
        path.relative_to(ROOT / "src" / "unroll").as_posix()
        for path in (ROOT / "src" / "unroll").rglob("*.py")
        if re.search(r"\b(import_module|__import__|runpy)\b|\bexec\(", path.read_text(encoding="utf-8"))
    }
    assert found == {f"{package}/__init__.py" for package in ("cli", "corpora", "models", "series")}


DATA = {
    "src/unroll/corpora/catalogue.yaml": {"download", "train_vectors", "evaluate_vectors"},
    "src/unroll/corpora/everyday": {"download"},
    "src/unroll/corpora/toy_dutch": {"download"},
    "src/unroll/corpora/toy_tags": {"download"},
    "src/unroll/report/page": {"report"},
}
"""Files that modules read, and the groups of stages that read them. No stage reads those of plans, `serve`, `use`."""


def test_data_of_the_code_is_a_dependency() -> None:
    data = [
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "src/unroll").rglob("*")
        if path.is_file()
        and path.suffix in (".yaml", ".json", ".html", ".css", ".js")
        and path.parent.name not in ("runner", "correction")
        and "serve" not in path.parts
    ]
    folders = {path: next((name for name in DATA if PurePosixPath(path).is_relative_to(name)), path) for path in data}
    assert set(folders.values()) == set(DATA)
    for path, folder in folders.items():
        for group in DATA[folder]:
            deps = STAGES[group].get("do", STAGES[group])["deps"]
            assert any(PurePosixPath(path).is_relative_to(dep) for dep in deps), (path, group)
