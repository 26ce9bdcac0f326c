"""unroll verify: the workspace against dvc.lock, and two runs against each other: bytes, then numbers by tolerance."""

import copy
import hashlib
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.pipeline.pipeline import git
from unroll.cli import main
from unroll.environment import Record
from unroll.errors import UnrollError
from unroll.pipeline import verify

INTEL = {"processor": "Intel", "instruction_sets": ["AVX2", "AVX-512"]}
AMD = {"processor": "AMD", "instruction_sets": ["AVX2"]}
LANGUAGE_MODEL = {
    "params_hash": "01",
    "test_tokens": 1000,
    "oov_rate": 0.25,
    "bits_per_token": 5.8,
    "losses_sha256": "aa",
}
METRICS: dict[str, dict[str, Any]] = {
    "trigram": LANGUAGE_MODEL | {"cross_entropy": 4.5, "valid_perplexity": 90.0},
    "hmm": LANGUAGE_MODEL | {"cross_entropy": 5.0, "valid_perplexity": 150.0},
    "lstm": LANGUAGE_MODEL | {"cross_entropy": 4.0, "valid_perplexity": 60.0},
    "lstm_2": LANGUAGE_MODEL | {"cross_entropy": 4.02, "valid_perplexity": 61.0},
    "mixed": LANGUAGE_MODEL | {"cross_entropy": 3.9, "valid_perplexity": 50.0},
    "seq2seq": LANGUAGE_MODEL
    | {"cross_entropy": 2.0, "valid_perplexity": 8.0, "exact_match": 0.5, "bleu": 40.0, "chrf": 60.0}
    | {"by_source_length": [{"sentences": 150, "bleu": 30.0}, {"sentences": 150, "bleu": 50.0}]},
}
PARAMS: dict[str, dict[str, Any]] = {
    "clean@prose": {"corpora.prose": {"source": "python-docs"}},
    "download@prose": {"corpora.prose": {"source": "python-docs"}},
    "download@hidden": {"corpora.hidden": {"source": "hmm"}},
    "train@trigram": {"models.trigram": {"family": "ngram", "order": 3}},
    "train@hmm": {"models.hmm": {"family": "hmm"}},
    "train@lstm": {"models.lstm": {"family": "recurrent", "training": {"learning_rate": 0.1, "epochs": 2}}},
    "train_seeds@lstm_2": {"seeds.lstm_2": {"family": "recurrent", "model": "lstm", "seed": 2}},
    "train_mixtures@mixed": {"mixtures.mixed": {"family": "mixture", "first": "trigram", "second": "hmm"}},
    "train@seq2seq": {"models.seq2seq": {"family": "seq2seq"}},
}
"""The stages that have settings of their own. Each model has a stage that evaluates it, too."""


