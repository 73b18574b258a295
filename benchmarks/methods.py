"""Time and memory of each method of a model as rows and groups grow, against R's."""

from __future__ import annotations

import io
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.growth import R, read, write
from benchmarks.shared import HERE, OURS, PROJECT, SMALL, Row, Scale, cpu, peak

SIZES = {10_000: 500, 100_000: 5_000, 1_000_000: 50_000}
TURNS = {10_000: 5, 100_000: 3}
"""How often each method is called; of more rows once."""
LONG = 2.0
"""Seconds."""

FORMULA = "y ~ x + f + (1 | g)"
CACHES = ("summaries", "lmertest", "leverage")
"""What our side of R keeps of a model; it forgets it before each method."""


def drawn(picture: Any) -> None:
    """Draw a picture to memory, and forget it."""
    import matplotlib.pyplot as plt  # noqa: PLC0415

    figure = getattr(picture, "figure", picture)
    figure.savefig(io.BytesIO(), format="png")
    plt.close(figure)


def saved(fit: Any) -> None:
    with tempfile.TemporaryDirectory() as folder:
        fit.save_rds(Path(folder) / "fit.rds")


def fitted(data: pd.DataFrame) -> Any:
    import pymer_bridge as pb  # noqa: PLC0415

    return pb.lmer(FORMULA, data)


def updated(fit: Any, data: pd.DataFrame) -> Any:
    return fit.refit(data["y"].to_numpy()[::-1].copy())


METHODS: dict[str, Callable[[Any, pd.DataFrame, pd.DataFrame], Any]] = {
    "lmer()": lambda fit, data, new: fitted(data),
    'fixed_effects("normal")': lambda fit, data, new: fit.fixed_effects("normal"),
    "fixed_effects()": lambda fit, data, new: fit.fixed_effects(),
    "variance_components": lambda fit, data, new: fit.variance_components,
    "random_effects": lambda fit, data, new: fit.random_effects,
    "group_coefficients": lambda fit, data, new: fit.group_coefficients,
    "fit_statistics": lambda fit, data, new: fit.fit_statistics,
    "convergence": lambda fit, data, new: fit.convergence,
    "vcov": lambda fit, data, new: fit.vcov,
    "model_matrix": lambda fit, data, new: fit.model_matrix,
    "model_frame": lambda fit, data, new: fit.model_frame,
    "fitted": lambda fit, data, new: fit.fitted,
    "residuals()": lambda fit, data, new: fit.residuals(),
    'residuals("pearson", scaled=True)': lambda fit, data, new: fit.residuals(
        "pearson", scaled=True
    ),
    "scaled_residual_quantiles": lambda fit, data, new: fit.scaled_residual_quantiles,
    "predict()": lambda fit, data, new: fit.predict(),
    "predict(new)": lambda fit, data, new: fit.predict(new),
    'predict(new, "population")': lambda fit, data, new: fit.predict(new, "population"),
    "predict(new, std_error=True)": lambda fit, data, new: fit.predict(
        new, "population", std_error=True
    ),
    "simulate()": lambda fit, data, new: fit.simulate(seed=1),
    'confint("wald")': lambda fit, data, new: fit.confint(method="wald"),
    "anova()": lambda fit, data, new: fit.anova(),
    "contest()": lambda fit, data, new: fit.contest([0, 1, 0, 0]),
    "summary()": lambda fit, data, new: str(fit.summary()),
    "ranova()": lambda fit, data, new: fit.ranova(),
    "refit()": lambda fit, data, new: updated(fit, data),
    "refit_ml()": lambda fit, data, new: fit.refit_ml(),
    "update()": lambda fit, data, new: fit.update(". ~ . - f"),
    "tidy()": lambda fit, data, new: fit.tidy(ddf="none"),
    'tidy("ran_vals")': lambda fit, data, new: fit.tidy("ran_vals"),
    'tidy("ran_coefs")': lambda fit, data, new: fit.tidy("ran_coefs"),
    "glance()": lambda fit, data, new: fit.glance(),
    "augment()": lambda fit, data, new: fit.augment(),
    "augment(new)": lambda fit, data, new: fit.augment(new),
    "hat_values()": lambda fit, data, new: fit.hat_values(),
    "rstudent()": lambda fit, data, new: fit.rstudent(),
    "cooks_distance()": lambda fit, data, new: fit.cooks_distance(),
    "is_singular()": lambda fit, data, new: fit.is_singular(),
    "re_pca()": lambda fit, data, new: fit.re_pca(),
    'get_me("Z")': lambda fit, data, new: fit.get_me("Z"),
    "deviance_function()": lambda fit, data, new: fit.deviance_function()(fit.get_me("theta")),
    "r2()": lambda fit, data, new: fit.r2(),
    "emmeans()": lambda fit, data, new: fit.emmeans("f"),
    "emtrends()": lambda fit, data, new: fit.emtrends("f", "x"),
    "save_rds()": lambda fit, data, new: saved(fit),
    "plot.residuals_fitted()": lambda fit, data, new: drawn(fit.plot.residuals_fitted()),
    "plot.residual_quantiles()": lambda fit, data, new: drawn(fit.plot.residual_quantiles()),
    "plot.random_effects()": lambda fit, data, new: drawn(fit.plot.random_effects()),
    "plot.leverage()": lambda fit, data, new: drawn(fit.plot.leverage()),
    "plot.residuals_by_group()": lambda fit, data, new: drawn(fit.plot.residuals_by_group()),
    "plot.lines()": lambda fit, data, new: drawn(fit.plot.lines("g", "x")),
}


