"""``lmer`` with every typed result read, against the same asked of R by hand."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from benchmarks.shared import HERE, OURS, PlainR, Row, Scale, by_turns, cpu

R = "R"
MODELS = {
    "sleepstudy": "Reaction ~ Days + (Days | Subject)",
    "Penicillin": "diameter ~ 1 + (1 | plate) + (1 | sample)",
    "cake": "angle ~ recipe * temperature + (1 | recipe:replicate)",
    "InstEval": "y ~ service + (1 | s) + (1 | d)",
}
LARGE = "InstEval"


def read(fit: Any) -> tuple[Any, ...]:
    """Read every typed result that comes with a fit."""
    return (
        fit.fixed_effects(),
        fit.variance_components,
        fit.random_effects,
        fit.group_coefficients,
        fit.fit_statistics,
        fit.convergence,
        fit.vcov,
        fit.fitted,
        fit.residuals(),
        fit.anova(),
        fit.summary(),
    )


def rows(scale: Scale) -> Iterator[Row]:
    """Fit each model, ours and R's by turns in this process."""
    import pymer_bridge as pb  # noqa: PLC0415
    from pymer_bridge.session.r_session import session  # noqa: PLC0415

    for package in ("lme4", "lmerTest"):
        session().require(package)
    r = PlainR(HERE / "speed.R")
    r.call("prepare")
    for name in ("sleepstudy", LARGE) if scale.quick else MODELS:
        formula = MODELS[name]
        data = pb.load_dataset(name)
        large = name == LARGE
        if large and scale.quick:
            data = data.iloc[:500].copy()
            data.attrs["name"] = name
            r.call("shorten", name=name, rows=500)
        rounds = min(scale.rounds, 1) if large or scale.quick else 3 * scale.rounds

        def seconds(run: Any) -> float:
            session().call("gc")
            return cpu(run)

        alone = {
            OURS: lambda formula=formula, data=data: seconds(lambda: pb.lmer(formula, data)),
            R: lambda formula=formula, name=name: seconds(
                lambda: r.call("fit_only", formula=formula, data=name)
            ),
        }
        tested = {
            OURS: lambda formula=formula, data=data: seconds(
                lambda: pb.lmer(formula, data).fixed_effects()
            ),
            R: lambda formula=formula, name=name: seconds(
                lambda: r.call("fit_table", formula=formula, data=name)
            ),
        }
        whole = {
            OURS: lambda formula=formula, data=data: seconds(lambda: read(pb.lmer(formula, data))),
            R: lambda formula=formula, name=name: seconds(
                lambda: r.call("fit_and_read", formula=formula, data=name)
            ),
        }
        for what, sides, aim in (
            ("the fit alone", alone, 0.95),
            ("Satterthwaite's table", tested, 0.65),
            ("everything read", whole, 0.7 if large else 0.75),
        ):
            if not large and not scale.quick:
                by_turns(1, sides)
            yield Row("fits", f"{name}: {what}", "CPU", by_turns(rounds, sides), {R: aim})
