"""The command line: ``pymer-bridge fit``, and the other commands of ``COMMANDS``."""

from __future__ import annotations

import argparse
import json
import os
import sys
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from pymer_bridge.cli.arguments import LESSON, parser
from pymer_bridge.cli.protocol import power
from pymer_bridge.data.written_files import path_of, write_text
from pymer_bridge.errors import OptionError, PymerError
from pymer_bridge.session import installation
from pymer_bridge.session.r_session import session
from pymer_bridge.session.read_data import DATA_SET, read_data

DEMO_FORMULA: Final = "Reaction ~ Days + (Days | Subject)"


# -- models --------------------------------------------------------------------------------------


def fit_model(options: argparse.Namespace) -> Any:
    """Fit the model that the arguments describe.

    Raises
    ------
    PymerError
        As for :func:`pymer_bridge.lmer` and :func:`pymer_bridge.glmer`.
    """
    import pymer_bridge as pb  # noqa: PLC0415  # --help must not wait for it

    generalized = options.family is not None
    if generalized and options.ml:
        raise OptionError("--ml is for linear models: generalized ones have no REML")
    if options.link is not None and not generalized:
        raise OptionError("--link needs --family")
    asked: dict[str, Any] = {name: getattr(options, name) for name in ("weights", "offset")}
    asked |= {"subset": options.subset, "allow_functions": tuple(options.allow_function)}
    asked["contrasts"] = dict(map(_contrast, options.contrasts)) or None
    if options.optimizer is not None:
        control = pb.glmer_control if generalized else pb.lmer_control
        asked["control"] = control(options.optimizer)
    with _packages_loading(options):
        data = read_data(options.data)
        lmer, glmer, glmer_nb = pb.lmer, pb.glmer, pb.glmer_nb  # imported here
    if not generalized:
        return lmer(options.formula, data, reml=not options.ml, **asked)
    if options.family != "negative-binomial":
        family = {"family": options.family, "link": options.link}
        return glmer(options.formula, data, **family, **asked)
    if options.link is not None:
        raise OptionError("--link cannot be chosen with --family negative-binomial")
    return glmer_nb(options.formula, data, **asked)


@contextmanager
def _packages_loading(options: argparse.Namespace) -> Iterator[None]:
    """Let R load its packages, about a second each, while Python does something else."""
    packages = ("lme4", *installation.DDF_PACKAGES.get(ddf_of(options), ()))

    def load() -> None:
        with suppress(PymerError):  # the first call that needs the package raises it
            for package in packages:
                session().require(package)

    # R starts first: it sets environment variables that other threads must not read meanwhile.
    session().start()
    loading = threading.Thread(target=load, daemon=True)
    loading.start()
    yield
    loading.join()


def ddf_of(options: argparse.Namespace) -> Any:
    """Return how to test the fixed effects of the model."""
    default = "satterthwaite" if options.family is None else "normal"
    return options.ddf or default


def _contrast(text: str) -> tuple[str, str]:
    factor, equals, name = text.rpartition("=")
    if not equals:
        raise OptionError(f"--contrasts {text!r} must be FACTOR=NAME, such as f=contr.sum")
    return factor, name


# -- commands ------------------------------------------------------------------------------------


@contextmanager
def _writing(out: str) -> Iterator[None]:
    """Turn the error of a file that cannot be written into one for a user."""
    try:
        yield
    except OSError as error:
        raise OptionError(f"{out!r} cannot be written: {error.strerror}") from error


def _fit(options: argparse.Namespace) -> int:
    fit = fit_model(options)
    text = _render(fit, ddf_of(options), options.format)
    if options.out is None:
        sys.stdout.write(text)
        return 0
    with _writing(options.out):
        write_text(path_of(options.out), text)
    return 0


