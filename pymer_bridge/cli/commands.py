"""The command line: ``pymer-bridge fit | record | verify | script | demo | doctor``."""

from __future__ import annotations

import argparse
import json
import os
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pymer_bridge import __version__
from pymer_bridge.cli.model_options import add_allowed, add_model, ddf_of, fit_model
from pymer_bridge.errors import OptionError, PymerError
from pymer_bridge.session.data_sources import DATA_SET, read_data

DESCRIPTION = """\
Mixed models with R's lme4, from the command line.

Try:
  pymer-bridge demo
  pymer-bridge fit lme4::sleepstudy "Reaction ~ Days + (Days | Subject)"
  pymer-bridge fit data.csv "score ~ hours + (1 | school)" --format json --out fit.json
  pymer-bridge record data.csv "score ~ hours + (1 | school)" --out results.pbr.json
  pymer-bridge verify results.pbr.json
"""
LESSON = """
A model is a formula and data with a row an observation:
  score ~ hours                        one straight line for all
  score ~ hours + (1 | school)         and each school its own intercept
  score ~ hours + (hours | school)     and its own slope
  score ~ hours + (1 | school/class)   classes within schools
  score ~ hours + (1 | pupil) + (1 | item)   pupils crossed with items

What comes first: 'pymer-bridge doctor' (is all there?), 'pymer-bridge demo' (a real model), then
'pymer-bridge fit' with data of your own. In Python: import pymer_bridge as pb; help(pb.lmer).
"""
DEMO_FORMULA = "Reaction ~ Days + (Days | Subject)"
FORMATS = ("text", "json", "csv", "markdown", "latex")


def _render(fit: Any, ddf: Any, form: str) -> str:
    """Show a fit in one of the formats."""
    fixed = fit.fixed_effects(ddf)
    if form == "text":
        if hasattr(fit, "family"):
            return f"{fit.summary()}\n"
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
        return str(fixed.to_frame().to_csv(index=False))
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
    fit = fit_model(options)
    _write(_render(fit, ddf_of(options), options.format), options.out)
    return 0


def _record(options: argparse.Namespace) -> int:
    from pymer_bridge.verification.records import record  # noqa: PLC0415  # --help must not wait for it

    target = Path(options.out)
    source = options.data
    if DATA_SET.fullmatch(source) is None:
        # Seen from the record, so that both can be moved together.
        source = Path(os.path.relpath(source, target.parent)).as_posix()
    try:
        record(fit_model(options), target, source=source, ddf=options.ddf)
    except OSError as error:
        raise OptionError(f"{options.out!r} cannot be written: {error.strerror}") from error
    return 0


def _verify(options: argparse.Namespace) -> int:
    from pymer_bridge.verification.records import verify_record  # noqa: PLC0415

    tolerance = _tolerance(options.tolerance)
    status = 0
    for path in options.records:
        data = None if options.data is None else read_data(options.data)
        try:
            report = verify_record(
                path,
                data=data,
                against_r=options.against_r,
                tolerance=tolerance,
                allow_functions=tuple(options.allow_function),
            )
        except OSError as error:
            raise OptionError(f"{path!r} cannot be read: {error.strerror}") from error
        shown = json.dumps(report.to_dict(), indent=2) if options.json else str(report)
        _write(f"{shown}\n", None)
        status = max(status, report.exit_status)
    return status


def _tolerance(given: Sequence[str]) -> float | dict[str, float] | None:
    """Read ``--tolerance``: one number, or numbers by the names of figures."""
    if len(given) == 1 and "=" not in given[0]:
        return _number(given[0])
    limits = {}
    for text in given:
        name, equals, limit = text.rpartition("=")
        if not equals:
            raise OptionError("--tolerance takes one number, or FIGURE=NUMBER once a figure")
        limits[name] = _number(limit)
    return limits or None


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise OptionError(f"--tolerance {text!r} is no number") from None


def _script(options: argparse.Namespace) -> int:
    fit = fit_model(options)
    fit.fixed_effects(ddf_of(options))  # what was asked of a model is in its script
    try:
        fit.to_r_script(options.out, data=None if options.data_as == "none" else options.data_as)
    except OSError as error:
        raise OptionError(f"{options.out!r} cannot be written: {error.strerror}") from error
    return 0


