"""Modules that are imported as if some packages were not installed."""

import importlib
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from threading import Thread

import pytest

from unroll.training.lightning import absent


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """An installed package that nothing has imported."""
    (tmp_path / "rare_package").mkdir()
    (tmp_path / "rare_package" / "__init__.py").touch()
    (tmp_path / "rare_package" / "part.py").touch()
    (tmp_path / "rare_package-1.dist-info").mkdir()
    (tmp_path / "rare_package-1.dist-info" / "METADATA").write_text("Name: rare_package\nVersion: 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "rare_package", raising=False)
    monkeypatch.delitem(sys.modules, "rare_package.part", raising=False)
    return "rare_package"


def test_neither_the_package_nor_its_version_is_found(package: str) -> None:
    with absent(package, "another_package"):
        with pytest.raises(ModuleNotFoundError, match=package):
            importlib.import_module(f"{package}.part")
        with pytest.raises(PackageNotFoundError):
            version(package)
        assert version("pytest")
    assert version(package) == "1"
    importlib.import_module(f"{package}.part")


def test_it_is_found_again_after_an_error(package: str) -> None:
    with pytest.raises(RuntimeError), absent(package):
        raise RuntimeError
    assert find_spec(package)


def test_other_threads_find_it(package: str) -> None:
    found = []
    with absent(package):
        thread = Thread(target=lambda: found.append((find_spec(package), version(package))))
        thread.start()
        thread.join()
    assert found[0][0]
    assert found[0][1] == "1"


def test_an_imported_package_stays_complete(package: str) -> None:
    importlib.import_module(package)
    with absent(package):
        importlib.import_module(f"{package}.part")
        assert version(package) == "1"


@pytest.mark.slow
def test_after_the_import_of_lightning_the_packages_are_there_and_so_are_its_metrics() -> None:
    code = (
        "import unroll.training.fit, scipy.signal, matplotlib.pyplot, torch, torchmetrics;"
        "print(float(torchmetrics.MeanMetric()(torch.tensor([1.0, 2.0]))))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "1.5\n"
