"""The pipeline as a picture: dvc.yaml with its stages expanded by params.yaml, drawn a group at a time."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from markupsafe import Markup

BOX, GAP, ROW = 118, 46, 52


@dataclass
class Group:
    """The stages of one entry of dvc.yaml."""

    name: str
    section: str = ""
    """Of params.yaml, a stage per key."""
    stages: list[str] = field(default_factory=list)
    needs: set[str] = field(default_factory=set)
    """Names of the groups whose outputs its stages read."""


def groups(pipeline: Mapping[str, Any], params: Mapping[str, Any]) -> list[Group]:
    """From the parsed dvc.yaml; groups without a stage are left out."""
    found, outs, deps = [], {}, []
    for name, entry in pipeline["stages"].items():
        section = entry.get("foreach", "").strip("${}")
        group, body = Group(name, section), entry.get("do", entry)
        for key, item in params[section].items() if section else [("", {})]:
            group.stages.append(key or name)
            for kind in ("outs", "metrics", "plots"):
                for out in body.get(kind, []):
                    outs[_filled(out if isinstance(out, str) else next(iter(out)), key, item)] = name
            deps += [(group, _filled(dep, key, item)) for dep in body.get("deps", [])]
        found += [group] if group.stages else []
    for group, dep in deps:
        group.needs |= {maker for out, maker in outs.items() if out == dep or out.startswith(f"{dep}/")} - {group.name}
    return found


def _filled(path: str, key: str, item: Any) -> str:
    path = path.replace("${key}", key)
    return re.sub(r"\$\{item\.(\w+)\}", lambda match: str(item[match[1]]), path)


def draw(found: list[Group]) -> Markup:
    """Left to right: each group right of all that it needs."""
    column: dict[str, int] = {}
    for _ in found:  # as often as the longest path can be
        for group in found:
            column[group.name] = max([column.get(need, 0) + 1 for need in group.needs], default=0)
    rows: dict[str, int] = {}
    for group in found:
        rows[group.name] = sum(column[other] == column[group.name] for other in rows)
    place = {g.name: (column[g.name] * (BOX + GAP), 8 + rows[g.name] * ROW) for g in found}
    parts = []
    for group in found:
        x2, y2 = place[group.name]
        for need in sorted(group.needs):
            x1, y1 = place[need]
            start, middle = (x1 + BOX, y1 + 19), (x1 + BOX + x2) / 2
            parts.append(
                Markup('<path class="edge" d="M{} {} C{:.0f} {} {:.0f} {} {} {}"/>').format(
                    *start, middle, start[1], middle, y2 + 19, x2, y2 + 19
                )
            )
    for group in found:
        x, y = place[group.name]
        count = f"× {len(group.stages)}" if group.section else ""
        parts.append(
            Markup(
                '<g><title>{}</title><rect class="node" x="{}" y="{}" width="{}" height="38" rx="8"/>'
                '<text x="{}" y="{}" text-anchor="middle">{} <tspan class="count">{}</tspan></text></g>'
            ).format(", ".join(group.stages), x, y, BOX, x + BOX / 2, y + 24, group.name.replace("_", " "), count)
        )
    width, height = max(x for x, _ in place.values()) + BOX, max(y for _, y in place.values()) + 46
    head = Markup('<svg class="dag" viewBox="0 0 {0} {1}" style="min-width:{2}px" role="img" aria-label="{3}">')
    return (
        head.format(width, height, width * 3 // 4, "stages of the pipeline") + Markup("").join(parts) + Markup("</svg>")
    )
