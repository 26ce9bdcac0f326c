"""The import of a library without packages that it uses only if they are installed."""

import sys
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.metadata import Distribution, DistributionFinder, PackageNotFoundError
from types import ModuleType


class _Absent(MetaPathFinder):
    """Answers for some packages, in the thread that made it, that they are not installed."""

    def __init__(self, packages: Iterable[str]) -> None:
        self.packages, self.thread = frozenset(packages), threading.get_ident()

    def _hides(self, package: str | None) -> bool:
        return package in self.packages and threading.get_ident() == self.thread

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if self._hides(package := fullname.partition(".")[0]):
            raise ModuleNotFoundError(f"{package} is hidden from this import", name=fullname)
        return None

    def find_distributions(self, context: DistributionFinder.Context) -> Iterable[Distribution]:
        if self._hides(context.name):
            raise PackageNotFoundError(context.name)
        return ()


@contextmanager
def absent(*packages: str) -> Iterator[None]:
    """Import modules as if some packages were not installed.

    A package that is imported already is not hidden, since modules find it without a search.

    Args:
        packages: The names of packages, which are also the names of their distributions.
    """
    finder = _Absent(set(packages) - sys.modules.keys())
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
