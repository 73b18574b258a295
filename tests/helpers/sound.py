"""Figures of the classic fit, every bit of them; processes that were abused print them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

CLASSIC = "Reaction ~ Days + (Days | Subject)"


def figures(data: Any = None, formula: str = CLASSIC) -> dict[str, list[str]]:
    """Fit, and write each figure in hexadecimal."""
    import pymer_bridge as pb  # noqa: PLC0415  # the script decides when

    fit = pb.lmer(formula, pb.load_dataset("sleepstudy") if data is None else data)
    fixed = fit.fixed_effects("none").to_frame()
    found = {
        "estimate": fixed["estimate"], "std_error": fixed["std_error"], "sigma": [fit.sigma],
        "theta": fit.get_me("theta").values, "log_likelihood": [fit.fit_statistics.log_likelihood],
        "fitted": fit.fitted,
    }  # fmt: skip
    return {name: [float(value).hex() for value in values] for name, values in found.items()}


def write_figures() -> None:
    """Write the figures where ``abuse.py`` looks for them, as ``reference/sound.R`` does."""
    lines = [" ".join([name, *values]) for name, values in figures().items()]
    Path(os.environ["FIGURES"]).write_text("\n".join(lines), encoding="ascii")
