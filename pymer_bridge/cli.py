"""The command line: ``pymer-bridge fit | demo | doctor``."""

from __future__ import annotations

import argparse
import json
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pymer_bridge import __version__
from pymer_bridge.errors import OptionError, PymerError
from pymer_bridge.reading import read_data

if TYPE_CHECKING:
    from pymer_bridge.models import LinearMixedModel

DESCRIPTION = """\
Mixed models with R's lme4, from the command line.

Try:
  pymer-bridge demo
  pymer-bridge fit lme4::sleepstudy "Reaction ~ Days + (Days | Subject)"
  pymer-bridge fit data.csv "score ~ hours + (1 | school)" --format json --out fit.json
"""
DEMO_FORMULA = "Reaction ~ Days + (Days | Subject)"
FORMATS = ("text", "json", "csv", "markdown", "latex")


def _render(fit: LinearMixedModel, ddf: Any, form: str) -> str:
    """Show a fit in one of the formats."""
    fixed = fit.fixed_effects(ddf)
    if form == "text":
        if ddf != "normal":
            return f"{fit.summary(ddf)}\n"
        # R prints no summary with normal tests.
        return f"{fit.heading}\n\n{fit.variance_components}\n\n{fixed}\n\n{fit.fit_statistics}\n"
    parts: dict[str, Any] = {
        "fixed_effects": fixed,
        "variance_components": fit.variance_components,
        "fit_statistics": fit.fit_statistics,
        "convergence": fit.convergence,
    }
    if form == "json":
        record = {name: part.to_dict() for name, part in parts.items()}
        facts = {"formula": fit.formula, "n_obs": fit.n_obs, "n_groups": dict(fit.n_groups)}
        facts |= {"sigma": fit.sigma, "reml": fit.reml}
        facts |= {"warnings": fit.warnings, "messages": fit.messages}
        return json.dumps({**facts, **record}, indent=2, allow_nan=False) + "\n"
    if form == "csv":
        return fixed.to_frame().to_csv(index=False)
    show = "to_markdown" if form == "markdown" else "to_latex"
    shown = [getattr(part, show)() for name, part in parts.items() if name != "convergence"]
    return "\n\n".join(shown) + "\n"


def _write(text: str, out: str | None) -> None:
    if out is None:
        sys.stdout.write(text)
        return
    try:
        Path(out).write_text(text, encoding="utf-8")
    except OSError as error:
        raise OptionError(f"{out!r} cannot be written: {error.strerror}") from error


def _fit(options: argparse.Namespace) -> int:
    from pymer_bridge.models import lmer  # noqa: PLC0415  # --help must not wait for it

    data = read_data(options.data)
    fit = lmer(options.formula, data, reml=not options.ml)
    _write(_render(fit, options.ddf, options.format), options.out)
    return 0


def _demo(options: argparse.Namespace) -> int:
    from pymer_bridge.models import lmer  # noqa: PLC0415

    fit = lmer(DEMO_FORMULA, read_data("lme4::sleepstudy"))
    parts = [
        f'$ pymer-bridge fit lme4::sleepstudy "{DEMO_FORMULA}"',
        str(fit.summary()),
        "The same in Python, typed and at full precision:\n\n"
        "  import pymer_bridge as pb\n"
        '  sleepstudy = pb.load_dataset("sleepstudy", package="lme4")\n'
        f'  fit = pb.lmer("{DEMO_FORMULA}", sleepstudy)',
    ]
    shown: dict[str, object] = {
        "fit.fixed_effects()": fit.fixed_effects(),
        "fit.variance_components": fit.variance_components,
        "fit.fit_statistics": fit.fit_statistics,
    }
    parts += [f"  {call}\n\n{result}" for call, result in shown.items()]
    days = fit.fixed_effects()["Days"]
    parts.append(f'  fit.fixed_effects()["Days"].p_value  ->  {days.p_value!r}')
    parts.append(
        "Next: 'pymer-bridge fit --help', 'pymer-bridge doctor', and README.md for the rest."
    )
    _write("\n\n".join(parts) + "\n", None)
    return 0


def _doctor(options: argparse.Namespace) -> int:
    from pymer_bridge.doctor import show_versions  # noqa: PLC0415

    found = show_versions()
    if options.json:
        _write(json.dumps(found.to_dict(), indent=2) + "\n", None)
    else:
        verdict = "All that is needed is there." if found.ok else "Something is missing (above)."
        _write(f"{found}\n{verdict}\n", None)
    return 0 if found.ok else 1


def _parser() -> argparse.ArgumentParser:
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser("pymer-bridge", description=DESCRIPTION, formatter_class=raw)
    parser.add_argument("--version", action="version", version=f"pymer-bridge {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", title="commands")

    fit = commands.add_parser(
        "fit",
        help="fit a linear mixed model and print its results",
        description="Fit a linear mixed model with lme4 and print its results.",
        epilog='example: pymer-bridge fit lme4::sleepstudy "Reaction ~ Days + (Days | Subject)"',
    )
    fit.add_argument(
        "data", help="a .csv, .parquet or .xlsx file, or PACKAGE::NAME for a data set of R"
    )
    fit.add_argument("formula", help="lme4's formula, quoted: 'y ~ x + (1 | group)'")
    fit.add_argument(
        "--ml", action="store_true", help="maximum likelihood (default: restricted, REML)"
    )
    fit.add_argument(
        "--ddf",
        choices=("satterthwaite", "kenward-roger", "normal", "none"),
        default="satterthwaite",
        help="how the fixed effects are tested (default: %(default)s)",
    )
    fit.add_argument(
        "--format", choices=FORMATS, default="text", help="what is printed (default: %(default)s)"
    )
    fit.add_argument("--out", metavar="FILE", help="write to a file, not to the screen")
    fit.set_defaults(run=_fit)

    text = "fit a real model with lme4 and show what comes back"
    demo = commands.add_parser("demo", help=text, description=text)
    demo.set_defaults(run=_demo)

    text = "say what is installed, and what mends what is not"
    doctor = commands.add_parser("doctor", help=text, description=text)
    doctor.add_argument("--json", action="store_true", help="print as JSON")
    doctor.set_defaults(run=_doctor)
    return parser


def _show_warning(message: Warning | str, *unused: Any, **also_unused: Any) -> None:
    sys.stderr.write(f"pymer-bridge: note from R: {message}\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit status.

    Parameters
    ----------
    arguments
        The words after the command's name; those of the process by default.

    Returns
    -------
    int
        0 for success, 1 for a user's error or a broken installation, 130 after Ctrl-C.
    """
    parser = _parser()
    options = parser.parse_args(arguments)
    if not hasattr(options, "run"):
        parser.print_help()
        return 0
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.showwarning = _show_warning
        try:
            return int(options.run(options))
        except PymerError as error:
            sys.stderr.write(f"pymer-bridge: {error}\n")
            return 1
        except KeyboardInterrupt:
            sys.stderr.write("pymer-bridge: interrupted\n")
            return 130


if __name__ == "__main__":
    raise SystemExit(main())