@dataclass
class Run:
    """The results of a run of the pipeline, to write into a folder."""

    arithmetic: str = "native"
    machine: dict[str, Any] | None = None
    metrics: dict[str, dict[str, Any]] = field(default_factory=lambda: copy.deepcopy(METRICS))
    params: dict[str, dict[str, Any]] = field(default_factory=lambda: copy.deepcopy(PARAMS))
    files: dict[str, str] = field(default_factory=dict)
    """Other contents of outputs, by path."""
    code: str = "1"

    def write(self, place: Path) -> Path:
        stages: dict[str, Any] = {}
        for name, params in self.params.items():
            stage, key = name.split("@")
            outs = [f"models/{key}"] if "train" in stage else [f"data/{stage.replace('download', 'raw')}/{key}"]
            deps = {"src/unroll/models": self.code}
            if stage == "train_mixtures":
                mixture = params["mixtures.mixed"]
                deps |= {f"models/{mixture[member]}": "" for member in ("first", "second")}
            stages[name] = self._stage(place, outs, deps, {**params, "arithmetic": self.arithmetic})
            if "train" in stage:
                outs = [f"metrics/{key}.json", f"data/evaluations/{key}"]
                stages[f"evaluate@{key}"] = self._stage(place, outs, {f"models/{key}": ""}, {"seed": 1})
        record = Record()
        for path in [path for path in place.glob("metrics/*.json") if self.machine]:
            record.add(f"metrics/{path.name}", hashlib.md5(path.read_bytes()).hexdigest(), self.machine or {})
        if self.machine:
            (place / "reports").mkdir()
            (place / "reports/environment.json").write_text(record.format())
        with (place / "dvc.lock").open("w", encoding="utf-8") as file:
            YAML(typ="safe", pure=True).dump({"schema": "2.0", "stages": stages}, file)
        return place

    def _stage(self, place: Path, outs: list[str], deps: dict[str, str], params: dict[str, Any]) -> dict[str, Any]:
        written = []
        for path in outs:
            (place / path).parent.mkdir(parents=True, exist_ok=True)
            metrics = self.metrics.get(Path(path).stem) if path.startswith("metrics/") else None
            content = self.files.get(path, json.dumps(metrics) if metrics else f"content of {path}")
            (place / path).write_text(content)
            written.append({"path": path, "md5": hashlib.md5(content.encode()).hexdigest()})
        hashed = [{"path": path, "md5": hashlib.md5(text.encode()).hexdigest()} for path, text in deps.items()]
        return {"cmd": "true", "deps": hashed, "params": {"params.yaml": params}, "outs": written}


@dataclass(frozen=True)
class Result:
    code: int
    out: str
    err: str


Compare = Callable[[Run, Run], Result]


@pytest.fixture
def unroll(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Result]:
    """Run the command in a folder. The stages are those of its dvc.lock, unless they are given."""

    def run(place: Path, *arguments: str, stages: list[str] | None = None) -> Result:
        listed = stages if stages is not None else list(YAML(typ="safe").load(place / "dvc.lock")["stages"])
        monkeypatch.setattr(verify, "list_stages", lambda root: listed)
        monkeypatch.chdir(place)
        monkeypatch.setattr(sys, "argv", ["unroll", "verify", *arguments])
        try:
            main()
            code: Any = 0
        except SystemExit as stop:
            code = stop.code or 0
        printed = capsys.readouterr()
        return Result(1, printed.out, code) if isinstance(code, str) else Result(code, printed.out, printed.err)

    return run


@pytest.fixture
def compare(tmp_path: Path, unroll: Callable[..., Result]) -> Compare:
    """Verify a run against another one, which is in the folder ../there."""

    def run(here: Run, there: Run) -> Result:
        for name, results in (("here", here), ("there", there)):
            (tmp_path / name).mkdir()
            results.write(tmp_path / name)
        return unroll(tmp_path / "here", "--against", "../there/dvc.lock")

    return run


def changed(model: str, **values: Any) -> Run:
    """A run on the other machine with other numbers."""
    run = Run(machine=AMD)
    run.metrics[model] |= values
    return run


@pytest.mark.parametrize("arithmetic", ["portable", "native"])
def test_equal_bytes_are_equal(compare: Compare, arithmetic: str) -> None:
    result = compare(Run(arithmetic), Run(arithmetic, machine=AMD))
    assert (result.code, result.err) == (0, "")
    assert result.out.splitlines()[-1] == "all 21 outputs have the same bytes as those of ../there/dvc.lock"
    assert "../there/dvc.lock: made on AMD (AVX2)" in result.out
    assert "this machine: " in result.out


def test_a_changed_byte_is_a_failure_with_portable_arithmetic(compare: Compare) -> None:
    """Even where the number is within the tolerance of native arithmetic."""
    there = changed("lstm", cross_entropy=4.0 + 1e-15)
    there.arithmetic = "portable"
    result = compare(Run("portable", INTEL), there)
    assert result.code == 1
    assert "20 outputs have the same bytes as those of ../there/dvc.lock, and 1 differ:\n  metrics/lstm.json\n" in (
        result.out
    )
    assert (
        "1 outputs differ from ../there/dvc.lock (metrics/lstm.json); with `arithmetic: portable` on a CPU"
        in result.err
    )
    assert "|" not in result.out


