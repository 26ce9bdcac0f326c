"""The verbs plan and repro: what would run, and run it."""

from pathlib import Path
from typing import Annotated

import typer

from unroll.cli.app import JsonOption, app
from unroll.errors import UnrollError

TargetsArgument = Annotated[
    list[str] | None,
    typer.Argument(help="Stages, groups or outputs, as for `dvc repro`; by default all.", show_default=False),
]
JobsOption = Annotated[
    int | None, typer.Option("--jobs", "-j", min=1, help="Stages at once; by default one per core.", show_default=False)
]


@app.command()
def plan(
    targets: TargetsArgument = None,
    jobs: JobsOption = None,
    as_json: JsonOption = False,
    picture: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write a page with the graph of the stages.", show_default=False),
    ] = None,
) -> None:
    """Show which stages would run, why, and how long it would take, from the durations of earlier runs.

    A stage runs, is restored from the run cache of DVC, is unchanged, or depends: it runs only if the stages before it
    write other bytes.
    """
    from unroll.cli.io import escape_control, print_json
    from unroll.pipeline import plan
    from unroll.pipeline.runner.display import say_time
    from unroll.pipeline.runner.repository import Repository
    from unroll.pipeline.runner.resources import cores
    from unroll.pipeline.settings import enumerate_names

    found, together = plan.make(Repository(Path.cwd()), targets or [], Path.cwd()), jobs or cores()
    if picture is not None:
        from unroll.pipeline.plan_page import write

        write(found, together, picture)
    if as_json:
        print_json(found.to_json(together))
        return
    steps = [step for step in found.steps.values() if step.state is not plan.State.UNCHANGED]
    width = max((len(step.node.name) for step in steps), default=0)
    for step in steps:
        time = "" if step.state is plan.State.RESTORED else say_time(step.seconds)
        reasons = escape_control(enumerate_names(step.reasons))
        print(f"{step.node.name:<{width}}  {step.state.value:<8}  {time:>8}  {reasons}".rstrip())
    for line in found.summarize(together):
        print(line)


@app.command()
def repro(
    targets: TargetsArgument = None,
    jobs: JobsOption = None,
    memory: Annotated[
        str, typer.Option(metavar="SIZE", help="The memory of all stages, such as 8G; by default what is free.")
    ] = "",
    scheduler: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help="Run the stages on the workers of this dask scheduler, for example tcp://host:8786.",
            show_default=False,
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", "-f", help="Run all stages, whatever has changed.")] = False,
) -> None:
    """Run the stages that are not up to date, independent ones at once.

    The results and dvc.lock are those of `dvc repro`. If a stage fails, those that depend on it are skipped, the others
    run, and the exit code is not 0. The numbers of stages and threads change no result.
    """
    from unroll.params.load import load
    from unroll.pipeline import durations
    from unroll.pipeline.runner.executors import cluster, this_machine
    from unroll.pipeline.runner.repository import Repository
    from unroll.pipeline.runner.resources import Resources, cores, parse_memory, visible_gpus
    from unroll.pipeline.runner.run import repro

    root = Path.cwd()
    if not (root / ".dvc").is_dir():
        raise UnrollError(f"{root}: is not the root of a DVC repository; run this in the folder of dvc.yaml")
    params, known = load(), durations.read(root)
    on_gpu, portable = params.device == "cuda", params.arithmetic == "portable"
    if scheduler is not None:
        if jobs is not None or memory:
            raise UnrollError("--jobs and --memory are for one machine; the workers of --scheduler have their own")
        with cluster(scheduler, root, on_gpu, portable, known) as workers:
            repository = Repository(root)
            repro(repository, repository.collect(targets or []), workers, workers, force)
        return
    together = jobs or cores()
    resources = Resources(together, parse_memory(memory), visible_gpus() if on_gpu else (), portable, known)
    repository = Repository(root)
    with this_machine(together) as executor:
        repro(repository, repository.collect(targets or []), executor, resources, force)
