"""The referee: packages that fit mixed models, held to R on the same models.

    python benchmarks/referee.py                      # all packages; half an hour
    python benchmarks/referee.py --only mixedlm --models slopes pastes
    python benchmarks/referee.py --quick              # one model, by what is installed here
    python benchmarks/referee.py --store              # keep it, and write docs/referee.md

Each package gets an environment of its own. Its side, in benchmarks/referee_sides, writes a file of
figures for each model, and pb.compare_figures holds it to the model fitted here. What is fitted
here is held to plain Rscript first, through the same kind of file, to the last bit.
"""

from __future__ import annotations

import argparse
import datetime
import json
import math
import os
import platform
import resource
import shutil
import subprocess
import sys
import time
import warnings
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import pymer_bridge as pb
from benchmarks import environments, referee_page
from benchmarks.referee_models import MODELS, Asked
from benchmarks.referee_sides.side import Model, read
from benchmarks.shared import HERE, OURS, PROJECT
from pymer_bridge.data import figures_file
from pymer_bridge.session.versions import stack_here
from pymer_bridge.verification.plain_r import fixed_addresses, run_snippet

SIDES = HERE / "referee_sides"
STORED = HERE / "referee.json"
PAGE = PROJECT / "docs" / "referee.md"
BEGIN, END = "<!-- referee -->\n", "<!-- end -->"

TOLERANCE = 1e-4
"""In the unit of each figure, such as standard errors of an estimate."""
PATIENCE = 3600
STAND_INS = {"pymer4": "report"}

KINDS = {
    "fixed_effect/estimate": "coefficients",
    "fixed_effect/std_error": "standard errors",
    "fixed_effect/statistic": "t or z",
    "fixed_effect/df": "degrees of freedom",
    "fixed_effect/p_value": "p-values",
    "fixed_effect/conf_low": "intervals",
    "fixed_effect/conf_high": "intervals",
    "variance_component/std_dev": "variance components",
    "variance_component/variance": "variance components",
    "correlation/correlation": "correlations",
    "correlation/covariance": "correlations",
    "random_effect/estimate": "random effects",
    "fit_statistic/log_likelihood": "log-likelihood",
    "fit_statistic/aic": "AIC and BIC",
    "fit_statistic/bic": "AIC and BIC",
}
"""What is counted, by family and quantity."""
ONE_OF_TWO = ("variance_component/variance", "correlation/covariance")
"""What R gives as well: a package gives one of the two."""
KENWARD_ROGER = "Kenward-Roger's tests"
KEPT = ("seconds", "failed", "kenward_roger_failed", "not_offered")


# -- here ----------------------------------------------------------------------------------------


def fit_here(model: Model) -> Any:
    further = {
        name: model.frame[column]
        for name, column in (("weights", model.weights), ("offset", model.offset))
        if column is not None
    }
    if model.family is None:
        return pb.lmer(model.formula, model.frame, reml=model.reml, **further)
    return pb.glmer(model.formula, model.frame, family=model.family, **further)


def in_plain_r(models: Iterable[Model], folder: Path) -> dict[str, str]:
    """Hold a plain Rscript's figures, in files, to the models fitted here; tell what differs."""
    models = list(models)
    calls, frames = [], {}
    for number, model in enumerate(models):
        words = [model.formula, f"d{number}"]
        words += [
            f"{part} = {getattr(model, part)}"
            for part in ("weights", "offset")
            if getattr(model, part)
        ]
        words += [f"family = {model.family}"] if model.family else []
        words += [] if model.family or model.reml else ["REML = FALSE"]
        function = "lme4::glmer" if model.family else "lmerTest::lmer"
        calls.append(f"`{model.name}` = {function}({', '.join(words)})")
        frames[f"d{number}"] = model.frame
    answers = run_snippet(f"list({', '.join(calls)})", frames)
    told = {}
    for model in models:
        figures = {
            key: value
            for key, value in answers[model.name].items()
            if not key.startswith(("convergence/", "model////dropped_columns"))
            and not (isinstance(value, float) and not math.isfinite(value))
        }
        path = folder / f"{model.name}.json"
        text = {"format": figures_file.FORMAT, "schema": 1, "software": "R", "figures": figures}
        path.write_text(json.dumps(text), encoding="utf-8")
        report = pb.compare_figures(fit_here(model), figures_file.read(path)[1], tolerance=0)
        told[model.name] = report.line if report.ok else report.first
        if not report.ok:
            print(f"plain R, {model.name}: {report}", flush=True)
    return told