def place(run: Run, on_gpu: str) -> Run:
    """Give each stage that trains the device that dvc.yaml gives it: a GPU for some stages."""
    for name, params in run.params.items():
        if name.startswith("train"):
            params["device"] = "cuda" if name.startswith(on_gpu) else "cpu"
    return run


@pytest.mark.parametrize("model", ["lstm", "trigram"])
def test_a_gpu_is_another_processor_even_with_portable_arithmetic(compare: Compare, model: str) -> None:
    """The pipeline has one device, and a model of counting has the same bytes on it, so its numbers hardly differ."""
    there = changed(model, cross_entropy=METRICS[model]["cross_entropy"] + (0.001 if model == "lstm" else 1e-15))
    there.arithmetic = "portable"
    result = compare(place(Run("portable", INTEL), "train"), place(there, "train"))
    assert (result.code, result.err) == (0, "")
    assert "within tolerance (another kind of processor: " in result.out


@pytest.mark.parametrize(
    ("on_gpu", "model", "code"),
    [
        ("train@lstm", "lstm", 0),
        ("train@lstm", "hmm", 1),
        ("train@hmm", "mixed", 0),  # it reads the model of another stage
        ("train@lstm", "mixed", 1),
    ],
)
def test_the_stages_before_an_output_say_whether_its_bytes_are_portable(
    compare: Compare, on_gpu: str, model: str, code: int
) -> None:
    there = changed(model, cross_entropy=METRICS[model]["cross_entropy"] + 1e-15)
    there.arithmetic = "portable"
    result = compare(place(Run("portable", INTEL), on_gpu), place(there, on_gpu))
    assert result.code == code
    assert (f"({model}.json); with `arithmetic: portable` on a CPU" in result.err.replace("metrics/", "")) is bool(code)


def test_text_must_be_equal_on_a_gpu(compare: Compare) -> None:
    there = place(Run("portable", AMD, files={"data/clean/prose": "other"}), "train")
    assert compare(place(Run("portable", INTEL), "train"), there).code == 1


@pytest.mark.parametrize(
    ("model", "inside", "outside"),
    [
        ("trigram", {"cross_entropy": 4.5 * (1 + 9e-10)}, {"cross_entropy": 4.5 * (1 + 1.2e-9)}),
        ("hmm", {"valid_perplexity": 150 * (1 - 9e-10)}, {"valid_perplexity": 150 * (1 - 1.2e-9)}),
        ("mixed", {"cross_entropy": 3.9 * (1 + 9e-10)}, {"cross_entropy": 3.9 * (1 + 1.2e-9)}),
        ("lstm", {"cross_entropy": 4.0199}, {"cross_entropy": 4.0201}),
        ("lstm", {"cross_entropy": 3.9801}, {"cross_entropy": 3.9799}),
        ("lstm", {"valid_perplexity": 60 * 1.0202}, {"valid_perplexity": 60 * 1.0203}),
        ("seq2seq", {"exact_match": 0.5299}, {"exact_match": 0.5301}),
        ("seq2seq", {"bleu": 40.99}, {"bleu": 41.01}),
        ("seq2seq", {"chrf": 59.01}, {"chrf": 58.99}),
        ("lstm", {"losses_sha256": "bb"}, {"test_tokens": 1001}),
        ("lstm", {"bits_per_token": 5.81}, {"oov_rate": 0.25 + 1.2e-9}),
        ("lstm", {"losses_sha256": "bb"}, {"params_hash": "02"}),
        ("lstm", {"losses_sha256": "bb"}, {"cross_entropy": "inf"}),
        ("lstm", {"losses_sha256": "bb"}, {"cross_entropy": "nan"}),
        ("lstm", {"losses_sha256": "bb"}, {"valid_perplexity": -1.0}),
    ],
)
def test_a_number_may_differ_by_its_tolerance_and_no_more(
    tmp_path: Path, unroll: Callable[..., Result], model: str, inside: dict[str, Any], outside: dict[str, Any]
) -> None:
    (tmp_path / "here").mkdir()
    Run(machine=INTEL).write(tmp_path / "here")
    for name, values in (("inside", inside), ("outside", outside)):
        (tmp_path / name).mkdir()
        changed(model, **values).write(tmp_path / name)
        result = unroll(tmp_path / "here", "--against", f"../{name}/dvc.lock")
        if name == "inside":
            assert (result.code, result.err) == (0, "")
            expected = "within tolerance (another kind of processor: Intel (AVX2, AVX-512) against AMD (AVX2))"
            assert result.out.splitlines()[-1] == expected
        else:
            assert result.code == 1
            assert "1 results are out of tolerance: " in result.err
            assert model in result.err
            assert next(iter(values)) in result.err