class Side:
    """A process that calls the methods whose names it is given."""

    def __init__(self, words: list[str]) -> None:
        self._process = subprocess.Popen(
            words, cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self._line()  # it is ready

    def _line(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self._process.args} ended by status {self._process.wait()}")
        return line

    def call(self, method: str) -> list[float]:
        """Return seconds and bytes."""
        assert self._process.stdin is not None
        print(method, file=self._process.stdin, flush=True)
        return [float(word) for word in self._line().split()]

    def end(self) -> None:
        self._process.communicate()


def rows(scale: Scale) -> Iterator[Row]:
    """Measure each method at each size, ours and R's by turns, each in a process of its own.

    A side that took more than :data:`LONG` is not measured at the next size: some methods take R a
    hundred times as long for ten times the rows and groups.
    """
    sizes, methods = SIZES, list(METHODS)
    if scale.quick:
        sizes, methods = {600: 10}, ["fitted", "predict(new)", "augment()"]
    long: set[tuple[str, str]] = set()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "columns"
        for n, groups in sizes.items():
            write(path, n, groups)
            words = {OURS: [sys.executable, "-m", "benchmarks.methods"]}
            words[R] = ["Rscript", str(HERE / "methods.R")]
            sides = {who: Side([*own, str(path), str(n)]) for who, own in words.items()}
            for name in methods:
                turns = 1 if scale.quick else min(TURNS.get(n, 1), scale.rounds)
                found: dict[str, list[list[float]]] = defaultdict(list)
                for _ in range(turns):
                    for who, side in sides.items():
                        if (who, name) not in long:
                            found[who].append(side.call(name))
                long |= {(who, name) for who in found if found[who][-1][0] > LONG}
                for i, (what, clock) in enumerate((("time", "CPU"), ("peak memory", "memory"))):
                    if OURS in found:
                        values = {who: [turn[i] for turn in each] for who, each in found.items()}
                        # Where memory of before was enough for R, nothing can be said.
                        known = R in found and (clock == "CPU" or max(values[R]) > SMALL)
                        aims = {R: (1.1, 1.2)[i]} if known and n == max(SIZES) else {}
                        yield Row("methods", f"{name}, {n:,} rows: {what}", clock, values, aims)
            for side in sides.values():
                side.end()


def main() -> None:
    """Call the methods whose names come in, and print their seconds and bytes."""
    path, n = Path(sys.argv[1]), int(sys.argv[2])
    import warnings  # noqa: PLC0415

    from pymer_bridge.session.r_session import session  # noqa: PLC0415

    warnings.simplefilter("ignore")
    whole = read(path, n).assign(f=pd.Categorical(np.array(["a", "b", "c"])[np.arange(n) % 3]))
    little = whole[whole["g"].cat.codes < 8]
    little = little.assign(g=little["g"].cat.remove_unused_categories())
    both = [(fitted(data), data, data[["x", "f", "g"]].iloc[::-1]) for data in (little, whole)]
    print("ready", flush=True)
    for line in sys.stdin:
        run = METHODS[line.rstrip("\n")]

        def once(given: tuple[Any, ...], run: Callable[..., Any] = run) -> float:
            fit = given[0]
            fit._kept.clear()
            session().call("rm", list=CACHES, envir=fit._model)
            return cpu(lambda: run(*given))

        for _ in range(3):  # packages are loaded, and R compiles a function at its third call
            once(both[0])
        session().call("gc")
        seconds: list[float] = []
        most = peak(lambda found=seconds, once=once: found.append(once(both[1])))
        print(seconds[0], most, flush=True)


if __name__ == "__main__":
    main()