# -- the sides -----------------------------------------------------------------------------------


def ask(python: str, side: str, folder: Path, out: Path, names: list[str], env: Any) -> None:
    """Let a side answer; start it again behind a model at which it ended."""
    out.mkdir(parents=True, exist_ok=True)
    left = [name for name in names if not (out / f"{name}.json").exists()]
    while left:
        file = SIDES / f"{side.replace('-', '_').removesuffix('_lme')}_side.py"
        words = [*fixed_addresses(), python, str(file), str(folder), str(out), *left]
        done = subprocess.run(
            words, capture_output=True, text=True, env=env, check=False, timeout=PATIENCE
        )
        left = [name for name in left if not (out / f"{name}.json").exists()]
        if left:
            said = [line for line in done.stderr.splitlines() if line.strip()] or ["nothing"]
            late = any("Timeout" in line for line in said)
            why = "takes more than 150 s" if late else f"ends: {said[-1].strip()[:200]}"
            (out / f"{left[0]}.json").write_text(json.dumps({"failed": why}))
            print(f"{side}, {left[0]}: {why}", flush=True)


def compare(fit: Any, answer: Mapping[str, Any]) -> dict[str, Any]:
    """Count the figures of one model by kind and by how many digits are R's."""
    kept = {name: answer[name] for name in KEPT if name in answer}
    counts: dict[str, Counter[str]] = {kind: Counter() for kind in KINDS.values()}
    causes: Counter[tuple[str, str]] = Counter()
    unknown: list[str] = []
    wanted = {
        key
        for key, value in pb.figures_of(fit).values.items()
        if kind_of(key) and one_of_two(key) and value is not None and value == value
    }
    if answer.get("figures"):
        report = pb.compare_figures(fit, answer["figures"], TOLERANCE)
        for row in report:
            if (kind := kind_of(row.key)) is None:
                continue
            bucket = bucket_of(row)
            if bucket == "unknown":
                unknown.append(f"{row.key} = {row.given}")
                continue
            counts[kind][bucket] += 1
            wanted.discard(other_of(row.key))
            if bucket == "differ":
                causes[kind, row.cause] += 1
    for key in wanted if answer.get("figures") else ():
        counts[kind_of(key) or ""]["absent"] += 1
    if answer.get("kenward_roger"):
        report = pb.compare_figures(
            fit, answer["kenward_roger"], TOLERANCE, ddf="kenward-roger", software="KR"
        )
        found = counts[KENWARD_ROGER] = Counter()
        for row in report:
            if row.key.endswith(("/df", "/p_value")):
                found[bucket_of(row)] += 1
                if bucket_of(row) == "differ":
                    causes[KENWARD_ROGER, row.cause] += 1
    kept["kinds"] = {kind: dict(found) for kind, found in counts.items() if found}
    kept["causes"] = [[kind, cause, n] for (kind, cause), n in causes.items()]
    return kept | ({"unknown": unknown} if unknown else {})


def kind_of(key: str) -> str | None:
    return KINDS.get(f"{key.partition('/')[0]}/{key.rpartition('/')[2]}")


def one_of_two(key: str) -> bool:
    return f"{key.partition('/')[0]}/{key.rpartition('/')[2]}" not in ONE_OF_TWO


def other_of(key: str) -> str:
    """Return the key of the standard deviation, for a variance, and of the correlation."""
    place, _, quantity = key.rpartition("/")
    others = {"variance": "std_dev", "covariance": "correlation"}
    return f"{place}/{others.get(quantity, quantity)}"


def bucket_of(row: Any) -> str:
    if row.verdict == "absent" and not row.cause:
        return "unknown"
    if row.verdict in ("absent", "different"):
        return "differ"
    if row.verdict == "equal":
        return "bits"
    digits = row.digits or 0.0
    return "8" if digits >= 8 else "6" if digits >= 6 else "near"


# -- a run ---------------------------------------------------------------------------------------