def _render(fit: Any, ddf: Any, form: str) -> str:
    """Show a fit in one of the formats."""
    fixed = fit.fixed_effects(ddf)
    left_out = f"{fit.rows_used}\n" if fit.rows_used.n_left_out else ""
    if form == "text":
        if hasattr(fit, "family"):
            return f"{fit.summary()}\n{left_out}"
        if ddf != "normal":
            return f"{fit.summary(ddf)}\n{left_out}"
        # R prints no summary with normal tests.
        return f"{fit.heading}\n\n{fit.variance_components}\n\n{fixed}\n\n{fit.fit_statistics}\n"
    parts: dict[str, Any] = {
        "fixed_effects": fixed,
        "variance_components": fit.variance_components,
        "fit_statistics": fit.fit_statistics,
        "convergence": fit.convergence,
        "rows_used": fit.rows_used,
    }
    if form == "json":
        record = {name: part.to_dict() for name, part in parts.items()}
        facts = {"formula": fit.formula, "n_obs": fit.n_obs, "n_groups": dict(fit.n_groups)}
        facts |= {"sigma": fit.sigma, "reml": fit.reml}
        facts |= {"warnings": fit.warnings, "messages": fit.messages}
        return json.dumps({**facts, **record}, indent=2, allow_nan=False) + "\n"
    if form == "csv":
        return str(fixed.to_frame().to_csv(index=False))
    hidden = ("convergence", "" if left_out else "rows_used")
    show = "to_markdown" if form == "markdown" else "to_latex"
    shown = [getattr(part, show)() for name, part in parts.items() if name not in hidden]
    return "\n\n".join(shown) + "\n"


def _record(options: argparse.Namespace) -> int:
    from pymer_bridge.verification.records import record  # noqa: PLC0415  # --help must not wait for it

    target = Path(options.out)
    fit = fit_model(options)
    source = options.data
    if DATA_SET.fullmatch(source) is None:
        # Relative to the record, so that both files can be moved together.
        source = Path(os.path.relpath(source, target.parent)).as_posix()
    with _writing(options.out):
        record(fit, target, source=source, ddf=options.ddf)
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
        sys.stdout.write(f"{shown}\n")
        status = max(status, report.exit_status)
    return status


def _referee(options: argparse.Namespace) -> int:
    from pymer_bridge.data import figures_file  # noqa: PLC0415
    from pymer_bridge.verification.compare_figures import compare_figures  # noqa: PLC0415

    tolerance = _tolerance(options.tolerance)
    try:
        software, figures = figures_file.read(path_of(options.figures))
    except OSError as error:
        raise OptionError(f"{options.figures!r} cannot be read: {error.strerror}") from error
    fit = fit_model(options)
    report = compare_figures(fit, figures, tolerance, ddf=options.ddf, software=software)
    shown = json.dumps(report.to_dict(), indent=2) if options.json else str(report)
    sys.stdout.write(f"{shown}\n")
    return report.exit_status


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
        raise OptionError(f"--tolerance {text!r} is not a number") from None


def _script(options: argparse.Namespace) -> int:
    fit = fit_model(options)
    fit.fixed_effects(ddf_of(options))  # so that the script has them
    with _writing(options.out):
        fit.to_r_script(options.out, data=None if options.data_as == "none" else options.data_as)
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
    sys.stdout.write("\n\n".join(parts) + "\n")
    return 0


def _doctor(options: argparse.Namespace) -> int:
    from pymer_bridge.session.doctor import features_here, show_versions  # noqa: PLC0415

    found = show_versions()
    features = features_here() if options.all and found.r else None
    verdict = "All that is needed is there." if found.ok else "Something is missing (above)."
    report = {**found.to_dict(), **({} if features is None else {"features": features.to_dict()})}
    parts = (str(found), *(() if features is None else (f"{features}",)), verdict)
    shown = json.dumps(report, indent=2) if options.json else "\n".join(parts)
    sys.stdout.write(f"{shown}\n")
    return 0 if found.ok else 1


COMMANDS: Final[Mapping[str, Callable[[argparse.Namespace], int]]] = {
    "fit": _fit,
    "record": _record,
    "verify": _verify,
    "referee": _referee,
    "power": power,
    "script": _script,
    "demo": _demo,
    "doctor": _doctor,
}


# -- the program ---------------------------------------------------------------------------------


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
        0 for success, 1 for a user's error, a broken installation, a record that drifted or figures
        that are not R's, 2 for what could not be checked, 130 after Ctrl-C.
    """
    made = parser()
    options = made.parse_args(arguments)
    if options.command is None:
        sys.stdout.write(made.format_help() + LESSON)
        return 0
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.showwarning = _show_warning
        try:
            return COMMANDS[options.command](options)
        except PymerError as error:
            sys.stderr.write(f"pymer-bridge: {error}\n")
            checking = options.command in ("verify", "referee") or getattr(options, "verify", None)
            return 2 if checking else 1
        except KeyboardInterrupt:
            sys.stderr.write("pymer-bridge: interrupted\n")
            return 130


if __name__ == "__main__":
    raise SystemExit(main())
