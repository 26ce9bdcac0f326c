"""The architecture: imports go one way, without cycles, and heavy libraries have one place each."""

import ast
import subprocess
import sys

import pytest

from tests.pipeline.closure import ROOT, SOURCE, imports, is_empty, path_of

PACKAGE = SOURCE / "unroll"
LAYERS = (
    ("errors", "printing", "processor"),
    ("params",),
    ("fingerprint", "arithmetic", "md5", "shards", "garbage"),
    ("environment",),
    ("provenance",),
    ("text",),
    ("corpora",),
    ("layers",),
    ("training",),
    ("models", "series"),
    ("evaluation",),
    ("use", "report"),
    ("tracking",),
    ("pipeline",),
    ("serve",),
    ("cli",),
)
"""From the bottom to the top. A package imports itself and packages of lower layers only."""
PARAMS = 1
"""The layer of the settings: `unroll.params` and the settings of the families import each other's modules."""

HEAVY = {"torch", "pytorch_lightning", "mlflow", "numpy", "pandas", "pyarrow", "matplotlib", "tokenizers", "sklearn"}
MAX_LINES, MAX_FILES = 300, 17


def modules() -> list[str]:
    """The names of all modules of the package."""
    names = (".".join(path.relative_to(SOURCE).with_suffix("").parts) for path in PACKAGE.rglob("*.py"))
    return sorted(name.removesuffix(".__init__") for name in names)


def layer(module: str) -> int:
    """The number of the layer of a module. The settings of a family belong to params."""
    parts = module.split(".")
    name = "params" if parts[1] == "models" and parts[-1] == "params" else parts[1]
    return next(number for number, names in enumerate(LAYERS) if name in names)


def outside(module: str) -> set[str]:
    """The libraries that a module imports, at its top or in a function."""
    path = path_of(module)
    assert path is not None
    found = set()
    for node in ast.walk(ast.parse((ROOT / path).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}: relative import"
            found.add((node.module or "").split(".")[0])
    return found


@pytest.mark.parametrize("module", [name for name in modules() if name.count(".") and not name.endswith("__main__")])
def test_imports_go_one_way(module: str) -> None:
    own = module.split(".")[1]
    for target in imports(module):
        # An empty package is executed with each of its modules. That of all families finds them by name.
        if target.count(".") and not is_empty(target) and target != "unroll.models":
            same = target.split(".")[1] == own or layer(target) == layer(module) == PARAMS
            assert same or layer(target) < layer(module), target


def test_there_is_no_cycle() -> None:
    """Neither at the top of modules nor in functions. A package whose `__init__` imports nothing is no part of one."""
    graph = {m: {t for t in imports(m) if t != m and not _is_parent(t, m)} for m in modules()}
    finished: set[str] = set()

    def visit(module: str, path: tuple[str, ...]) -> None:
        assert module not in path, " -> ".join((*path[path.index(module) :], module))
        if module in finished:
            return
        for target in graph.get(module, ()):
            visit(target, (*path, module))
        finished.add(module)

    for module in graph:
        visit(module, ())


def _is_parent(target: str, module: str) -> bool:
    """Whether `target` is a package that contains `module`: it is executed first, and imports nothing of it."""
    return module.startswith(target + ".")


@pytest.mark.parametrize("module", modules())
def test_lightning_and_mlflow_have_one_place_each(module: str) -> None:
    libraries = outside(module)
    if module != "unroll.training.lightning":
        assert not libraries & {"pytorch_lightning", "lightning"}
    if not module.startswith("unroll.tracking"):
        assert "mlflow" not in libraries


def test_evaluation_uses_the_contract_of_models_only() -> None:
    for module in modules():
        if module.startswith("unroll.evaluation"):
            used = {name for name in imports(module) if name.startswith("unroll.models.")}
            assert all(name.startswith("unroll.models.base") for name in used), f"{module}: {used}"


def test_no_stage_imports_another() -> None:
    for script in (ROOT / "stages").glob("*.py"):
        name = f"stages.{script.stem}" if script.stem != "__init__" else "stages"
        assert {target for target in imports(name) if target.startswith("stages.")} == set(), name
        assert len(script.read_text(encoding="utf-8").splitlines()) <= 40, script.name


def test_files_and_folders_are_of_a_size_to_read() -> None:
    files = [path for folder in ("src", "stages", "benchmarks") for path in (ROOT / folder).rglob("*.py")]
    long = {str(path): n for path in files if (n := len(path.read_text(encoding="utf-8").splitlines())) > MAX_LINES}
    assert long == {}
    folders = {folder for folder in PACKAGE.rglob("*") if folder.is_dir() and folder.name != "__pycache__"}
    full = {str(folder): n for folder in folders if (n := len(list(folder.glob("*.py")))) > MAX_FILES}
    assert full == {}


@pytest.mark.slow
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
        ("unroll.training.fit", {"matplotlib", "scipy", "mlflow", "pandas"}),
        ("unroll.series.forecast", {"torch", "pytorch_lightning", "mlflow", "pandas", "matplotlib"}),
        ("unroll.evaluation.evaluate", {"torch", "pytorch_lightning", "mlflow"}),
    ],
)
def test_a_light_import_loads_nothing_heavy(module: str, absent: set[str]) -> None:
    code = f"import sys, {module}; print(*sorted({{name.split('.')[0] for name in sys.modules}}))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not absent & set(loaded)


def test_no_command_of_the_pipeline_contains_a_value_from_params() -> None:
    """`dvc exp run -S` values would reach the shell. A key is validated, and is the only thing in a command."""
    from ruamel.yaml import YAML

    stages = YAML(typ="safe").load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
    for name, stage in stages.items():
        command = stage.get("do", stage)["cmd"]
        assert command.replace("${key}", "") == command.split("$")[0], command
        # Without `exec`, the shell stays between dvc and Python, and a signal for one does not reach the other.
        assert command.startswith("exec sh stages/run "), name
