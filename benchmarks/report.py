"""Figures to files: pyperf's JSON, a table in Markdown, plots, and a comparison of two runs."""

from __future__ import annotations

import json
import re
import statistics
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyperf

from benchmarks.shared import HERE, OURS, PROJECT, SMALL, Row

UNITS = {"CPU": "second", "wall": "second", "memory": "byte"}
SECTIONS = {
    "crossing": "A data frame to R and back",
    "fits": "`lmer`, alone and with every result read",
    "cold": "Cold start",
    "steady": "Many small fits in one process",
    "growth": "Growth with rows and groups",
    "methods": "Every method of a model, by rows",
    "many": "Many models on Dask",
    "functions": "Bootstraps of a statistic in Python",
}
SLOWER = 1.10
"""A ratio between two runs above which a figure counts as slower."""


def save(path: Path, rows: Iterable[Row], facts: Mapping[str, str]) -> None:
    """Write all rounds as a suite of pyperf, which ``python -m pyperf`` can read too."""
    benchmarks = []
    for row in rows:
        for side, values in row.sides.items():
            metadata: dict[str, Any] = {
                "name": f"{row.section}/{row.name}/{side}", "unit": UNITS[row.clock],
                "section": row.section, "row": row.name, "clock": row.clock, "side": side,
                "aims": json.dumps(dict(row.aims)), "note": row.note, **facts,
            }  # fmt: skip
            metadata = {name: value for name, value in metadata.items() if value != ""}
            # pyperf takes no zero.
            run = pyperf.Run(
                [max(float(value), 1e-9) for value in values],
                metadata=metadata,
                collect_metadata=False,
            )
            benchmarks.append(pyperf.Benchmark([run]))
    pyperf.BenchmarkSuite(benchmarks).dump(str(path), compact=False, replace=True)


def load(path: Path) -> tuple[list[Row], dict[str, str]]:
    """Read what :func:`save` has written: the rows, and the facts of the run."""
    parts: dict[tuple[str, str], dict[str, Any]] = {}
    facts: dict[str, str] = {}
    for benchmark in pyperf.BenchmarkSuite.load(str(path)).get_benchmarks():
        told = benchmark.get_metadata()
        facts = {
            name: told[name] for name in ("date", "versions", "machine", "skipped") if name in told
        }
        row = parts.setdefault((told["section"], told["row"]), {"sides": {}, "told": told})
        row["sides"][told["side"]] = list(benchmark.get_values())
    rows = [
        Row(
            section,
            name,
            row["told"]["clock"],
            row["sides"],
            json.loads(row["told"]["aims"]),
            row["told"].get("note", ""),
        )
        for (section, name), row in parts.items()
    ]
    return rows, facts


def shown(value: float, clock: str) -> str:
    """Return a figure with three digits and its unit."""
    scales = (
        [(1e9, "GB"), (1e6, "MB"), (1e3, "kB"), (1, "bytes")]
        if clock == "memory"
        else [(1, "s"), (1e-3, "ms"), (1e-6, "µs")]
    )
    size, unit = next(((size, unit) for size, unit in scales if value >= size), scales[-1])
    return f"{value / size:.3g} {unit}" if value < 1000 * size else f"{value / size:,.0f} {unit}"


def _verdict(row: Row, other: str) -> str:
    aim = row.aims.get(other)
    if aim is None:
        return ""
    return f"{aim:g}" if row.ratio(other) <= aim else f"{aim:g} **missed**"


def lines_of(row: Row) -> Iterator[str]:
    """Give the lines of the table for one row: one for each side that ours stands beside."""
    ours = shown(row.median(OURS), row.clock)
    name = row.name + (f" ({row.note})" if row.note else "")
    others = [side for side in row.sides if side != OURS]
    if not others:
        yield f"| {name} | {row.clock} | {ours} | | | | |"
    for other in others:
        yield (
            f"| {name} | {row.clock} | {ours} | {other} | "
            f"{shown(row.median(other), row.clock)} | {row.ratio(other):.2g} | "
            f"{_verdict(row, other)} |"
        )


def _each(rows: Iterable[Row]) -> list[str]:
    """Return a table with a line for each thing measured."""
    lines = ["| what | clock | ours | compared with | theirs | ratio | aim |"]
    lines.append("|---|---|---|---|---|---|---|")
    return lines + [line for row in rows for line in lines_of(row)]


def _by_size(rows: Iterable[Row]) -> list[str]:
    """Return a table with a line for each method: seconds (to R's) and bytes (and R's), by rows."""
    cells: dict[str, dict[str, str]] = {}
    for row in rows:
        method, size, what = re.split(r", ([\d,]+) rows: ", row.name)
        cell = cells.setdefault(method, {})
        others = [side for side in row.sides if side != OURS]
        small = row.clock == "memory" and max(map(row.median, row.sides)) < SMALL
        ours = shown(row.median(OURS), row.clock)
        if not others or small:
            cell[f"{what}, {size}"] = "" if small else ours
        elif row.clock == "memory":
            cell[f"{what}, {size}"] = f"{ours} ({shown(row.median(others[0]), row.clock)})"
        else:
            cell[f"{what}, {size}"] = f"{ours} ({row.ratio(others[0]):.2g})"
    columns = sorted(
        dict.fromkeys(name for cell in cells.values() for name in cell),
        key=lambda name: (name.startswith("peak"), len(name), name),
    )
    lines = ["| method | " + " | ".join(columns) + " |", "|---" * (len(columns) + 1) + "|"]
    for method, cell in cells.items():
        shown_cells = " | ".join(cell.get(name, "") for name in columns)
        lines.append(f"| `{method}` | {shown_cells} |")
    return lines


