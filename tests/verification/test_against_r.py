"""The verdict on our figures: what is the same, what is of R's other state, what differs."""

from __future__ import annotations

import math
from typing import Any

import pytest

import pymer_bridge as pb
from pymer_bridge.data.exact import same
from pymer_bridge.errors import OptionError, VerificationError
from pymer_bridge.results.verification import Value, VerificationReport, VerifiedFigure
from pymer_bridge.verification.against_r import _report, in_r, ulps
from pymer_bridge.verification.plain_r import Answer, Key, read_answer

pytestmark = pytest.mark.r

KEY: Key = ("fixed_effect", "", "", "Days", "", "estimate", "1")
ABOVE = math.nextafter(10.0, 11.0)


def report(ours: Value, *theirs: tuple[int, Value], state: int | None = 2) -> VerificationReport:
    """Return what is said of one figure and of what processes in some states gave."""
    answers = [Answer(of, {1: {KEY: value}} if value != "absent" else {}) for of, value in theirs]
    versions = {"R": "4.2.2", "lme4": "1.1-31"}
    return _report(
        {1: {KEY: ours}}, answers, state=state, labels={1: "fit"}, missing=(), versions=versions
    )


def test_a_fit_is_verified() -> None:
    fit = pb.lmer("Reaction ~ Days + (Days | Subject)", pb.load_dataset("sleepstudy"))
    found = pb.verify(fit, runs=2)
    assert found.ok
    assert found.n_figures > 60
    assert found.runs >= 2
    assert str(found).startswith(f"All {found.n_figures} figures are those of plain R")
    assert "<table" in found._repr_html_() or found.line in found._repr_html_()
    found.raise_if_different()
    assert VerificationReport.from_dict(found.to_dict()) == found


def test_a_difference_of_one_bit_is_found_and_named() -> None:
    found = report(10.0, (2, 10.0), (2, ABOVE))
    assert not found.ok
    row = found["fit", "fixed_effect///Days/estimate"]
    assert (row.ours, row.theirs, row.ulps, row.verdict) == (10.0, ABOVE, 1, "different")
    assert found.line.startswith("DIFFERENT: 1 of 1 figures are not those of plain R in 2 fresh")
    assert "10.000000000000002" in str(found)
    with pytest.raises(VerificationError, match=r"fixed_effect///Days/estimate"):
        found.raise_if_different()


def test_what_the_other_state_gives_is_explained() -> None:
    found = report(10.0, (2, 10.0), (6, ABOVE), (6, ABOVE))
    assert found.ok
    assert [row.verdict for row in found] == ["other state"]
    assert "1 in the state of this one, and 2 in the other" in found.line
    assert "lme4 issue 745" in str(found)
    found.raise_if_different()
    assert str(report(10.0, (2, 10.0), (6, 10.0))).count("\n") == 0


def test_the_other_state_explains_no_more_than_it_can() -> None:
    # Processes in one state agree: these do not.
    beyond = math.nextafter(ABOVE, 11.0)
    assert not report(10.0, (2, 10.0), (6, ABOVE), (6, beyond)).ok
    assert not report(10.0, (2, ABOVE), (6, ABOVE)).ok
    assert not report(10.0, (0, ABOVE), state=None).ok
    assert not report(10.0, (2, "absent"), (6, 10.0)).ok
    assert not report(None, (2, 10.0)).ok
    assert not report("bobyqa", (2, "nloptwrap")).ok


def test_nothing_compared_is_not_ok() -> None:
    found = report(None, (2, None))
    assert found.n_figures == 0
    assert not found.ok
    with pytest.raises(VerificationError, match="No figure could be compared"):
        found.raise_if_different()


def test_same_means_every_bit() -> None:
    assert same(in_r(1), 1.0)
    assert same(in_r(True), 1.0)
    assert not same(0.0, -0.0)
    assert not same(1.0, "1.0")
    assert same(math.inf, math.inf)


def test_figures_are_read_back() -> None:
    lines = [
        "state\t6",
        "7\tfixed_effect\t\t\ta\\tb\\\\n\t\testimate\t-0x1.8p-3",
        "7\tf\t\t\t\t\tq\ts:x\\ny",
    ]
    answer = read_answer("\n".join([*lines, ""]))
    assert answer.state == 6
    assert answer.figures == {
        7: {
            ("fixed_effect", "", "", "a\tb\\n", "", "estimate", "1"): -0.1875,
            ("f", "", "", "", "", "q", "1"): "x\ny",
        }
    }


def test_only_what_was_made_here_is_verified() -> None:
    fit = pb.lmer("Yield ~ 1 + (1 | Batch)", pb.load_dataset("Dyestuff"))
    stored = pb.BootstrapResult.from_dict(fit.bootstrap(n_sim=2, seed=1).to_dict())
    for what in (stored, 42, "fit", [fit, None]):
        with pytest.raises(OptionError, match="made in this process"):
            pb.verify(what)
    with pytest.raises(OptionError, match="runs"):
        pb.verify(fit, runs=0)


VERSIONS = {"R": "4.2.2", "lme4": "1.1-31"}


def figure(ours: Any, theirs: Any, verdict: str) -> VerifiedFigure:
    there = ulps(ours, theirs)
    relative = None if there is None else abs(ours - theirs) / abs(ours)
    return VerifiedFigure("fit", "sigma", ours, theirs, there, relative, verdict)


def test_a_report_of_no_figures():
    report = VerificationReport((), 0, 1, None, (), VERSIONS, ("a picture",))
    assert not report.ok
    assert report.line == "No figure could be compared with plain R."
    assert str(report) == f"{report.line}\nNot compared: a picture"
    with pytest.raises(VerificationError, match="No figure could be compared"):
        report.raise_if_different()


def test_a_report_of_other_figures():
    rows = (
        figure(1.5, 1.5000000000000002, "different"),
        figure("bobyqa", None, "different"),
        figure(2, 3.0, "different"),
    )
    report = VerificationReport(rows, 9, 2, None, (), VERSIONS, ())
    assert not report.ok
    assert report.line == (
        "DIFFERENT: 3 of 9 figures are not those of plain R in 2 fresh processes "
        "(R 4.2.2, lme4 1.1-31)."
    )
    lines = str(report).splitlines()
    assert lines[0] == report.line
    first, second, third = (line.split() for line in lines[-3:])
    assert first == ["fit", "sigma", "1.5", "1.5000000000000002", "1", "1.5e-16"]
    assert second == ["fit", "sigma", "bobyqa", "none"]
    assert third[:4] == ["fit", "sigma", "2", "3.0"]
    with pytest.raises(VerificationError, match="DIFFERENT: 3 of 9"):
        report.raise_if_different()


def test_a_report_of_rs_other_state():
    rows = tuple(figure(1.5, 1.5000000000000002, "other state") for _ in range(30))
    report = VerificationReport(rows, 40, 3, 2, (2, 6, 6), VERSIONS, ())
    assert report.ok
    report.raise_if_different()
    assert report.line.endswith(
        "1 in the state of this one, and 2 in the other, in which R itself gives 30 figures "
        "otherwise."
    )
    shown = str(report)
    assert "This lme4 was built so that each process is in one of two states" in shown
    assert " more differ; .to_frame() has all." in shown
    assert "R's other state" in shown
    assert len(report.to_frame()) == 30


def test_units_in_the_last_place():
    assert ulps(1.0, math.nextafter(1.0, 2)) == 1
    assert ulps(-0.0, 0.0) == 1
    assert ulps(-5e-324, 5e-324) == 3
    assert ulps(1.0, "a") is None
    assert ulps(None, 1.0) is None
