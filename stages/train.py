"""Train one model: python -m stages.train MODEL."""

from pathlib import Path

from unroll import stage
from unroll.params import Root


def main(params: Root, name: str) -> None:
    from unroll import partition, tracking
    from unroll.models import family
    from unroll.use import describe

    section = params.models[name]
    partitions = Path("data/partitions") / section.tokens
    with (
        tracking.run("train", name, section.model_dump(), partitions) as run,
        stage.publish(Path("models") / name, Path("metrics/train") / f"{name}.csv") as (folder, metrics),
    ):
        curve = tracking.Curve(run)
        model = family(section.family).fit(section, partition.load(partitions), curve)
        folder.mkdir()
        model.save(folder)
        describe(folder, params, section.tokens)
        curve.write(metrics)
        run.log_file(metrics)
        run.log_model(folder)


if __name__ == "__main__":
    stage.run(main, "models")