def _demo(options: argparse.Namespace) -> int:
    from pymer_bridge.models.lmer import lmer  # noqa: PLC0415

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
    from pymer_bridge.session.doctor import show_versions  # noqa: PLC0415

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
        help="fit a mixed model and print its results",
        description="Fit a mixed model with lme4 and print its results.",
        epilog='example: pymer-bridge fit lme4::sleepstudy "Reaction ~ Days + (Days | Subject)"',
    )
    add_model(fit)
    fit.add_argument(
        "--format", choices=FORMATS, default="text", help="what is printed (default: %(default)s)"
    )
    fit.add_argument("--out", metavar="FILE", help="write to a file, not to the screen")
    fit.set_defaults(run=_fit)
    _add_record(commands)
    _add_verify(commands)
    _add_script(commands)

    text = "fit a real model with lme4 and show what comes back"
    demo = commands.add_parser("demo", help=text, description=text)
    demo.set_defaults(run=_demo)

    text = "say what is installed, and how to install what is not"
    doctor = commands.add_parser("doctor", help=text, description=text)
    doctor.add_argument("--json", action="store_true", help="print as JSON")
    doctor.set_defaults(run=_doctor)
    return parser


def _add_record(commands: Any) -> None:
    record = commands.add_parser(
        "record",
        help="fit a model and record its figures, its data's hashes and all versions",
        description="Fit a mixed model with lme4, and write a record against which it can be "
        "checked later: 'pymer-bridge verify'.",
        epilog='example: pymer-bridge record lme4::sleepstudy "Reaction ~ Days + (Days | Subject)"',
    )
    add_model(record)
    record.add_argument(
        "--out", metavar="FILE", default="results.pbr.json", help="default: %(default)s"
    )
    record.set_defaults(run=_record)


def _add_verify(commands: Any) -> None:
    verify = commands.add_parser(
        "verify",
        help="fit recorded models again and say what drifted",
        description="Fit the models of a record again with lme4, and say what drifted. The exit "
        "status is 0 where nothing did, 1 where something did, and 2 where it could not be "
        "checked.",
    )
    verify.add_argument("records", nargs="+", metavar="RECORD", help="a .pbr.json file")
    verify.add_argument(
        "--data", metavar="FILE", help="the data (default: where the record says they are)"
    )
    verify.add_argument(
        "--against-r", action="store_true", help="compare with a plain Rscript as well"
    )
    verify.add_argument(
        "--tolerance",
        metavar="[FIGURE=]NUMBER",
        action="append",
        default=[],
        help="the largest distance that passes, in each figure's own unit (such as "
        "fixed_effect/estimate=1e-4, of a standard error); default: the same bits on one "
        "installation, and what is known to lie between versions on others",
    )
    add_allowed(verify)
    verify.add_argument("--json", action="store_true", help="print as JSON")
    verify.set_defaults(run=_verify, trouble=2)


def _add_script(commands: Any) -> None:
    script = commands.add_parser(
        "script",
        help="write the plain R script of a model",
        description="Fit a mixed model with lme4, and write a script that does the same in R "
        "alone.",
    )
    add_model(script)
    script.add_argument("--out", metavar="FILE", default="analysis.R", help="default: %(default)s")
    script.add_argument(
        "--data-as",
        choices=("csv", "rds", "none"),
        default="csv",
        help="how the data go into files beside the script, bit for bit (default: %(default)s)",
    )
    script.set_defaults(run=_script)


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
        0 for success, 1 for a user's error, a broken installation or a record that drifted, 2 for
        one that could not be checked, 130 after Ctrl-C.
    """
    parser = _parser()
    options = parser.parse_args(arguments)
    if not hasattr(options, "run"):
        _write(parser.format_help() + LESSON, None)
        return 0
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.showwarning = _show_warning
        try:
            return int(options.run(options))
        except PymerError as error:
            sys.stderr.write(f"pymer-bridge: {error}\n")
            return getattr(options, "trouble", 1)
        except KeyboardInterrupt:
            sys.stderr.write("pymer-bridge: interrupted\n")
            return 130


if __name__ == "__main__":
    raise SystemExit(main())
