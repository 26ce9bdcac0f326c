"""The diagram of the pipeline: the stages of dvc.yaml, with one box per section of params.yaml."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from markupsafe import Markup

LETTER, GAP, ROW = 7, 46, 52
"""The width of a letter, the gap between columns and the height of a row, in pixels."""


@dataclass
class StageGroup:
    """The stages of one entry of dvc.yaml."""

    name: str
    """The name of the entry."""
    section: str = ""
    """The section of params.yaml with a key for each stage; empty for a single stage."""
    stages: list[str] = field(default_factory=list)
    """The names of the stages."""
    needs: set[str] = field(default_factory=set)
    """The names of the groups whose outputs the stages read."""

    @property
    def label(self) -> str:
        """The name as words."""
        return self.name.replace("_", " ")

    @property
    def count(self) -> str:
        """The number of stages; empty for a single stage."""
        return f"× {len(self.stages)}" if self.section else ""


def read_groups(pipeline: Mapping[str, Any], params: Mapping[str, Any]) -> list[StageGroup]:
    """List the groups of stages and their dependencies.

    Args:
        pipeline: The parsed dvc.yaml.
        params: The parsed params.yaml.

    Returns:
        The groups that have a stage, in the order of dvc.yaml.
    """
    groups, makers, deps = [], {}, []
    for name, entry in pipeline["stages"].items():
        section = entry.get("foreach", "").strip("${}")
        group, body = StageGroup(name, section), entry.get("do", entry)
        for key, item in params[section].items() if section else [("", {})]:
            group.stages.append(key or name)
            for kind in ("outs", "metrics", "plots"):
                for out in body.get(kind, []):
                    makers[_interpolate(out if isinstance(out, str) else next(iter(out)), key, item)] = name
            deps += [(group, _interpolate(dep, key, item)) for dep in body.get("deps", [])]
        groups += [group] if group.stages else []
    for group, dep in deps:
        makers_of_dep = {maker for out, maker in makers.items() if out == dep or out.startswith(f"{dep}/")}
        group.needs |= makers_of_dep - {group.name}
    return groups


def _interpolate(path: str, key: str, item: Any) -> str:
    """Replace `${key}` and `${item.<field>}` as DVC does."""
    path = path.replace("${key}", key)
    return re.sub(r"\$\{item\.(\w+)\}", lambda match: str(item[match[1]]), path)


def draw(groups: Sequence[StageGroup]) -> Markup:
    """Draw the groups as SVG, each to the right of all groups that it needs."""
    column: dict[str, int] = {}
    for _ in groups:  # the longest path has at most this number of groups
        for group in groups:
            column[group.name] = max([column.get(need, 0) + 1 for need in group.needs], default=0)
    row: dict[str, int] = {}
    for group in groups:
        row[group.name] = sum(column[other] == column[group.name] for other in row)
    box = LETTER * max(len(f"{group.label} {group.count}") for group in groups)
    place = {g.name: (column[g.name] * (box + GAP), 8 + row[g.name] * ROW) for g in groups}
    parts = [_draw_edge(place[need], place[group.name], box) for group in groups for need in sorted(group.needs)]
    parts += [_draw_box(group, *place[group.name], box) for group in groups]
    width, height = max(x for x, _ in place.values()) + box, max(y for _, y in place.values()) + 46
    head = Markup('<svg class="dag" viewBox="0 0 {0} {1}" style="min-width:{2}px" role="img" aria-label="{3}">')
    svg = head.format(width, height, width * 3 // 4, "stages of the pipeline")
    return svg + Markup("").join(parts) + Markup("</svg>")


def _draw_edge(start: tuple[int, int], end: tuple[int, int], box: int) -> Markup:
    (x1, y1), (x2, y2) = (start[0] + box, start[1] + 19), (end[0], end[1] + 19)
    middle = (x1 + x2) / 2
    path = '<path class="edge" d="M{} {} C{:.0f} {} {:.0f} {} {} {}"/>'
    return Markup(path).format(x1, y1, middle, y1, middle, y2, x2, y2)


def _draw_box(group: StageGroup, x: int, y: int, width: int) -> Markup:
    box = '<g><title>{}</title><rect class="node" x="{}" y="{}" width="{}" height="38" rx="8"/>'
    label = '<text x="{}" y="{}" text-anchor="middle">{} <tspan class="count">{}</tspan></text></g>'
    return Markup(box).format(", ".join(group.stages), x, y, width) + Markup(label).format(
        x + width / 2, y + 24, group.label, group.count
    )
