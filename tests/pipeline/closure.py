"""The modules that a stage can load: the closure of its imports, computed from the source without running it."""

import ast
from collections.abc import Callable, Collection, Iterable
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src"


@cache
def path_of(module: str) -> Path | None:
    """The file of a module of the project, relative to the repository; None for other modules."""
    base = ROOT / "stages" if module.split(".")[0] == "stages" else SOURCE / "unroll"
    below = base.joinpath(*module.split(".")[1:])
    for file in (below.with_suffix(".py"), below / "__init__.py"):
        if module.split(".")[0] in ("unroll", "stages") and file.is_file():
            return file.relative_to(ROOT)
    return None


@cache
def imports(module: str) -> frozenset[str]:
    """The modules of the project that a module imports, at its top or in a function; not for type checking only."""
    path = path_of(module)
    assert path is not None, module
    found: set[str] = set()
    for node in _executed(ast.parse((ROOT / path).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return frozenset(name for name in _with_packages(found) if path_of(name))


def _executed(tree: ast.AST) -> Iterable[ast.AST]:
    """All nodes but those below `if TYPE_CHECKING:`."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            continue
        yield node
        yield from _executed(node)


def _with_packages(modules: Iterable[str]) -> set[str]:
    """The modules and their packages, whose `__init__` is executed, too."""
    return {".".join(parts[: n + 1]) for parts in (module.split(".") for module in modules) for n in range(len(parts))}


def closure(start: str, dynamic: Collection[str], opaque: Callable[[str], bool]) -> set[str]:
    """The modules that `start` loads, with those that it finds by name and the packages of all of them.

    The imports of an opaque module are not followed. A module that consists of a docstring is not listed.
    """
    found: set[str] = set()
    waiting = {name for name in _with_packages({start, *dynamic}) if path_of(name)}
    while waiting:
        module = waiting.pop()
        if module in found:
            continue
        found.add(module)
        if not opaque(module):
            waiting |= imports(module)
    return {module for module in found if not is_empty(module)}


@cache
def is_empty(module: str) -> bool:
    """Whether a module consists of a docstring."""
    path = path_of(module)
    assert path is not None, module
    body = ast.parse((ROOT / path).read_text(encoding="utf-8")).body
    return all(isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) for node in body)
