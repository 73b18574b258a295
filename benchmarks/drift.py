"""What versions of R and lme4 have apart: records made on one stack and checked on another.

    python benchmarks/drift.py record FOLDER           on each stack: a record a model
    python benchmarks/drift.py verify FOLDER OUT.json  on each stack, for the FOLDER of each
    python benchmarks/drift.py table OUT.json ...      the tables of docs/drift.md

The models are those of tests/test_exactness.py.
"""

from __future__ import annotations

import json
import math
import sys
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

import pymer_bridge as pb
from pymer_bridge import drift, tolerances
from pymer_bridge.recording import read_record, stack_here

ORDER = (*tolerances.SCALES, *sorted(tolerances.TOLD))
UNSETTLED = "convergence////converged"


def record(folder: Path) -> None:
    """Make a record of each model."""
    from test_exactness import CASES  # noqa: PLC0415  # the tables need no R

    folder.mkdir(parents=True, exist_ok=True)
    for case in CASES:
        ddf = "satterthwaite" if case.lmertest else None
        if case.fitter == "lmer" and not case.lmertest:
            ddf = "none"
        pb.record(case.fit(), folder / f"{case.name}.pbr.json", ddf=ddf)


def verify(folder: Path, out: Path) -> None:
    """Check each record of a folder, and write down what is not the same."""
    from test_exactness import CASES, data_set  # noqa: PLC0415

    models, stack = {}, {}
    for case in CASES:
        path = folder / f"{case.name}.pbr.json"
        stack, (recorded,) = read_record(path)
        report = pb.verify_record(path, data=data_set(case.data))
        models[case.name] = {
            "ok": report.ok,
            "n_figures": report.n_figures,
            "data": [change.how for change in report.data],
            "settings": [change.name for change in report.settings],
            "converged": recorded.figures[UNSETTLED],
            "singular": recorded.figures["convergence////singular"],
            "figures": [
                {
                    "key": row.key, "ulps": row.ulps, "status": row.status,
                    "distance": None if row.distance is None else min(row.distance, 1e300),
                    "recorded": repr(row.recorded), "found": repr(row.found),
                }
                for row in report.figures
            ],
        }  # fmt: skip
    text = json.dumps({"recorded": stack, "verified": stack_here(), "models": models}, indent=1)
    out.write_text(text)


# -- tables --------------------------------------------------------------------------------------


def _label(stack: dict[str, Any]) -> str:
    return f"lme4 {stack['lme4']} (R {stack['R']})"


def _quantile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, math.floor(share * len(ordered)))] if ordered else 0.0


def _grid(cells: list[dict[str, Any]], show: Callable[[dict[str, Any]], str]) -> Iterable[str]:
    made = list(dict.fromkeys(_label(cell["recorded"]) for cell in cells))
    found = {(_label(c["recorded"]), _label(c["verified"])): show(c) for c in cells}
    yield "| recorded on | " + " | ".join(f"verified on {label}" for label in made) + " |"
    yield "|---" * (len(made) + 1) + "|"
    for row in made:
        yield f"| {row} | " + " | ".join(found.get((row, column), "") for column in made) + " |"


def _cell(cell: dict[str, Any]) -> str:
    models = cell["models"].values()
    total = sum(model["n_figures"] for model in models)
    same = total - sum(len(model["figures"]) for model in models)
    drifted = sum(row["status"] == "drifted" for model in models for row in model["figures"])
    ok = sum(model["ok"] for model in models)
    told = f"{ok} of {len(models)} models pass; {same:,} of {total:,} figures the same bits"
    return f"{told}, {drifted:,} drifted" if drifted else told


def _distances(cells: list[dict[str, Any]]) -> dict[str, list[float]]:
    """Collect how far figures are apart between two stacks, of models that both settled."""
    found: dict[str, list[float]] = {name: [] for name in ORDER}
    for cell in cells:
        if _label(cell["recorded"]) == _label(cell["verified"]):
            continue
        for model in cell["models"].values():
            moved = {row["key"] for row in model["figures"]}
            if not model["converged"] or model["singular"] or UNSETTLED in moved:
                continue
            for row in model["figures"]:
                if row["distance"] is not None:
                    found.setdefault(drift.name_of(row["key"]), []).append(row["distance"])
    return found


def table(paths: list[Path]) -> None:
    """Print the tables."""
    cells = [json.loads(path.read_text()) for path in paths]
    print("\n".join(_grid(cells, _cell)))
    print()
    print("| figure | unit | differ | median | 99 % | largest | limit |")
    print("|---" * 7 + "|")
    for name, values in _distances(cells).items():
        if values:
            limit = tolerances.LIMITS.get(name, 0.0)
            unit = tolerances.SCALES.get(name, tolerances.SAME)
            print(
                f"| {name} | {unit} | {len(values):,} | {_quantile(values, 0.5):.1e} "
                f"| {_quantile(values, 0.99):.1e} | {max(values):.1e} | {limit:.0e} |"
            )
    print("\nModels that drift:\n")
    for cell in cells:
        for name, model in cell["models"].items():
            rows = [row for row in model["figures"] if row["status"] == "drifted"]
            if not model["ok"]:
                worst = max(rows, key=lambda row: row["distance"] or math.inf, default=None)
                told = (
                    ""
                    if worst is None
                    else (f"{worst['key']}: {worst['recorded']} then, {worst['found']} now")
                )
                print(
                    f"- {_label(cell['recorded'])} to {_label(cell['verified'])}, {name}: "
                    f"{len(rows)} of {model['n_figures']}; {model['data'] + model['settings']} "
                    f"converged={model['converged']} singular={model['singular']}; {told}"
                )


def main() -> None:
    """Do what the command line says."""
    what, *rest = sys.argv[1:]
    warnings.simplefilter("ignore")
    paths = [Path(word) for word in rest]
    if what == "record":
        record(*paths)
    elif what == "verify":
        verify(*paths)
    else:
        table(paths)


if __name__ == "__main__":
    main()
