"""Source `sine`: a noisy sine, x_t = sin(2 pi t / period) + noise e_t with e_t ~ N(0, 1).

Zhang et al. (2023), Dive into Deep Learning, section 9.1, use such a series.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from unroll.params.series import SineCorpus
from unroll.text.manifest import RawFile, write_manifest


def fetch(params: SineCorpus, folder: Path) -> None:
    """Write the series as CSV with the columns time and value.

    Values have seven significant digits, since the last bits of a sine differ between processors.
    """
    noise = np.random.default_rng(params.seed).standard_normal(params.length)
    values = wave(np.arange(params.length), params.period) + params.noise * noise
    rows = "".join(f"{time},{value:.7g}\n" for time, value in enumerate(values.tolist()))
    (folder / "series.csv").write_text("time,value\n" + rows, encoding="utf-8")
    write_manifest(folder, [RawFile("series.csv", "series")])


def wave(times: NDArray[np.integer], period: float) -> NDArray[np.floating]:
    """Return the sine without noise at the given times, in their shape."""
    return np.sin(2 * np.pi * times / period)