def markdown(rows: Sequence[Row], facts: Mapping[str, str]) -> str:
    """Return the tables of a run."""
    told = [f"{what.capitalize()}: {text}." for what, text in facts.items()]
    parts = ["\n".join(told)] if told else []
    for section, title in SECTIONS.items():
        chosen = [row for row in rows if row.section == section]
        if chosen:
            parts.append(f"### {title}")
            parts.append("\n".join(_by_size(chosen) if section == "methods" else _each(chosen)))
    return "\n\n".join(parts) + "\n"


def store(rows: Sequence[Row], facts: Mapping[str, str]) -> None:
    """Keep a run as what later ones are compared with, and show it in the documentation."""
    save(HERE / "baseline.json", rows, facts)
    plot(rows, PROJECT / "docs" / "speed.svg")
    page = PROJECT / "docs" / "speed.md"
    before, start, rest = page.read_text(encoding="utf-8").partition("<!-- tables -->\n")
    _, end, after = rest.partition("<!-- end -->")
    page.write_text(before + start + markdown(rows, facts) + end + after, encoding="utf-8")


def missed(rows: Iterable[Row]) -> list[str]:
    """Name what misses its aim."""
    return [
        f"{row.section}: {row.name}: {row.ratio(other):.3g} of {other}, aim {aim:g}"
        for row in rows
        for other, aim in row.aims.items()
        if row.ratio(other) > aim
    ]


def slower(old: Sequence[Row], new: Sequence[Row]) -> list[str]:
    """Name what became slower, or takes more memory, than in an earlier run.

    Where both runs have a side to stand beside, its own change is taken out: the machine may be
    another. A change counts where it is more than a tenth and the rounds do not overlap.
    """
    before = {(row.section, row.name): row for row in old}
    found = []
    for row in new:
        earlier = before.get((row.section, row.name))
        if earlier is None or OURS not in row.sides:
            continue
        sides = [side for side in row.sides if side != OURS and side in earlier.sides]
        scale = row.median(sides[0]) / earlier.median(sides[0]) if sides else 1.0
        change = row.median(OURS) / earlier.median(OURS) / scale
        apart = min(row.sides[OURS]) > max(earlier.sides[OURS]) * scale
        if change > SLOWER and apart:
            beside = f", beside {sides[0]}" if sides else ""
            found.append(
                f"{row.section}: {row.name}: {change:.2f} times what it was{beside} "
                f"({shown(earlier.median(OURS), row.clock)} then, "
                f"{shown(row.median(OURS), row.clock)} now)"
            )
    return found


def plot(rows: Sequence[Row], path: Path) -> None:
    """Draw every ratio that has an aim, and growth beside R's."""
    import matplotlib as mpl  # noqa: PLC0415

    mpl.use("Agg")
    import matplotlib.pyplot as plt  # noqa: PLC0415

    figure, axes = plt.subplot_mosaic(
        [
            ["aims", "rows: time", "groups: time"],
            ["aims", "rows: peak memory", "groups: peak memory"],
        ],
        figsize=(15, 9),
        width_ratios=(1.3, 1, 1),
        layout="constrained",
    )
    ratios = [
        (f"{row.name} / {other}", row.ratio(other) / aim)
        for row in rows
        if row.section != "methods"  # their table has them
        for other, aim in row.aims.items()
    ][::-1]
    axes["aims"].barh(
        range(len(ratios)),
        [part for _, part in ratios],
        color=["#2b6ca3" if part <= 1 else "#c44e52" for _, part in ratios],
    )
    axes["aims"].set_yticks(range(len(ratios)), [name for name, _ in ratios], fontsize=6)
    axes["aims"].axvline(1, color="black", linewidth=0.8)
    axes["aims"].set(xscale="log", xlabel="ratio to the other, divided by the aim", title="Aims")
    for name, ax in axes.items():
        if name != "aims":
            _growth(rows, name, ax)
    figure.savefig(path, dpi=110)
    plt.close(figure)


def _growth(rows: Sequence[Row], name: str, ax: Any) -> None:
    what, _, measure = name.partition(": ")
    points: dict[str, list[tuple[int, float]]] = {}
    for row in rows:
        size, _, rest = row.name.partition(" ")
        if row.section == "growth" and rest == name:
            for side, values in row.sides.items():
                points.setdefault(side, []).append(
                    (int(size.replace(",", "")), statistics.median(values))
                )
    for side, seen in points.items():
        ax.plot(*zip(*seen, strict=True), marker="o", label=side)
    if points:
        ax.set(xscale="log", yscale="log")
        ax.legend()
    ax.set(xlabel=what, ylabel="CPU seconds" if measure == "time" else "bytes", title=name)
