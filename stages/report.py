"""Compare all models: python -m stages.report."""

from pathlib import Path

from unroll.params.root import Root
from unroll.pipeline import stage


def main(params: Root) -> None:
    """Publish the tables, the figures and the page."""
    from unroll.report import figures, report
    from unroll.tracking.record import record
    from unroll.tracking.results import report as result_of

    with record(result := result_of(params)), stage.atomic_outputs(*result.outputs) as (*files, folder):
        findings = report.gather(params, Path())
        for path, content in zip(files, report.render(findings), strict=True):
            path.write_text(content, encoding="utf-8")
        folder.mkdir()
        figures.draw(findings.results, findings.curves, findings.samples, findings.diagnostics, folder)


if __name__ == "__main__":
    stage.run(main)
