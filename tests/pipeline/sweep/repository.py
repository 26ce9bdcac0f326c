"""A repository of DVC whose stage computes a formula in place of a training, and sweeps in it."""

import json
import subprocess
from pathlib import Path
from typing import Any

from tests.pipeline.pipeline import PROGRAMS, ROOT, environment, git, run, small, write_params, yaml

PIPELINE = """
stages:
  train:
    foreach: ${models}
    do:
      cmd: exec python fake.py ${key}
      params: ["models.${key}"]
      deps: [fake.py]
      outs: ["models/${key}"]
      plots: ["metrics/train/${key}.csv": {cache: false}]
      metrics: ["metrics/${key}.json": {cache: false}]
"""

FAKE = '''
"""A stage whose loss is a formula of the learning rate, by epoch. It keeps a journal as stage train does."""
import json, math, os, sys, time
from pathlib import Path
from ruamel.yaml import YAML

key = sys.argv[1]
params = YAML(typ="safe").load(Path("params.yaml").read_text())["models"][key]
rate, epochs = params["training"]["learning_rate"], params["training"]["epochs"]
name = os.environ["DVC_EXP_NAME"] if "DVC_EXP_NAME" in os.environ else "none"
root = Path(os.environ["DVC_ROOT"])
with open(root / "starts.log", "a") as log:
    log.write(f"{name} {os.getpid()} {rate!r}\\n")
control = json.loads((root / "control.json").read_text())  # what the test asks for
if name in control["fail"]:
    sys.exit(f"train {key}: the loss is nan; lower training.learning_rate")
if name in control["killed_once"] and not (root / f"killed-{name}").exists():
    (root / f"killed-{name}").touch()
    os.kill(os.getpid(), 9)
if control["journal"]:
    journal = root / "mlruns" / "outbox" / "local" / f"{time.time_ns()}-x"
    journal.mkdir(parents=True)
    (journal / "run.json").write_text(json.dumps({"stage": "train", "name": key, "experiment": name}))
lines = ["step,epoch,valid_loss"]
for epoch in range(1, epochs + 1):
    loss = (math.log10(rate) + 2) ** 2 + 1 / epoch
    lines.append(f"{epoch},{epoch},{loss!r}")
    if control["journal"]:
        with open(journal / "rows.jsonl", "a") as rows:
            for values in {"epoch": epoch, "train_loss": loss}, {"valid_loss": loss}:
                rows.write("\\n" + json.dumps({"time": 0, "step": 100 * epoch, "values": values}) + "\\n")
    time.sleep(control["seconds"] / epochs)
for path, text in {
    Path("models", key, "weights"): repr(params),
    Path("metrics", "train", f"{key}.csv"): "\\n".join(lines) + "\\n",
    Path("metrics", f"{key}.json"): json.dumps({"loss": {"valid": loss}, "name": key}),
}.items():
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
'''

SPACE: dict[str, Any] = {
    "targets": ["train@lstm"],
    "metric": {"file": "metrics/lstm.json", "key": "loss.valid", "direction": "minimize"},
    "sampler": {"kind": "random", "seed": 1},
    "pruner": {"kind": "none"},
    "space": {
        "models.lstm.training.learning_rate": {"kind": "float", "low": 0.001, "high": 0.1, "log": True, "step": None}
    },
}


def make_repository(place: Path) -> Path:
    """A repository with this pipeline in `place`."""
    place.mkdir()
    values = small(yaml.load((ROOT / "params.yaml").read_text(encoding="utf-8")), place)
    write_params(place, values | {"models": {"lstm": values["models"]["lstm"]}, "mixtures": {}})
    (place / "dvc.yaml").write_text(PIPELINE, encoding="utf-8")
    (place / "fake.py").write_text(FAKE, encoding="utf-8")
    (place / ".gitignore").write_text("/models/\n/mlruns/\n/starts.log\n/control.json\n/killed-*\n", encoding="utf-8")
    control(place)
    git(place, "init", "--quiet")
    run(place, "dvc", "init", "--quiet")
    write_space(place, SPACE)
    run(place, "dvc", "repro", "--quiet")
    (place / "starts.log").unlink()
    git(place, "add", "--all")
    git(place, "commit", "--quiet", "--message", "begin")
    for key, value in ("user.name", "test"), ("user.email", "test@example.org"):
        git(place, "config", key, value)
    return place


def control(place: Path, **values: Any) -> None:
    """Let the stage fail or be killed in some experiments, keep a journal, or take some seconds."""
    wanted = {"fail": [], "killed_once": [], "journal": False, "seconds": 0.0} | values
    (place / "control.json").write_text(json.dumps(wanted), encoding="utf-8")


def write_space(place: Path, space: dict[str, Any], name: str = "rate") -> None:
    (place / f"{name}.yaml").write_text(json.dumps(space), encoding="utf-8")


def sweep(place: Path, *options: str, code: int | None = 0) -> str:
    """Run `unroll sweep rate.yaml`; its whole output."""
    return run(place, "unroll", "sweep", "rate.yaml", *options, code=code)


def start(place: Path, *options: str) -> "subprocess.Popen[bytes]":
    """Start `unroll sweep rate.yaml`."""
    command = [str(PROGRAMS / "unroll"), "sweep", "rate.yaml", *options]
    return subprocess.Popen(
        command,
        cwd=place,
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def rows(place: Path, *options: str) -> dict[str, dict[str, Any]]:
    """The rows of `--json` of a sweep, by experiment."""
    lines = sweep(place, *options, "--json").splitlines()
    return {row["experiment"]: row for line in lines if line.startswith("{") for row in [json.loads(line)]}


def starts(place: Path) -> list[str]:
    """The experiments in the order of the starts of their stage."""
    path = place / "starts.log"
    return [line.split()[0] for line in path.read_text().splitlines()] if path.exists() else []


def experiments(place: Path) -> dict[str, str]:
    """The commit of each experiment of DVC."""
    listed = git(place, "for-each-ref", "--format=%(refname) %(objectname)", "refs/exps").splitlines()
    return {line.split()[0].split("/")[-1]: line.split()[1] for line in listed if line.split()[0].count("/") == 4}