def test_the_table_shows_the_difference_in_nats_and_in_deviations_between_seeds(compare: Compare) -> None:
    """lstm and lstm_2 have 4.00 and 4.02 nats per token: their standard deviation is 0.02 / sqrt 2."""
    result = compare(Run(machine=INTEL), changed("lstm", cross_entropy=3.99, valid_perplexity=60.06))
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in result.out.splitlines() if "`" in line]
    assert rows == [
        ["`lstm`", "cross_entropy", "4", "3.99", "+0.01", "+0.71", "0.02 nats per token", ""],
        ["`lstm`", "valid_perplexity", "60", "60.06", "-0.001", "-0.09", "0.02 nats per token", ""],
    ]


def test_a_number_out_of_tolerance_is_marked_in_the_table(compare: Compare) -> None:
    result = compare(Run(machine=INTEL), changed("seq2seq", bleu=20.0))
    assert [line.endswith("OUT |") for line in result.out.splitlines() if "`seq2seq`" in line] == [True]


@pytest.mark.parametrize("exact_match", [0.5, 0.9])
def test_small_samples_are_not_compared(compare: Compare, exact_match: float) -> None:
    """Neither the groups by length, nor the score of fewer than 200 sentences."""
    here, there = Run(machine=INTEL), changed("seq2seq", exact_match=exact_match)
    for run, bleu in ((here, 30.0), (there, 40.0)):
        run.metrics["seq2seq"]["by_source_length"] = [{"sentences": 199, "bleu": bleu}]
    assert compare(here, there).code == 0


@pytest.mark.parametrize("path", ["data/clean/prose", "data/raw/prose", "data/raw/hidden", "models/trigram"])
def test_text_and_counts_must_have_equal_bytes(compare: Compare, path: str) -> None:
    result = compare(Run(machine=INTEL), Run(machine=AMD, files={path: "other"}))
    assert result.code == 1
    assert f"{path}: must have equal bytes on all processors" in result.err


@pytest.mark.parametrize("path", ["models/lstm", "models/hmm", "data/evaluations/trigram"])
def test_what_follows_from_a_model_is_judged_by_its_numbers(compare: Compare, path: str) -> None:
    result = compare(Run(machine=INTEL), Run(machine=AMD, files={path: "other"}))
    assert result.code == 0
    assert f"  {path}\n" in result.out
    assert "no number differs" in result.out


def test_the_same_kind_of_processor_has_no_tolerance(compare: Compare) -> None:
    there = changed("lstm", cross_entropy=4.001)
    there.machine = INTEL
    result = compare(Run(machine=INTEL), there)
    assert result.code == 1
    assert "although the same kind of processor and the same libraries made both: Intel (AVX2, AVX-512)" in result.err


def record(place: Path, machines: dict[str, Any]) -> None:
    """Record the environments of some files of metrics of a run."""
    known = Record()
    for name, machine in machines.items():
        path = f"metrics/{name}.json"
        known.add(path, hashlib.md5((place / path).read_bytes()).hexdigest(), machine)
    (place / "reports").mkdir()
    (place / "reports/environment.json").write_text(known.format())


