"""Compare all models, and log to MLflow the results that have no run yet: python -m stages.report."""

import logging
from pathlib import Path

from unroll.params.root import Root
from unroll.pipeline import stage

FOLDER, FIGURES = Path("reports"), "figures"
FILES = ("leaderboard.md", "leaderboard.csv", "comparisons.csv", "index.html")
logger = logging.getLogger("unroll")


def main(params: Root) -> None:
    """Publish the tables, the figures and the page, and bring MLflow up to date."""
    from unroll import tracking
    from unroll.report import figures, report
    from unroll.tracking.sync import records, sync

    with tracking.run("report", "all", params.evaluate.model_dump(), Path("metrics")) as run:
        with stage.atomic_outputs(*(FOLDER / name for name in (*FILES, FIGURES))) as (*files, folder):
            findings = report.gather(params, Path())
            for path, content in zip(files, report.render(findings), strict=True):
                path.write_text(content, encoding="utf-8")
            folder.mkdir()
            figures.draw(findings.results, findings.curves, findings.samples, findings.diagnostics, folder)
        for name in FILES:
            run.log_file(FOLDER / name)
        run.log_folder(FOLDER / FIGURES, FIGURES)
    for line in sync(records(params)):
        logger.info("%s", line)


if __name__ == "__main__":
    stage.run(main)
