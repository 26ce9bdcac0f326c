"""doctor, verify, compare-locks: the state of the pipeline's folder."""

from pathlib import Path

from unroll.cli.app import app
from unroll.errors import UnrollError


@app.command()
def doctor() -> None:
    """Heal what a killed run left behind, and prepare the tracking store; says what it did."""
    from unroll.pipeline.doctor import heal

    for line in heal(Path.cwd()):
        print(line)


@app.command()
def verify() -> None:
    """Hash every output again and compare it with dvc.lock."""
    from unroll.pipeline.verify import damaged, outputs

    if paths := damaged(Path()):
        raise UnrollError(f"{', '.join(paths)}: not what dvc.lock says; `dvc repro` makes them again")
    print(f"{len(outputs(Path('dvc.lock')))} outputs are what dvc.lock says")


@app.command()
def compare_locks(one: Path, other: Path) -> None:
    """Compare the output hashes of two runs of the pipeline, by their dvc.lock files."""
    from unroll.pipeline.verify import differences

    equal, differing = differences(one, other)
    if differing:
        raise UnrollError(f"{equal} outputs are equal, {len(differing)} differ: {', '.join(differing)}")
    print(f"all {equal} outputs have equal hashes")
