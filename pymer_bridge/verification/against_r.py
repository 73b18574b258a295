"""Comparison with plain R: a script of the model runs in fresh processes of R."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from pymer_bridge.data.exact import Value, same, ulps
from pymer_bridge.errors import OptionError, shown
from pymer_bridge.models.lm_list import LinearModelList
from pymer_bridge.models.mixed import MixedModel
from pymer_bridge.models.r_model import RModel
from pymer_bridge.r_script.analysis import Analysis
from pymer_bridge.r_script.entries import asked_of, unwritten_of
from pymer_bridge.r_script.journal import DoneEntry, journal
from pymer_bridge.r_script.unwritten import NAMES, OF_THE_FIT, RESULTS, UNWRITTEN
from pymer_bridge.r_script.writer import Script
from pymer_bridge.results.base import Result
from pymer_bridge.results.figures import Figure
from pymer_bridge.results.verification import VerificationReport, VerifiedFigure
from pymer_bridge.session import deadlines
from pymer_bridge.session.versions import state_here
from pymer_bridge.spec import options
from pymer_bridge.spec.arguments import checked
from pymer_bridge.verification.figures import figures_of
from pymer_bridge.verification.plain_r import Answer, Key, in_same_state, put, run_often
from pymer_bridge.verification.result_figures import figures_of_result

_ABSENT: Final = object()
"""The value of a figure that a process of R did not give."""
_NOT_OF_A_RUN: Final = frozenset({("convergence", "messages"), ("convergence", "warnings")})
"""Texts that R gives during a fit: they are shown, but are not figures."""
_ASKED_APART: Final = frozenset({"df", "conf_low", "conf_high", "failed"})
"""Figures of models without random effects that only a further call gives."""


@checked
@deadlines.timed
def verify(what: Any, runs: int = 3, *, timeout: float | None = None) -> VerificationReport:
    """Run a fit, and what was asked of it, in plain R, and compare every figure.

    The script of :meth:`to_r_script` runs under ``Rscript --vanilla`` in fresh processes. Figures
    are compared by what they belong to, and to the last bit.

    Parameters
    ----------
    what
        A fitted model: its figures, and those of everything that was asked of it and that the
        program still has; or one such result, of a design too; or several of both in a list.
    runs
        The number of processes.
    timeout
        As for :func:`pymer_bridge.lmer`; the processes are ended as well.

    Returns
    -------
    VerificationReport
        ``.ok``; ``.raise_if_different()`` for use in tests.

    Raises
    ------
    OptionError
        It is neither a fitted model nor a result that was made in this process.
    ScriptError
        It cannot be written as a script.
    VerificationError
        Plain R stopped.
    RTimeoutError
        It did not end within ``timeout``.

    Notes
    -----
    Some builds of lme4 (Debian 12's) give other last bits from process to process (lme4 issue
    745). There, processes in the state of this one must give the same bits; if none of the runs
    was in that state, further ones are started until one is.

    Examples
    --------
    >>> import pymer_bridge as pb
    >>> fit = pb.lmer("Yield ~ 1 + (1 | Batch)", pb.load_dataset("Dyestuff"))
    >>> pb.verify(fit, runs=1).ok
    True
    """
    n = options.whole(runs, "runs", 1)
    given = list(what) if isinstance(what, list | tuple) else [what]
    fits: list[RModel] = [each for each in given if isinstance(each, RModel)]
    entries = [_entry_of(each) for each in given if not isinstance(each, RModel)]
    entries += [entry for fit in fits for entry in asked_of(fit._model)]
    analysis = Analysis.of_entries([fit._model for fit in fits], entries)
    asked = [entry for entry in analysis.done if any(entry is each for each in entries)]
    without_call = [entry.operation for fit in fits for entry in unwritten_of(fit._model)]
    with tempfile.TemporaryDirectory(prefix="pymer_bridge-") as folder:
        script = analysis.write_all(Path(folder) / "analysis.R", "csv")
        labels = {reading.number: reading.variable for reading in script.readings}
        ours = {
            entry.number: _keyed(_own_figures(fit))
            for fit in fits
            for entry in analysis.fits
            if entry.model() is fit._model
        }
        for entry in asked:
            if entry.number in labels and entry.outcome() is not None:
                ours[entry.number] = _keyed(figures_of_result(entry.outcome()))
        answers, state = _answers(script, Path(folder), n)
    return _report(
        ours,
        answers,
        state=state,
        labels=labels,
        missing=[*_left_out(script, asked), *_without_call(without_call)],
        versions=analysis.versions(),
    )


def _entry_of(result: Any) -> DoneEntry:
    entry = journal.with_result(result) if isinstance(result, Result) else None
    if entry is None:
        known = RESULTS.get(type(result).__name__)
        why = (
            ""
            if known is None
            else f"; a {type(result).__name__} has no call in scripts: {known.why}"
        )
        raise OptionError(
            f"what={shown(result)} must be fitted models, and tests, intervals or bootstraps that "
            f"were made in this process{why}"
        )
    return entry


def _left_out(script: Script, entries: Sequence[DoneEntry]) -> list[str]:
    """Say what the script has no call for, and which results no longer exist."""
    found = []
    for entry in entries:
        kind = entry.arguments.get("kind")
        name = f"{entry.operation} ({kind})" if kind else entry.operation
        if entry.number in script.left_out:
            found.append(f"{name}: {script.left_out[entry.number]}")
        elif entry.result is not None and entry.outcome() is None:
            found.append(f"{name}: its result no longer exists")
    return list(dict.fromkeys(found))


def _without_call(operations: Iterable[str]) -> list[str]:
    """Say why what was asked has no call in any script, where it has figures of its own."""
    reasons = {name: UNWRITTEN[name].why for name in operations}
    return [f"{name}: {why}" for name, why in reasons.items() if why not in (OF_THE_FIT, NAMES)]


def _own_figures(fit: Any) -> Iterable[Figure]:
    """Give the figures that the script of the fit alone makes."""
    mixed = isinstance(fit, MixedModel)
    with journal.silent():
        found = figures_of(fit, "none" if mixed else None)
    for row in found.rows:
        printed = (row.family, row.quantity) in _NOT_OF_A_RUN
        apart = not mixed and row.quantity in _ASKED_APART
        # lmList() has no call that gives these.
        sizes = isinstance(fit, LinearModelList) and row.quantity in ("sigma", "n_obs")
        if not (printed or apart or sizes):
            yield row


def _keyed(figures: Iterable[Figure]) -> dict[Key, Value]:
    result: dict[Key, Value] = {}
    for row in figures:
        key = (row.family, row.group, row.level, row.term, row.term2, row.quantity)
        missing = isinstance(row.value, float) and math.isnan(row.value)
        put(result, key, None if missing else row.value)
    return result


def _answers(script: Script, folder: Path, runs: int) -> tuple[list[Answer], int | None]:
    """Run the script until at least one process was in the state of this one."""
    readings = folder / "readings.txt"
    rows = [(str(each.number), each.kind, each.variable, *each.options) for each in script.readings]
    lines = ["\t".join(part.replace("\t", "\\t") for part in row) for row in rows]
    readings.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    paths = [folder / "analysis.R", readings]
    state = state_here()
    # A single run must be in the state of this process.
    answers = run_often(paths, folder, runs) if state is None or runs > 1 else []
    if state is not None and all(answer.state != state for answer in answers):
        answers += in_same_state(lambda before: run_often(paths, folder, 1, state, before) or None)
    return answers, state


def _report(
    ours: Mapping[int, Mapping[Key, Value]],
    answers: Sequence[Answer],
    *,
    state: int | None,
    labels: Mapping[int, str],
    missing: Sequence[str],
    versions: Mapping[str, str],
) -> VerificationReport:
    rows: list[VerifiedFigure] = []
    n = 0
    for number, figures in ours.items():
        for key, value in figures.items():
            given = [
                (each.state, each.figures.get(number, {}).get(key, _ABSENT)) for each in answers
            ]
            if value is None and all(theirs in (None, _ABSENT) for _, theirs in given):
                continue
            n += 1
            mine = in_r(value)
            if (found := _judged(mine, given, state)) is not None:
                farthest, verdict = found
                steps, relative = ulps(mine, farthest), _relative(mine, farthest)
                shown = (labels[number], _shown_key(key), value, farthest)
                rows.append(VerifiedFigure(*shown, steps, relative, verdict))
    rows.sort(key=_badness, reverse=True)
    states = () if state is None else tuple(answer.state for answer in answers)
    return VerificationReport(
        tuple(rows), n, len(answers), state, states, dict(versions), tuple(missing)
    )


def _judged(
    mine: Value, given: Sequence[tuple[int, Any]], state: int | None
) -> tuple[Value, str] | None:
    """Return R's farthest figure, with the verdict; None if all are the same as ours."""
    wrong = [(of, theirs) for of, theirs in given if theirs is _ABSENT or not same(mine, theirs)]
    if not wrong:
        return None
    values = [None if theirs is _ABSENT else theirs for _, theirs in wrong]
    farthest = max(values, key=lambda theirs: _steps(mine, theirs))
    other = [theirs for of, theirs in given if of != state]
    elsewhere = state is not None and all(of != state for of, _ in wrong)
    agree = all(theirs is not _ABSENT and same(other[0], theirs) for theirs in other)
    return farthest, "other state" if elsewhere and agree else "different"


def in_r(value: Value) -> Value:
    """Return a figure as plain R writes it: every number is a double."""
    return value if value is None or isinstance(value, str) else float(value)


def _steps(one: Value, other: Value) -> float:
    """Return the distance of two numbers in ulps; 0 if they are not numbers."""
    if isinstance(one, float) and isinstance(other, float):
        apart = ulps(one, other)
        return math.inf if apart is None else apart
    return 0


def _relative(one: Value, other: Value) -> float | None:
    if not isinstance(one, float) or not isinstance(other, float) or not one:
        return None
    relative = abs(one - other) / abs(one)
    return relative if math.isfinite(relative) else None


def _badness(row: VerifiedFigure) -> tuple[bool, float, int]:
    far = math.inf if row.ulps is None else float(row.ulps)
    relative = math.inf if row.relative is None else row.relative
    return (row.verdict == "different", relative, int(min(far, 2.0**62)))


def _shown_key(key: Key) -> str:
    family, group, level, term, term2, quantity, number = key
    return Figure(family, group, level, term, quantity, None, term2, int(number)).key
