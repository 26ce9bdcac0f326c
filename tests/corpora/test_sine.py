"""Source `sine`: the series and its noise, and the same bytes for the same seed."""

import csv
from pathlib import Path

import numpy as np
import pytest

from unroll.corpora import sine
from unroll.params.series import SineCorpus


def fetched(folder: Path, seed: int, noise: float) -> np.ndarray:
    folder.mkdir()
    params = SineCorpus.model_construct(source="sine", seed=seed, length=5000, period=12.5, noise=noise)
    sine.fetch(params, folder)
    with (folder / "series.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["time"] for row in rows] == [str(time) for time in range(5000)]
    return np.array([float(row["value"]) for row in rows])


def test_a_sine_and_its_noise(tmp_path: Path) -> None:
    pure, noisy = fetched(tmp_path / "pure", 1, 0.0), fetched(tmp_path / "noisy", 1, 0.3)
    np.testing.assert_allclose(pure, np.sin(2 * np.pi * np.arange(5000) / 12.5), rtol=1e-6)
    noise = noisy - pure
    assert abs(noise.mean()) < 0.02
    assert abs(noise.std() - 0.3) < 0.015
    assert abs(np.corrcoef(noise[1:], noise[:-1])[0, 1]) < 0.06


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        fetched(tmp_path / name, seed, 0.3)
    contents = [{p.name: p.read_bytes() for p in (tmp_path / name).iterdir()} for name in "abc"]
    assert contents[0] == contents[1]
    assert contents[0]["series.csv"] != contents[2]["series.csv"]


def test_the_last_bits_of_a_mathematical_library_do_not_reach_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetched(tmp_path / "a", 1, 0.3)
    exact = sine.wave
    monkeypatch.setattr(sine, "wave", lambda times, period: np.nextafter(exact(times, period), 2.0))
    fetched(tmp_path / "b", 1, 0.3)
    assert (tmp_path / "a" / "series.csv").read_bytes() == (tmp_path / "b" / "series.csv").read_bytes()