@pytest.mark.parametrize(
    ("ours", "theirs", "code", "sentence"),
    [
        # The machine of the first model also evaluated the other one, which another machine had trained.
        ({"lstm": AMD, "seq2seq": INTEL}, {"lstm": AMD, "seq2seq": AMD}, 0, "Intel (AVX2, AVX-512) against AMD (AVX2)"),
        ({"lstm": AMD}, {"lstm": AMD, "seq2seq": AMD}, 0, "the processor of these results is not recorded"),
        ({"lstm": AMD}, {}, 0, "the processor of ../there/dvc.lock is not recorded"),
        ({"lstm": AMD, "seq2seq": INTEL}, {"lstm": AMD, "seq2seq": INTEL}, 1, "made both: AMD (AVX2)"),
    ],
)
def test_environments_of_all_metrics_decide_whether_there_is_a_tolerance(
    tmp_path: Path,
    unroll: Callable[..., Result],
    ours: dict[str, Any],
    theirs: dict[str, Any],
    code: int,
    sentence: str,
) -> None:
    there = Run()
    there.metrics["lstm"]["cross_entropy"] += 0.001
    there.metrics["seq2seq"]["cross_entropy"] += 0.001
    for name, run, machines in (("here", Run(), ours), ("there", there, theirs)):
        (tmp_path / name).mkdir()
        record(run.write(tmp_path / name), machines)
    result = unroll(tmp_path / "here", "--against", "../there/dvc.lock")
    assert result.code == code
    assert sentence in result.out.splitlines()[-1] + result.err


def test_other_libraries_are_named(compare: Compare) -> None:
    there = changed("lstm", cross_entropy=4.001)
    there.machine = INTEL | {"torch": "2.0"}
    result = compare(Run(machine=INTEL | {"torch": "1.0"}), there)
    assert result.code == 0
    assert "within tolerance (another environment: torch 1.0 against 2.0)" in result.out


def test_an_unrecorded_processor_is_named_as_such(compare: Compare) -> None:
    there = changed("lstm", cross_entropy=4.001)
    there.machine = None
    result = compare(Run(machine=INTEL), there)
    assert result.code == 0
    assert "within tolerance (the processor of ../there/dvc.lock is not recorded)" in result.out


@pytest.mark.parametrize("missing", ["here", "there"])
def test_an_output_of_one_run_only_is_named(tmp_path: Path, unroll: Callable[..., Result], missing: str) -> None:
    for name in ("here", "there"):
        (tmp_path / name).mkdir()
        Run().write(tmp_path / name)
    lock = tmp_path / missing / "dvc.lock"
    values = YAML(typ="safe").load(lock)
    values["stages"]["evaluate@lstm"]["outs"].pop()
    YAML(typ="safe", pure=True).dump(values, lock)
    result = unroll(tmp_path / "here", "--against", "../there/dvc.lock")
    assert result.code == 1
    name = {"here": "dvc.lock", "there": "../there/dvc.lock"}[missing]
    assert f"data/evaluations/lstm: is no output of {name}" in result.err


def test_changed_code_is_named(compare: Compare) -> None:
    there = changed("lstm", cross_entropy=4.001)
    there.code = "2"
    there.files = {"models/lstm": "other"}
    assert "the code of these outputs differs, too: src/unroll/models\n" in compare(Run(machine=INTEL), there).out


def test_other_params_are_named_first_and_what_depends_on_them_is_not_compared(compare: Compare) -> None:
    """The mixture reads the trigram model. Nothing else depends on it, and the rest is equal."""
    there = changed("trigram", cross_entropy=9.0)
    there.params["train@trigram"]["models.trigram"]["order"] = 4
    result = compare(Run(), there)
    assert result.code == 1
    sentence = "../there/dvc.lock: has other settings (other values of models.trigram.order), and results are compared"
    assert result.out.splitlines()[4].startswith(sentence)
    assert "all 15 outputs have the same bytes" in result.out
    assert result.err == "unroll: 6 outputs were not compared, since settings differ"


