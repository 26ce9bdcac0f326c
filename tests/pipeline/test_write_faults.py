"""Every write of every stage fails once: nothing half-written stays, and the next run gives the same bytes."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from tests.pipeline.pipeline import ROOT, environment, small, write_params
from tests.pipeline.write_faults import STAGES

MOST = {"train trigram": 40, "train lstm": 20, "evaluate trigram": 40}
"""The number of writes that fail in the stages whose journal has more than a hundred. `write_faults` tries all."""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="the shim finds the file of a descriptor in /proc")
@pytest.mark.parametrize("name", [" ".join(entry[:2]) for entry in STAGES])
def test_a_write_that_fails_leaves_nothing_half_written(name: str, tmp_path: Path) -> None:
    place = tmp_path / "place"
    place.mkdir()
    values = small(YAML(typ="safe").load((ROOT / "params.yaml").read_text(encoding="utf-8")), place)
    values["models"]["lstm"]["training"] |= {"epochs": 1, "checkpoint_steps": 10}
    write_params(place, values)
    shutil.copy(ROOT / "dvc.yaml", place)
    most = [str(MOST[name])] if name in MOST else []
    result = subprocess.run(
        [sys.executable, "-m", "tests.pipeline.write_faults", str(tmp_path), name, *most],
        cwd=ROOT,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout
    assert "points" in result.stdout
