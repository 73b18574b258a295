"""Bootstraps of statistics in Python, beside the same statistics as R text, and R's bootMer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from benchmarks.shared import HERE, OURS, PlainR, Row, Scale, by_turns, cpu, peak

TEXT = "R text"
R = "bootMer"


def fixed(model: Any) -> dict[str, float]:
    """Return the fixed effects of a model."""
    return {row.term: row.estimate for row in model.fixed_effects("none").rows}


STATISTICS: dict[str, tuple[Callable[[Any], Any], str]] = {
    "residual deviation": (lambda model: model.sigma, "function(fit) sigma(fit)"),
    "fixed effects": (fixed, "function(fit) fixef(fit)"),
    "predictions": (lambda model: model.predict(), "function(fit) predict(fit)"),
}


def rows(scale: Scale) -> Iterator[Row]:
    """Bootstrap a linear model with each statistic, and a generalized one."""
    import pymer_bridge as pb  # noqa: PLC0415
    from pymer_bridge.session.r_session import session  # noqa: PLC0415

    session().require("lme4")
    r = PlainR(HERE / "speed.R")
    linear = pb.lmer(
        "Reaction ~ Days + (Days | Subject)", pb.load_dataset("sleepstudy"), reml=False
    )
    binomial = pb.glmer(
        "cbind(incidence, size - incidence) ~ period + (1 | herd)",
        pb.load_dataset("cbpp"),
        family="binomial",
    )
    n = 5 if scale.quick else 200
    rounds = 1 if scale.quick else min(5, scale.rounds)
    cases = [("lmer", linear, name) for name in STATISTICS] + [("glmer", binomial, "fixed effects")]
    for kind, fit, name in cases:
        function, text = STATISTICS[name]
        size = n if kind == "lmer" else max(n // 10, 2)

        def seconds(run: Callable[[], Any]) -> float:
            session().call("gc")
            return cpu(run)

        def ours(statistic: Any, fit: Any = fit, size: int = size) -> Any:
            return fit.bootstrap("parametric", size, 1, statistic)

        def plain(fit: Any = fit, text: str = text, size: int = size) -> Any:
            return r.call("bootstrap", model=fit._model, statistic=text, n=size)

        sides = {
            OURS: lambda ours=ours, function=function: seconds(lambda: ours(function)),
            TEXT: lambda ours=ours, text=text: seconds(lambda: ours(text)),
            R: lambda plain=plain: seconds(plain),
        }
        for side in sides.values():
            side()
        yield Row("functions", f"{kind}, {size} x {name}", "CPU", by_turns(rounds, sides))
    function, text = STATISTICS["predictions"]
    held = {
        OURS: lambda: peak(lambda: linear.bootstrap("parametric", n, 1, function)),
        TEXT: lambda: peak(lambda: linear.bootstrap("parametric", n, 1, text)),
        R: lambda: peak(lambda: r.call("bootstrap", model=linear._model, statistic=text, n=n)),
    }
    memory = by_turns(rounds, {name: lambda of=of: float(of()) for name, of in held.items()})
    note = "4.1 kB is one page: no more than the process held before"
    yield Row("functions", f"lmer, {n} x predictions: peak memory", "memory", memory, note=note)
