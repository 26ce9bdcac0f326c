"""Compare all models: python -m stages.report."""

from pathlib import Path

from unroll import stage
from unroll.params import Root

FILES = ("leaderboard.md", "leaderboard.csv", "comparisons.csv", "index.html")


def main(params: Root) -> None:
    from unroll.report import figures, report

    outputs = (Path("reports") / name for name in (*FILES, "figures"))
    with stage.publish(*outputs) as (*files, pictures):
        found = report.gather(params, Path())
        for path, content in zip(files, report.contents(found), strict=True):
            path.write_text(content, encoding="utf-8")
        pictures.mkdir()
        figures.draw(found.results, Path("metrics/train"), Path("reports/samples"), found.diagnostics, pictures)


if __name__ == "__main__":
    stage.run(main)
