"""The house has layers, and imports go one way ."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "src" / "unroll"

ALLOWED = {
    "errors": set(),
    "params": {"errors"},
    "text": {"errors", "params"},
    "corpora": {"errors", "params", "text"},
    "partition": {"errors", "params", "text"},
    "neural": {"errors", "params", "text", "partition"},
    "models": {"errors", "params", "text", "partition", "neural"},
    "series": {"errors", "params", "text", "partition", "neural"},
    "evaluation": {"errors", "params", "text", "partition", "models"},
    "tracking": {"errors", "params"},
    "report": {"errors", "params", "text", "evaluation"},
    "use": {"errors", "params", "text", "partition", "models", "evaluation"},
    "serve": {"errors", "params", "text", "models", "evaluation", "use"},
    "doctor": {"errors", "tracking"},
    "verify": {"errors"},
    "stage": {"errors", "params"},
    "cli": {"errors", "text", "use", "doctor", "verify", "evaluation", "params", "serve", "tracking", "report"},
    "__main__": {"cli"},
    "__init__": {"use"},
}
EXCEPTIONS = {
    ("tracking", "use"): "the file that is stored with a model loads it by the public interface",
    ("series", "corpora"): "the truth of a sampled series is the formula that made it",
    ("models", "corpora"): "the true model of a sampled corpus is made of the corpus' own parameters",
}
HEAVY = {"torch", "pytorch_lightning", "mlflow", "numpy", "pandas", "pyarrow", "matplotlib", "tokenizers", "sklearn"}


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def layer(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(path: Path) -> set[str]:
    """Full names of all modules a file imports anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            found |= {f"{node.module}.{alias.name}" for alias in node.names} | {node.module or ""}
    return found


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_go_one_way(path: Path) -> None:
    here = layer(path)
    inside = {name.split(".")[1] for name in imports(path) if name.startswith("unroll.")}
    known = {name for name in inside if name in ALLOWED}
    for target in known - {here} - ALLOWED[here]:
        assert (here, target) in EXCEPTIONS, f"{here} may not import {target}"


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_lightning_and_mlflow_have_one_place_each(path: Path) -> None:
    roots = {name.split(".")[0] for name in imports(path)}
    if path != PACKAGE / "neural" / "fit.py":
        assert not roots & {"pytorch_lightning", "lightning"}
    if layer(path) != "tracking":
        assert "mlflow" not in roots


def test_evaluation_knows_no_family() -> None:
    for path in (PACKAGE / "evaluation").rglob("*.py"):
        used = {name for name in imports(path) if name.startswith("unroll.models.")}
        assert all(name.split(".")[2] == "protocol" for name in used), f"{path.name}: {used}"


@pytest.mark.parametrize(
    ("module", "absent"),
    [
        ("unroll", HEAVY),
        ("unroll.params", HEAVY),
        ("unroll.pipeline.stage", HEAVY),
        ("unroll.cli", HEAVY),
        ("unroll.corpora", HEAVY - {"numpy"}),
        ("unroll.text.cleaner", HEAVY),
        ("unroll.text.streams", HEAVY - {"numpy"}),
        ("unroll.tracking", HEAVY),
        ("unroll.models.ngram.model", HEAVY - {"numpy"}),
        ("unroll.models.recurrent.model", {"pytorch_lightning", "mlflow", "pandas"}),
        ("unroll.series.forecast", {"torch", "pytorch_lightning", "mlflow", "pandas", "matplotlib"}),
        ("unroll.evaluation.evaluate", {"torch", "pytorch_lightning", "mlflow"}),
    ],
)
def test_a_light_import_loads_nothing_heavy(module: str, absent: set[str]) -> None:
    code = f"import sys, {module}; print(*sorted({{name.split('.')[0] for name in sys.modules}}))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not absent & set(loaded)


def test_no_command_of_the_pipeline_holds_a_value_from_params() -> None:
    """`dvc exp run -S` values would reach the shell; a key is validated, and is the only thing in a command."""
    from ruamel.yaml import YAML

    stages = YAML(typ="safe").load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
    for name, stage in stages.items():
        command = stage.get("do", stage)["cmd"]
        assert command.replace("${key}", "") == command.split("$")[0], command
        # Without `exec`, sh stays between dvc and Python: a signal for one never reaches the other.
        assert command.startswith("exec python -m stages."), name
