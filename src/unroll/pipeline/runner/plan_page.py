"""A plan as one HTML page: the graph of the stages, coloured by what happens to them."""

from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from unroll.pipeline.runner.display import say_time
from unroll.pipeline.runner.plan import Plan, Step

WIDTH, GAP, HEIGHT, ROW = 190, 40, 24, 30
"""The width of a box, the gap between columns, and the heights of a box and a row, in pixels."""


@dataclass(frozen=True)
class Box:
    """A stage in the picture."""

    step: Step
    x: int
    y: int

    @property
    def title(self) -> str:
        """What the stage shows when it is pointed at."""
        lines = [f"{self.step.node.name}: {self.step.state.value}, {say_time(self.step.seconds)}", *self.step.reasons]
        return "\n".join(lines)


def write(plan: Plan, jobs: int, path: Path) -> None:
    """Write the page.

    Args:
        plan: The plan.
        jobs: The number of stages at once, for the estimate of the time.
        path: The file to write.
    """
    boxes = _place(plan)
    edges = [
        (boxes[other].x + WIDTH, boxes[other].y + HEIGHT // 2, box.x, box.y + HEIGHT // 2)
        for box in boxes.values()
        for other in box.step.node.upstream
    ]
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["time"] = say_time
    page = environment.get_template("plan.html").render(
        plan=plan,
        boxes=list(boxes.values()),
        edges=edges,
        summary=list(plan.summarize(jobs)),
        width=max((box.x for box in boxes.values()), default=0) + WIDTH,
        height=max((box.y for box in boxes.values()), default=0) + ROW,
        size=(WIDTH, HEIGHT),
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page, encoding="utf-8")


def _place(plan: Plan) -> dict[str, Box]:
    """Place each stage to the right of all that it depends on, near the height of these."""
    column: dict[str, int] = {}
    for name, step in plan.steps.items():  # each stage comes after those that it depends on
        column[name] = max([column[other] + 1 for other in step.node.upstream], default=0)
    boxes: dict[str, Box] = {}
    for index in range(max(column.values(), default=-1) + 1):
        names = [name for name in plan.steps if column[name] == index]
        height = {name: _mean([boxes[other].y for other in plan.steps[name].node.upstream]) for name in names}
        free = 0
        for name in sorted(names, key=lambda name: height[name]):
            boxes[name] = Box(plan.steps[name], index * (WIDTH + GAP), y := max(free, round(height[name])))
            free = y + ROW
    return boxes


def _mean(values: list[int]) -> float:
    return sum(values) / len(values) if values else 0.0
