"""Compare all models: python -m stages.report."""

from pathlib import Path

from unroll import stage
from unroll.params import Root


def main(params: Root) -> None:
    from unroll.report import figures, leaderboard

    with stage.publish(Path("reports/leaderboard.md"), Path("reports/leaderboard.csv"), Path("reports/figures")) as (
        page,
        table,
        pictures,
    ):
        results = leaderboard.read(list(params.experiments), Path("metrics"))
        page.write_text(leaderboard.markdown(results), encoding="utf-8")
        leaderboard.write_csv(results, table)
        pictures.mkdir()
        figures.draw(results, Path("metrics/train"), Path("reports/samples"), pictures)


if __name__ == "__main__":
    stage.run(main)
