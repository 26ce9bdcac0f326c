"""The verbs leaderboard and runs: tables of the results."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from unroll.cli.app import app, decode_text
from unroll.cli.io import print_json
from unroll.errors import UnrollError
from unroll.printing import escape_control, print_line

if TYPE_CHECKING:
    import pandas as pd

    from unroll.report.markdown import Columns

Format = Literal["md", "csv", "json"]
FormatOption = Annotated[
    Format, typer.Option("--format", help="A table in Markdown, CSV, or JSON lines. The last two have exact values.")
]


@app.command()
def leaderboard(
    corpus: Annotated[
        str, typer.Option(metavar="NAME", help="Only the models of this corpus.", show_default=False)
    ] = "",
    form: FormatOption = "md",
) -> None:
    """Print the results of all models that are evaluated.

    Perplexities are comparable for models of one tokenizer, and bits per byte for models of one corpus. An example:
    unroll leaderboard --corpus prose
    """
    import unroll
    from unroll.report.leaderboard import COLUMNS, format_perplexity

    table = unroll.leaderboard()
    if corpus and corpus not in set(table.corpus):
        known = ", ".join(sorted(set(table.corpus)))
        raise UnrollError(f"--corpus is {corpus}, of which no model is evaluated; give one of {known}")
    columns: Columns = {
        "model": ("model", _escape),
        "family": ("family", str),
        "corpus": ("corpus", _escape),
        "tokenizer": ("tokenizer", _escape),
        "test perplexity": ("test_perplexity", format_perplexity),
        "low": ("test_perplexity_low", format_perplexity),
        "high": ("test_perplexity_high", format_perplexity),
        "bits per byte": ("bits_per_byte", "{:.4f}".format),
        "OOV rate": ("oov_rate", "{:.2%}".format),
        "accuracy": ("accuracy", "{:.1%}".format),
        "parameters": ("parameters", "{:,}".format),
    }
    shown = table[table.corpus == corpus] if corpus else table
    _print(shown[[*COLUMNS, "accuracy"]], columns, form)


@app.command()
def runs(
    filter: Annotated[
        str,
        typer.Option(
            metavar="STRING", callback=decode_text, help="Which runs, as for mlflow.search_runs.", show_default=False
        ),
    ] = "",
    experiment: Annotated[
        str, typer.Option(metavar="NAME", callback=decode_text, help="The MLflow experiment.")
    ] = "unroll",
    form: FormatOption = "md",
) -> None:
    """Print the runs of the MLflow store, the latest first.

    An example: unroll runs --filter "metrics.test_perplexity < 100"
    """
    import unroll
    from unroll.report.leaderboard import format_perplexity
    from unroll.tracking.tables import FIRST

    table = unroll.runs(filter, experiment)[list(FIRST)]
    columns: Columns = {
        "name": ("name", _escape),
        "status": ("status", str),
        "model": ("model", _escape),
        "test perplexity": ("test_perplexity", format_perplexity),
        "bits per byte": ("bits_per_byte", "{:.4f}".format),
        "best validation loss": ("best_valid_loss", "{:.4f}".format),
        "duration": ("duration", lambda value: str(timedelta(seconds=round(value)))),
        "started": ("started", lambda value: f"{datetime.fromisoformat(value).astimezone():%Y-%m-%d %H:%M}"),
        "DVC experiment": ("dvc_experiment", _escape),
        "id": ("run_id", str),
    }
    if table.empty and form == "md":
        print("no runs")
        return
    started = table.started.map(lambda time: time.isoformat(timespec="milliseconds"))
    _print(table.assign(started=started, duration=table.duration.dt.total_seconds()), columns, form)


@app.command()
def experiments(
    names: Annotated[
        list[str] | None, typer.Argument(help="Names of experiments; by default all.", show_default=False)
    ] = None,
    model: Annotated[
        str, typer.Option(metavar="NAME", help="Only the results of this model.", show_default=False)
    ] = "",
    every: Annotated[bool, typer.Option("--all", help="All models whose results differ, not one for each.")] = False,
    form: FormatOption = "md",
) -> None:
    """Print the experiments of DVC beside the commits that they began from, the oldest first.

    Each has the params that differ, the one metric that counts for its model, and whether the difference is significant
    on the same test text (p). By default one model is shown for each experiment, first one whose params differ.
    `dvc exp show` has all params and metrics. An example: unroll experiments --model lstm
    """
    import pandas as pd

    from unroll.pipeline.experiments import MEASURES, compare_all, durations

    rows: list[dict[str, object]] = []
    seconds = durations()
    for outcome in compare_all(names or []):
        if (model and outcome.model != model) or (not every and not model and _is_shown(rows, outcome.experiment)):
            continue
        values = vars(outcome) | {"params": "; ".join(outcome.params), "base": outcome.base[:10]}
        rows.append(values | {"seconds": seconds.get((outcome.experiment, outcome.model))})
    if not rows:
        print("no experiments" + (f" with other results of {model}" if model else ""))
        return
    table = pd.DataFrame(rows)
    for name in ("before", "after", "p", "seconds"):
        table[name] = table[name].astype(float)
    table["better"] = (table.after - table.before) * table.measure.map(MEASURES)
    columns: Columns = {
        "experiment": ("experiment", _escape),
        "base": ("base", str),
        "params that differ": ("params", _escape),
        "model": ("model", _escape),
        "metric": ("measure", lambda name: name.replace("_", " ")),
        "before": ("before", "{:.2f}".format),
        "after": ("after", "{:.2f}".format),
        "p": ("p", lambda value: "< 0.001" if value < 0.001 else f"{value:.3f}"),
        "result": ("better", lambda value: "better" if value > 0 else "worse" if value < 0 else "equal"),
        "duration": ("seconds", lambda value: str(timedelta(seconds=round(value)))),
    }
    _print(table, columns, form)


def _is_shown(rows: list[dict[str, object]], experiment: str) -> bool:
    return any(row["experiment"] == experiment for row in rows)


def _escape(text: str) -> str:
    """Escape control characters, and the bar that ends a cell."""
    return escape_control(text).replace("|", r"\|")


def _print(table: "pd.DataFrame", columns: "Columns", form: Format) -> None:
    """Print a table.

    Args:
        table: The values, which CSV and JSON show as they are.
        columns: The columns that are shown in Markdown.
        form: The format.
    """
    from unroll.report.markdown import format_columns, to_markdown_table

    if form == "csv":
        for line in table.to_csv(index=False, lineterminator="\n").split("\n")[:-1]:
            print_line(line)
    elif form == "json":
        for row in table.astype(object).where(table.notna(), None).to_dict("records"):
            print_json(row)
    else:
        shown = format_columns(table, columns)
        print(to_markdown_table(list(shown), list(zip(*shown.values(), strict=True)), padded=True), end="")
