"""What the evaluation of one model has to show. Matplotlib is imported only if there is something to draw: a second."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from unroll.report.curve import curve, learned
from unroll.report.leaderboard import Result


def pictures(
    name: str, metrics: dict[str, Any], curves: Path, samples: Path, diagnostics: Mapping[str, Any]
) -> dict[str, Any]:
    """Matplotlib figures by kind: those of the model itself, the learning curve of a network, and what is to be seen
    of a recurrent one."""
    result, rows = Result(name, metrics), curve(curves / f"{name}.csv")
    trained = learned(rows)
    if result.predicts and not trained and "attention" not in diagnostics:
        return {}
    from unroll.report import figures
    from unroll.report.recurrent_figures import recurrent_figures

    found = figures.of_model(result, samples, diagnostics) | recurrent_figures({name: rows}, {name: diagnostics})
    return found | {"curve": figures.learning_curves([result], curves)} if trained else found
