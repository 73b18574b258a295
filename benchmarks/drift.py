"""Differences between versions of R and lme4: records made on one stack, checked on another.

    python benchmarks/drift.py record FOLDER [MODEL ...]  on each stack: a record a model
    python benchmarks/drift.py verify FOLDER OUT.json  on each stack, for the FOLDER of each
    python benchmarks/drift.py other FOLDER OUT.json   in the other state (Debian 12); until it is 0
    python benchmarks/drift.py table OUT.json ...      the tables of docs/drift.md

The models are those of tests/helpers/models.py, or those of them that are named; those that the
folder has are verified.
"""

from __future__ import annotations

import contextlib
import json
import math
import sys
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from statistics import median
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

import pymer_bridge as pb
from pymer_bridge.session import library_address
from pymer_bridge.session.versions import stack_here
from pymer_bridge.verification import drift, tolerances
from pymer_bridge.verification.records import read_record

OTHER_STATE = "6"
NOT_A_NUMBER = 1e300
"""What stands for the distance to no number at all."""

UNSETTLED = "convergence////converged"


def record(folder: Path, *names: str) -> None:
    """Make a record of each model, or of those that are named."""
    from helpers.models import CASES  # noqa: PLC0415  # the tables need no R

    if unknown := set(names) - {case.name for case in CASES}:
        sys.exit(f"there is no model {', '.join(sorted(unknown))}")
    folder.mkdir(parents=True, exist_ok=True)
    for case in CASES:
        if names and case.name not in names:
            continue
        ddf = "satterthwaite" if case.lmertest else None
        if case.fitter == "lmer" and not case.lmertest:
            ddf = "none"
        pb.record(case.fit(), folder / f"{case.name}.pbr.json", ddf=ddf)


def verify(folder: Path, out: Path) -> None:
    """Check each record of a folder, and write down what is not the same."""
    from helpers.models import CASES, data_set  # noqa: PLC0415

    models, stack = {}, {}
    for case in CASES:
        path = folder / f"{case.name}.pbr.json"
        if not path.exists():
            continue
        stack, (recorded,) = read_record(path)
        report = pb.verify_record(path, data=data_set(case.data))
        models[case.name] = {
            "fitter": case.fitter,
            "ok": report.ok,
            "n_figures": report.n_figures,
            "data": [change.how for change in report.data],
            "settings": [change.name for change in report.settings],
            "converged": recorded.figures[UNSETTLED],
            "singular": recorded.figures["convergence////singular"],
            "figures": [
                {
                    "key": row.key, "ulps": row.ulps, "status": row.status,
                    "distance": None if row.distance is None else min(row.distance, NOT_A_NUMBER),
                    "recorded": repr(row.recorded), "found": repr(row.found),
                }
                for row in report.figures
            ],
        }  # fmt: skip
    text = json.dumps({"recorded": stack, "verified": stack_here(), "models": models}, indent=1)
    out.write_text(text)


# -- tables --------------------------------------------------------------------------------------


def _label(stack: dict[str, Any]) -> str:
    state = f", state {stack['state']}" if stack["state"] else ""
    return f"lme4 {stack['lme4']} (R {stack['R']}{state})"


def _grid(cells: list[dict[str, Any]], show: Callable[[dict[str, Any]], str]) -> Iterable[str]:
    made, checked = (
        list(dict.fromkeys(_label(cell[which]) for cell in cells))
        for which in ("recorded", "verified")
    )
    found = {(_label(c["recorded"]), _label(c["verified"])): show(c) for c in cells}
    yield "| recorded on | " + " | ".join(f"verified on {label}" for label in checked) + " |"
    yield "|---" * (len(checked) + 1) + "|"
    for row in made:
        yield f"| {row} | " + " | ".join(found.get((row, column), "") for column in checked) + " |"


