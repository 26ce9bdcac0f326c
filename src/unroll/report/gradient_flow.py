"""The picture of vanishing and exploding gradients: notes "Homework 3", section 1.1."""

from collections.abc import Mapping

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

matplotlib.use("agg")


def gradient_flow(norms: Mapping[str, NDArray[np.float64]]) -> Figure:
    """|d loss_T / d state_{T-k}| against k, one line per network (`unroll.neural.diagnostics.gradient_flow`)."""
    figure = Figure(figsize=(5, 3.6), layout="constrained")
    axes = figure.add_subplot(xlabel="steps back, k", ylabel="norm of d loss / d state", yscale="log")
    for name, values in norms.items():
        axes.plot(np.arange(len(values)), np.where(values > 0, values, np.nan), label=name)
    axes.grid(alpha=0.3)
    axes.legend(fontsize="small")
    return figure