def chosen(only: list[str] | None, quick: bool) -> dict[str, tuple[str, Any, str]]:
    """Return the sides: Python (empty where it cannot be had), variables, and why."""
    here = {**os.environ, "PYTHONPATH": str(PROJECT)}
    found = {OURS: (sys.executable, here, "")}
    names = ["statsmodels"] if quick else list(environments.REFEREED)
    for name in names:
        if only and name not in only:
            continue
        try:
            if quick:
                found[name] = (sys.executable, here, "")
                continue
            env, note = dict(os.environ), ""
            if name in STAND_INS:
                env = environments.with_stand_in(STAND_INS[name])
                lacking = env.get("R_LIBS") != os.environ.get("R_LIBS")
                note = f"an empty R package stands for {STAND_INS[name]}" if lacking else ""
            found[name] = (environments.python_of(name, env), env, note)
        except environments.NotInstalledError as error:
            found[name] = ("", None, str(error))
    return found if not only or OURS in only else {n: s for n, s in found.items() if n != OURS}


def run(models: list[Asked], only: list[str] | None, quick: bool, folder: Path) -> dict[str, Any]:
    """Ask all, compare all, and return what is kept."""
    data = folder / "data"
    data.mkdir(parents=True, exist_ok=True)
    for model in models:
        model.write(data)
    read_back = [read(data, model.name) for model in models]
    fits = {model.name: fit_here(model) for model in read_back}
    (folder / "R").mkdir(exist_ok=True)
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    plain = in_plain_r(read_back, folder / "R")
    found: dict[str, Any] = {
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "stack": stack_here(),
        "python": platform.python_version(),
        "tolerance": TOLERANCE,
        "models": {model.name: [model.what, model.formula] for model in models},
        "plain_r": plain,
        "plain_r_seconds": resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before,
        "sides": {},
    }
    for name, (python, env, note) in chosen(only, quick).items():
        if not python:
            found["sides"][name] = {"not_run": note}
            print(f"{name}: not run: {note}", flush=True)
            continue
        out = folder / name
        ask(python, name, data, out, [model.name for model in models], env)
        answers = {m.name: json.loads((out / f"{m.name}.json").read_text()) for m in models}
        side = {"note": note} if note else {}
        some = next((answer for answer in answers.values() if "software" in answer), {})
        side |= {"software": some.get("software", name), "start": some.get("start")}
        side["models"] = {}
        for model, answer in answers.items():
            begin = time.process_time()
            side["models"][model] = compared = compare(fits[model], answer)
            print(
                f"{name}, {model}: {told(compared)}; {time.process_time() - begin:.1f} s",
                flush=True,
            )
        found["sides"][name] = side
    return found


def told(compared: Mapping[str, Any]) -> str:
    if "failed" in compared or "not_offered" in compared:
        return compared.get("failed") or f"not offered: {compared['not_offered']}"
    total: Counter[str] = sum((Counter(kind) for kind in compared["kinds"].values()), Counter())
    causes = Counter()
    for _, cause, n in compared["causes"]:
        causes[cause] += n
    unknown = f"; unknown: {compared['unknown'][:3]}" if "unknown" in compared else ""
    return f"{dict(total)} {dict(causes)}{unknown}"


def main(arguments: list[str] | None = None) -> None:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--only", nargs="+", choices=[OURS, *environments.REFEREED])
    parser.add_argument("--models", nargs="+", choices=[model.name for model in MODELS])
    parser.add_argument("--quick", action="store_true", help="one model, by what is installed")
    parser.add_argument("--out", type=Path, default=PROJECT / "build" / "referee")
    parser.add_argument("--keep", action="store_true", help="use what --out has of another run")
    parser.add_argument("--store", action="store_true")
    given = parser.parse_args(arguments)
    if not given.keep:
        shutil.rmtree(given.out, ignore_errors=True)
    models = [model for model in MODELS if not given.models or model.name in given.models]
    found = run(models[:1] if given.quick else models, given.only, given.quick, given.out)
    text = json.dumps(found, indent=1)
    (given.out / "referee.json").write_text(text + "\n", encoding="utf-8")
    if given.store:
        STORED.write_text(text + "\n", encoding="utf-8")
        before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
        page = f"{before}{BEGIN}{referee_page.markdown(found)}\n{END}{rest.partition(END)[2]}"
        PAGE.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main()