def test_results_of_other_arithmetic_are_not_compared(compare: Compare) -> None:
    result = compare(Run("portable"), changed("lstm", cross_entropy=4.001))
    assert result.code == 1
    assert "other values of arithmetic" in result.out + result.err
    assert "|" not in result.out


def test_a_missing_model_is_named(compare: Compare) -> None:
    there = Run()
    del there.params["train@lstm"]
    result = compare(Run(), there)
    assert result.code == 1
    assert "evaluate@lstm, train@lstm only in dvc.lock" in result.out


def test_many_differences_are_one_sentence(compare: Compare) -> None:
    there = Run()
    there.params = {f"{name}_old": params for name, params in there.params.items()}
    result = compare(Run(), there)
    assert result.code == 1
    assert "\n" not in result.err
    assert "and 10 more only in dvc.lock" in result.err
    assert "differ:" not in result.out


def test_metrics_of_another_run_are_refused(tmp_path: Path, unroll: Callable[..., Result]) -> None:
    """A lock that was copied beside the metrics of another run."""
    Run(machine=INTEL).write(tmp_path)
    other = tmp_path / "other"
    other.mkdir()
    changed("lstm", cross_entropy=4.001).write(other)
    (other / "dvc.lock").rename(tmp_path / "old.lock")
    result = unroll(tmp_path, "--against", "old.lock")
    assert result.code == 1
    assert result.err.endswith(
        "metrics/lstm.json of old.lock: is not as its dvc.lock records; take both from the same run"
    )
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "old.lock").rename(tmp_path / "elsewhere/dvc.lock")
    result = unroll(tmp_path, "--against", "elsewhere/dvc.lock")
    assert result.code == 1
    assert (
        "metrics/lstm.json of elsewhere/dvc.lock: there is no such file, so its numbers cannot be compared"
        in result.err
    )


def test_metrics_with_other_names_are_one_sentence(compare: Compare) -> None:
    there = changed("lstm")
    there.metrics["lstm"]["unknown_share"] = there.metrics["lstm"].pop("oov_rate")
    result = compare(Run(machine=INTEL), there)
    assert result.code == 1
    assert "metrics/lstm.json: only one of the runs has oov_rate, unknown_share" in result.err


def test_a_measure_without_a_tolerance_is_named(compare: Compare) -> None:
    here, there = Run(machine=INTEL), changed("lstm", new_measure=0.5)
    here.metrics["lstm"]["new_measure"] = 0.25
    assert "metrics/lstm.json: new_measure has no tolerance" in compare(here, there).err


def test_a_commit_a_branch_and_a_tag_are_read_from_git(tmp_path: Path, unroll: Callable[..., Result]) -> None:
    """Also if the pipeline is in a subfolder of the repository."""
    place = tmp_path / "a subfolder"
    place.mkdir()
    git(tmp_path, "init", "--quiet", "--initial-branch", "main")
    changed("lstm", cross_entropy=4.001).write(place)
    (place / "models/lstm").unlink()  # git has the metrics only
    git(tmp_path, "add", "--all")
    git(tmp_path, "commit", "--quiet", "--message", "results")
    git(tmp_path, "tag", "v1")
    for name in ("reports/environment.json", "reports"):
        (place / name).unlink() if (place / name).is_file() else (place / name).rmdir()
    Run(machine=INTEL).write(place)
    for revision in ("HEAD", "main", "v1", git(tmp_path, "rev-parse", "HEAD").strip()[:8]):
        result = unroll(place, "--against", revision)
        assert (result.code, result.err) == (0, ""), revision
        assert f"{revision}: made on AMD (AVX2)" in result.out
        assert "`lstm` | cross_entropy" in result.out


