"""A plan names the stages that `unroll repro` then runs, and why."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.pipeline.pipeline import environment
from tests.pipeline.runner import tiny
from unroll.pipeline import durations
from unroll.pipeline.runner import plan, plan_page, schedule
from unroll.pipeline.runner.plan import Plan, State
from unroll.pipeline.runner.repository import Node, Repository


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    place = tiny.make(tmp_path / "repository", seconds=0.0)
    monkeypatch.chdir(place)
    return place


def make(place: Path, *targets: str) -> Plan:
    return plan.make(Repository(place), list(targets), place)


def change(place: Path, name: str, value: int) -> None:
    path = place / "params.yaml"
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(f"{name}: {value}\n" if line[0] == name else line for line in lines))


def states(found: Plan) -> dict[str, str]:
    return {name: step.state.value for name, step in found.steps.items()}


@pytest.mark.slow
def test_a_plan_follows_what_changed(place: Path) -> None:
    assert set(states(make(place)).values()) == {"runs"}
    assert make(place).steps["e"].reasons == ["it has no results yet"]
    tiny.run(place)
    assert set(states(make(place)).values()) == {"unchanged"}
    change(place, "a", 2)
    found = make(place)
    assert found.steps["a"].reasons == ["a 1 -> 2"]
    assert states(found) == {"a": "runs", "b": "depends", "c": "depends", "d": "unchanged", "e": "depends"} | {
        "f": "depends",
        "g": "depends",
    }
    assert list(make(place, "b").steps) == ["a", "b"]
    tiny.run(place)
    assert tiny.events(place)[-1].name == "a"  # its bytes are the same, so the others did not run
    change(place, "a", 1)
    (place / "c.txt").unlink()
    found = make(place)
    assert states(found) == dict.fromkeys(tiny.STAGES, "unchanged") | {"a": "restored", "c": "restored"}
    assert found.steps["c"].reasons == ["c.txt is missing"]


@pytest.mark.slow
def test_the_run_cache_is_followed_through_the_pipeline(place: Path) -> None:
    tiny.run(place)
    for path in [*place.glob("?.txt"), place / "dvc.lock"]:
        path.unlink()
    assert set(states(make(place)).values()) == {"restored"}
    (place / "stage.py").write_text(tiny.STAGE.replace("{name}(", "{name}[").replace(")\\n", "]\\n"))
    assert set(states(make(place)).values()) == {"runs"}
    tiny.run(place)
    assert (place / "b.txt").read_text() == "b[a[]]\n"
    tiny.dvc(place, "repro")
    (place / "stage.py").write_text(tiny.STAGE)
    found = make(place)
    assert set(states(found).values()) == {"restored"}
    assert found.steps["b"].reasons == ["stage.py has changed", "a.txt changes"]


@pytest.mark.slow
def test_a_new_command_and_a_removed_cache_are_reasons(place: Path) -> None:
    tiny.run(place)
    text = (place / "dvc.yaml").read_text()
    (place / "dvc.yaml").write_text(text.replace("stage.py d 0.0", "stage.py d 0.00"))
    assert make(place).steps["d"].reasons == ["its command has changed"]
    (place / "dvc.yaml").write_text(text.replace("- d\n", "- d\n    - z\n", 1))
    (place / "params.yaml").write_text((place / "params.yaml").read_text() + "z: 3\n")
    assert make(place).steps["d"].reasons == ["z is new"]


@pytest.mark.slow
def test_planning_changes_nothing(place: Path) -> None:
    tiny.run(place)
    change(place, "a", 2)
    before = {path: path.read_bytes() for path in place.glob("*.*") if path.is_file()}
    make(place)
    assert before == {path: path.read_bytes() for path in place.glob("*.*") if path.is_file()}


@pytest.mark.slow
def test_the_time_follows_from_the_longest_path_and_the_number_of_jobs(place: Path) -> None:
    for name, seconds in {"a": 10, "b": 20, "c": 30, "d": 5, "e": 1, "f": 4, "g": 2}.items():
        durations.write(place, name, durations.Measured(seconds, 1))
    found = make(place)
    assert found.seconds(1) == (72.0, 72.0)
    assert found.seconds(8) == (41.0, 41.0)  # a, c, e
    assert 41.0 <= found.seconds(2)[1] <= 72.0 / 2 + 30
    tiny.run(place)
    for name in "abc":
        durations.write(place, name, durations.Measured(10, 1))
    change(place, "a", 2)
    assert make(place).seconds(8) == (10.0, 21.0)
    (place / durations.FOLDER / "e.json").unlink()
    found = make(place)
    assert found.seconds(8) == (10.0, None)
    assert list(found.summarize(8))[-1] == "the time is unknown, since 1 of these stages have not run here yet"


def test_no_schedule_beats_the_longest_path_or_the_mean_work() -> None:
    nodes = {
        str(n): Node(str(n), "true", tuple(str(m) for m in range(n) if (n * m) % 3 == 1), False, ()) for n in range(12)
    }
    times: dict[str, float | None] = {name: 1.0 + (int(name) * 7) % 5 for name in nodes}
    known = {name: value for name, value in times.items() if value is not None}
    longest = max(schedule.priorities(nodes, times).values())
    for workers in (1, 2, 3, 12):
        total = schedule.simulate(nodes, known, (), workers)
        work = sum(known.values())
        assert max(longest, work / workers) <= total <= work / workers + longest
    assert schedule.simulate(nodes, known, (), 1) == sum(known.values())
    assert schedule.simulate(nodes, known, nodes, 2) == 0.0


@pytest.mark.slow
def test_the_page_shows_every_stage_with_its_state(place: Path, tmp_path: Path) -> None:
    tiny.run(place)
    change(place, "a", 2)
    plan_page.write(make(place), 2, tmp_path / "page" / "plan.html")
    page = (tmp_path / "page" / "plan.html").read_text()
    for name, state in states(make(place)).items():
        assert f"<title>{name}: {state}" in page
    assert page.count("<rect ") == len(tiny.STAGES)
    assert page.count('<path class="edge"') == sum(map(len, tiny.STAGES.values()))
    assert "a 1 -&gt; 2" in page


@pytest.mark.slow
def test_the_verb_prints_a_table_or_json(place: Path) -> None:
    tiny.run(place)
    change(place, "a", 2)

    def unroll(*arguments: str) -> str:
        command = [sys.executable, "-m", "unroll", "plan", *arguments]
        return subprocess.run(command, cwd=place, env=environment(), capture_output=True, text=True, check=True).stdout

    lines = unroll("-j", "3").splitlines()
    assert lines[0].split() == ["a", "runs", "unknown", "a", "1", "->", "2"]
    assert [line.split()[0] for line in lines[:-2]] == ["a", "b", "c", "e", "f", "g"]
    values = json.loads(unroll("--json", "e"))
    assert [stage["name"] for stage in values["stages"]] == ["a", "b", "c", "d", "e"]
    assert values["stages"][0] == {
        "name": "a",
        "state": State.RUNS.value,
        "reasons": ["a 1 -> 2"],
        "seconds": None,
        "depends_on": [],
    }