def _cell(cell: dict[str, Any]) -> str:
    models = cell["models"].values()
    total = sum(model["n_figures"] for model in models)
    same = total - sum(len(model["figures"]) for model in models)
    drifted = sum(row["status"] == "drifted" for model in models for row in model["figures"])
    ok = sum(model["ok"] for model in models)
    told = f"{ok} of {len(models)} models pass; {same:,} of {total:,} figures the same bits"
    return f"{told}, {drifted:,} drifted" if drifted else told


def _is_settled(model: dict[str, Any]) -> bool:
    moved = {row["key"] for row in model["figures"]}
    return model["converged"] and UNSETTLED not in moved


def _distances(cells: list[dict[str, Any]], linear: bool, crossing: bool) -> dict[str, list[float]]:
    """Collect the differences between two stacks, for models that converged on both.

    ``crossing``: between lme4 1.1 and 2, or within 1.1.
    """
    found: dict[str, list[float]] = {name: [] for name in tolerances.SCALES}
    for cell in cells:
        stacks = cell["recorded"], cell["verified"]
        crossed = len({stack["lme4"][0] for stack in stacks}) == 2
        if drift.is_same_stack(*stacks) or crossed is not crossing:
            continue
        for model in cell["models"].values():
            if (model["fitter"] == "lmer") is linear and _is_settled(model):
                for row in model["figures"]:
                    if row["distance"] is not None:
                        found[drift.name_of(row["key"])].append(row["distance"])
    return found


def _limits_table(cells: list[dict[str, Any]], linear: bool) -> Iterable[str]:
    yield "| figure | unit | largest within 1.1 | median from 1.1 to 2.1 | largest | limit |"
    yield "|---" * 6 + "|"
    within, crossing = (_distances(cells, linear, crossed) for crossed in (False, True))
    limits = tolerances.LINEAR_LIMITS if linear else tolerances.LIMITS
    for name, unit in tolerances.SCALES.items():
        if within[name] or crossing[name]:
            low, high = (max(values, default=0.0) for values in (within[name], crossing[name]))
            middle = median(crossing[name]) if crossing[name] else 0.0
            worst = "NaN" if high >= NOT_A_NUMBER else f"{high:.1e}"
            yield f"| {name} | {unit} | {low:.1e} | {middle:.1e} | {worst} | {limits[name]:.0e} |"


def _drifted(cells: list[dict[str, Any]]) -> Iterable[str]:
    """List the models that drift from the oldest to the other versions, and their worst figure."""
    for cell in cells:
        if cell["recorded"]["lme4"] >= cell["verified"]["lme4"]:
            continue
        yield f"\nFrom {_label(cell['recorded'])} to {_label(cell['verified'])}:\n"
        yield "| model | fitted by | drifted | worst figure | recorded | found |"
        yield "|---" * 6 + "|"
        for name, model in cell["models"].items():
            rows = [row for row in model["figures"] if row["status"] == "drifted"]
            if not model["ok"]:
                worst = max(rows, key=lambda row: row["distance"] or math.inf)
                yield (
                    f"| {name} | {model['fitter']} | {len(rows)} of {model['n_figures']} "
                    f"| `{worst['key']}` | {worst['recorded']} | {worst['found']} |"
                )


def table(paths: list[Path]) -> None:
    """Print the tables."""
    cells = [json.loads(path.read_text()) for path in paths]
    cells.sort(key=lambda cell: (_label(cell["recorded"]), _label(cell["verified"])))
    print("\n".join(_grid(cells, _cell)))
    for linear in (True, False):
        print(f"\n{'Linear' if linear else 'Generalized and nonlinear'} models:\n")
        print("\n".join(_limits_table(cells, linear)))
    print("\n".join(_drifted(cells)))


def main(arguments: list[str] | None = None) -> None:
    """Do what the command line says."""
    what, *rest = sys.argv[1:] if arguments is None else arguments
    paths = [Path(word) for word in rest]
    if what == "record":
        record(paths[0], *rest[1:])
    elif what == "verify":
        verify(*paths)
    elif what == "other":
        library_address.signed_addresses = contextlib.nullcontext  # chance chooses
        if stack_here()["state"] != OTHER_STATE:
            sys.exit(3)
        verify(*paths)
    else:
        table(paths)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main()