@pytest.mark.parametrize("against", ["nothing", "HEAD", "--help-me", "models", "HEAD:dvc.lock", "\x1b[31m"])
def test_an_unknown_revision_is_one_sentence(tmp_path: Path, unroll: Callable[..., Result], against: str) -> None:
    result = unroll(Run().write(tmp_path), f"--against={against}")
    assert (result.code, result.out) == (1, "")
    assert "is neither a file nor a commit of this repository" in result.err
    assert "\x1b" not in result.err


def test_a_commit_without_results_is_one_sentence(tmp_path: Path, unroll: Callable[..., Result]) -> None:
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "commit", "--quiet", "--allow-empty", "--message", "nothing")
    result = unroll(Run().write(tmp_path), "--against", "HEAD")
    assert (result.code, result.err) == (1, "unroll: HEAD: this commit has no dvc.lock; name one that has results")


def test_a_damaged_output_is_found_before_runs_are_compared(tmp_path: Path, unroll: Callable[..., Result]) -> None:
    place = Run().write(tmp_path)
    assert unroll(place).out == "21 outputs match dvc.lock\n"
    (place / "models/lstm").write_text("flipped")
    (place / "models/hmm").unlink()
    result = unroll(place, "--against", "dvc.lock")
    assert (result.code, result.out) == (1, "")
    assert result.err == (
        "unroll: models/hmm, models/lstm: missing, or not as dvc.lock records; `dvc repro` makes them again"
    )


def test_outputs_of_removed_stages_are_named_and_not_compared(tmp_path: Path, unroll: Callable[..., Result]) -> None:
    """DVC leaves them in dvc.lock."""
    place = Run().write(tmp_path)
    (place / "models/lstm").unlink()
    stages = [name for name in YAML(typ="safe").load(place / "dvc.lock")["stages"] if not name.endswith("@lstm")]
    result = unroll(place, "--against", "dvc.lock", stages=stages)
    assert (result.code, result.err) == (0, "")
    lines = result.out.splitlines()
    assert lines[0] == (
        "dvc.lock: params.yaml has no evaluate@lstm, train@lstm any more, so they are not compared; "
        "metrics/lstm.json, data/evaluations/lstm, models/lstm can be deleted"
    )
    assert lines[1] == "18 outputs match dvc.lock"
    assert lines[-1] == "all 18 outputs have the same bytes as those of dvc.lock"


def test_a_stage_that_has_not_run_is_named(tmp_path: Path, unroll: Callable[..., Result]) -> None:
    place = Run().write(tmp_path)
    stages = [*YAML(typ="safe").load(place / "dvc.lock")["stages"], "train@gru"]
    result = unroll(place, stages=stages)
    assert (result.code, result.err) == (1, "unroll: dvc.lock: has no results of train@gru; run `dvc repro`")


@pytest.mark.parametrize("output", ["", "\n \n"])
def test_a_failure_of_dvc_without_output_is_one_sentence(monkeypatch: pytest.MonkeyPatch, output: str) -> None:
    """A process that the system kills for memory prints nothing."""
    killed = subprocess.CompletedProcess([], -9, "", output)
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: killed)
    with pytest.raises(UnrollError, match=r"^dvc\.yaml: `dvc stage list` failed without a message \(exit code -9\)"):
        verify.list_stages(Path())


@pytest.mark.slow
def test_the_stages_are_those_of_dvc(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    subprocess.run([sys.executable, "-m", "dvc", "init", "--quiet"], cwd=tmp_path, check=True)
    train = {"foreach": "${models}", "do": {"cmd": "true", "outs": ["models/${key}"]}}
    (tmp_path / "dvc.yaml").write_text(json.dumps({"stages": {"train": train, "report": {"cmd": "true"}}}))
    (tmp_path / "params.yaml").write_text("models: {lstm: {}, hmm: {}}\n")
    assert verify.list_stages(tmp_path) == ["train@lstm", "train@hmm", "report"]
    (tmp_path / "params.yaml").write_text("other: {}\n")
    with pytest.raises(UnrollError, match=r"^dvc\.yaml: .*models") as error:
        verify.list_stages(tmp_path)
    assert "\n" not in str(error.value)
