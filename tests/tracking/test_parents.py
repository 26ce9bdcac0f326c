"""The parents of a sweep with many points, in a store in memory that counts the runs that are read."""

from types import SimpleNamespace
from typing import Any

from unroll.tracking import parents


class Store:
    """The methods of `Runs` and of its client that parents use."""

    def __init__(self) -> None:
        self.made: dict[str, Any] = {}
        self.read = 0
        self.client = self

    def find(self, most: int = 1, **tags: str) -> list[Any]:
        wanted = {f"unroll.{name}": value for name, value in tags.items()}
        found = [run for run in self.made.values() if wanted.items() <= run.data.tags.items()]
        self.read += len(found[:most])
        return found[:most]

    def create(self, name: str, start: int, tags: dict[str, str]) -> Any:
        if found := self.find(id=tags["unroll.id"]):
            return found[0]
        info = SimpleNamespace(run_id=f"run-{len(self.made)}", status="RUNNING")
        data = SimpleNamespace(tags={key: value for key, value in tags.items() if value})
        return self.made.setdefault(info.run_id, SimpleNamespace(info=info, data=data))

    def get_run(self, run_id: str) -> Any:
        self.read += 1
        return self.made[run_id]

    def set_tag(self, run_id: str, key: str, value: str) -> None:
        self.made[run_id].data.tags[key] = value

    def set_terminated(self, run_id: str, status: str) -> None:
        self.made[run_id].info.status = status


def test_a_sweep_of_hundreds_of_points_reads_few_runs_for_each() -> None:
    store = Store()
    for number in range(1, 301):
        head = {"experiment": f"rate-{number}", "baseline": "a", "start": 0}
        for _ in range(3):  # a training, its end, and an evaluation
            parents.experiment(store, head)  # type: ignore[arg-type]
    sweeps = store.find(kind="sweep")
    assert [run.data.tags["unroll.model"] for run in sweeps] == ["rate"]
    members = store.find(1000, kind="experiment")
    assert len(members) == 300
    assert {run.data.tags[parents.PARENT] for run in members} == {sweeps[0].info.run_id}
    assert store.read < 300 * 3 * 6  # and not 300 * 3 * 300 / 2
