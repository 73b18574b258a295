"""The tables of docs/referee.md, from a stored run of benchmarks/referee.py."""

from __future__ import annotations

import re
import statistics
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from benchmarks.shared import OURS

COLUMNS = {
    "bits": "to the bit",
    "8": "8 digits or more",
    "6": "6 or 7",
    "near": "fewer, but near",
    "differ": "differ",
    "absent": "not given",
}
NEEDS_R = (OURS, "pymer4")


def markdown(found: Mapping[str, Any]) -> str:
    """Return the tables of a run."""
    sides = {name: side for name, side in found["sides"].items() if "models" in side}
    parts = [_head(found), _table(_summary(sides, len(found["models"]))), _figures(sides)]
    parts += [_causes(sides), _left_out(found["sides"]), _models(found["models"])]
    return "\n\n".join(part.strip() for part in parts if part)


def _table(rows: Iterable[Iterable[Any]]) -> str:
    head, *body = [[str(cell) for cell in row] for row in rows]
    lines = [head, ["---"] * len(head), *body]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _head(found: Mapping[str, Any]) -> str:
    stack, names = found["stack"], ("R", "lme4", "lmerTest", "pbkrtest")
    versions = ", ".join(f"{name} {stack[name]}" for name in names if stack.get(name))
    good = sum("are R's to the last bit" in line for line in found["plain_r"].values())
    return (
        f"A run of {found['date']}: {versions}, Python {found['python']}. The files of a plain "
        f"`Rscript` were R's to the last bit in {good} of {len(found['plain_r'])} models."
    )


def _fitted(side: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    return {
        name: model
        for name, model in side["models"].items()
        if "failed" not in model and "not_offered" not in model
    }


def _summary(sides: Mapping[str, Any], count: int) -> Iterator[list[Any]]:
    yield [
        "software",
        "R",
        f"fitted, of {count}",
        "figures",
        "R's to 6 digits",
        "near",
        "differ",
        "start, s",
        "a model, s",
    ]
    for name, side in sides.items():
        fitted = _fitted(side)
        total: Counter[str] = Counter()
        for model in fitted.values():
            for counts in model["kinds"].values():
                total.update(counts)
        given = sum(total.values()) - total["absent"]
        good = total["bits"] + total["8"] + total["6"]
        seconds = [model["seconds"] for model in fitted.values() if "seconds" in model]
        yield [
            side["software"],
            "needed" if name in NEEDS_R else "no",
            len(fitted),
            given,
            *(_share(part, given) for part in (good, total["near"], total["differ"])),
            f"{side['start']:.1f}",
            f"{statistics.median(seconds):.3f}" if seconds else "",
        ]


def _share(part: int, whole: int) -> str:
    return f"{part} ({part / whole:.0%})" if whole else "0"


def _figures(sides: Mapping[str, Any]) -> str:
    parts = []
    for side in sides.values():
        kinds: dict[str, Counter[str]] = defaultdict(Counter)
        for model in _fitted(side).values():
            for kind, counts in model["kinds"].items():
                kinds[kind].update(counts)
        rows = [["figures", *COLUMNS.values()]]
        rows += [[kind, *(str(counts[c] or "") for c in COLUMNS)] for kind, counts in kinds.items()]
        unknown = sum(counts["unknown"] for counts in kinds.values())
        note = f" ({side['note']})" if side.get("note") else ""
        more = f"\n\nOf {unknown} more, R has no figure of that name." if unknown else ""
        parts.append(f"### {side['software']}{note}\n\n{_table(rows)}{more}")
    return "\n\n".join(parts)


def _causes(sides: Mapping[str, Any]) -> str:
    rows = [["software", "cause", "figures", "models"]]
    for side in sides.values():
        figures: Counter[str] = Counter()
        models: dict[str, set[str]] = defaultdict(set)
        for name, model in _fitted(side).items():
            for _, cause, n in model["causes"]:
                said = re.sub(r" by [\d.e+-]+$", "", cause) or "not known"
                figures[said] += n
                models[said].add(name)
        rows += [
            [side["software"], c, str(n), str(len(models[c]))] for c, n in figures.most_common()
        ]
    return f"### Causes of the differences\n\n{_table(rows)}"


def _left_out(sides: Mapping[str, Any]) -> str:
    reasons: dict[tuple[str, str], list[str]] = defaultdict(list)
    for name, side in sides.items():
        if "not_run" in side:
            reasons[name, f"does not run: {side['not_run']}"].append("all")
        for model, kept in side.get("models", {}).items():
            if "not_offered" in kept:
                reasons[side["software"], f"not offered: {kept['not_offered']}"].append(model)
            elif said := kept.get("failed") or kept.get("kenward_roger_failed"):
                of_tests = "Kenward-Roger's tests: " if "kenward_roger_failed" in kept else ""
                said = said.replace("|", "\\|").replace("`", "'")
                said = re.sub(r"\s*\^{3,}.*", "", said)
                reasons[side["software"], f"{of_tests}`{said[:110].strip()}`"].append(model)
    rows = [["software", "models", "why"]]
    rows += [[name, ", ".join(models), why] for (name, why), models in reasons.items()]
    return f"### Models or tests without figures\n\n{_table(rows)}"


def _models(models: Mapping[str, Any]) -> str:
    rows = [["model", "what is particular", "formula"]]
    rows += [
        [name, what, f"`{formula}`".replace("|", "\\|")] for name, (what, formula) in models.items()
    ]
    return f"### Models\n\n{_table(rows)}"
