"""``pymer-bridge power``: a study that is kept in a file beside a paper."""

from __future__ import annotations

import argparse
import json
import sys
import tomllib
from collections.abc import Mapping
from typing import Any, Final

from pymer_bridge.data.written_files import path_of, write_text
from pymer_bridge.errors import OptionError, listed, shown
from pymer_bridge.session.read_data import read_data

MODEL: Final = ("fixed", "std_devs", "residual", "family", "link", "contrasts")
"""What goes to ``pb.design()`` as it is."""
KNOWN: Final = ("formula", "data", "frame", "correlations", "power", "curve", *MODEL)


def power(options: argparse.Namespace) -> int:
    """Count the power of the study in a file; return the exit status.

    Raises
    ------
    PymerError
        The file cannot be read, or says something that is not accepted.
    """
    study = _read(options.design)
    found = _run(study, options.n_jobs)
    if options.verify is not None:
        return _verify(found, options.verify)
    text = {
        "text": lambda: f"{found}\n",
        "json": lambda: json.dumps(found.to_dict(), indent=1) + "\n",
        "csv": lambda: str(found.to_frame().to_csv(index=False)),
    }[options.format]()
    if options.out is None:
        sys.stdout.write(text)
        return 0
    try:
        write_text(path_of(options.out), text)
    except OSError as error:
        raise OptionError(f"{options.out!r} cannot be written: {error.strerror}") from error
    return 0


def _read(path: str) -> dict[str, Any]:
    """Read the file, and check what it names."""
    try:
        content = path_of(path).read_text(encoding="utf-8")
        study = tomllib.loads(content)
    except OSError as error:
        raise OptionError(f"{path!r} cannot be read: {error.strerror}") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise OptionError(f"{path!r} is no TOML file: {error}") from None
    unknown = [name for name in study if name not in KNOWN]
    if unknown or "formula" not in study or ("data" in study) == ("frame" in study):
        named = f"it has {listed(unknown)}; " if unknown else ""
        raise OptionError(
            f"{path!r}: {named}a study has formula, and one of data (a file) and frame; besides "
            f"{listed(name for name in KNOWN if name not in ('formula', 'data', 'frame'))}"
        )
    return study


def _run(study: Mapping[str, Any], n_jobs: int) -> Any:
    """Return the power, or the curve, of a study."""
    # --help must not wait for them
    from pymer_bridge.data.crossed import crossed_frame  # noqa: PLC0415
    from pymer_bridge.models.design import design  # noqa: PLC0415

    frame = read_data(study["data"]) if "data" in study else _call(crossed_frame, study, "frame")
    given = {name: study[name] for name in MODEL if name in study}
    made = design(
        study["formula"], frame, correlations=_correlations(study.get("correlations")), **given
    )
    asked = {**_table(study, "power"), "n_jobs": n_jobs}
    if "curve" in study:
        return _call(made.power_curve, study, "curve", asked)
    return _call(made.power, study, "", asked)


def _table(study: Mapping[str, Any], name: str) -> dict[str, Any]:
    found = study.get(name, {})
    if not isinstance(found, dict):
        raise OptionError(f"{name}={shown(found)} must be a table, as in [{name}]")
    return found


def _call(
    function: Any, study: Mapping[str, Any], name: str, more: Mapping[str, Any] | None = None
) -> Any:
    """Call a function with what a table of the file says."""
    given = _table(study, name) if name else {}
    try:
        return function(**{**given, **(more or {})})
    except TypeError as error:
        where = f"[{name}]" if name else "[power]"
        raise OptionError(f"{where}: {error}") from None


def _correlations(given: Any) -> Any:
    """Return correlations as ``pb.design()`` takes them: a pair of terms is a list in the file."""
    if not isinstance(given, list):
        return given
    found: dict[str, Any] = {}
    for row in given:
        if not isinstance(row, dict) or set(row) != {"group", "terms", "value"}:
            raise OptionError(
                f"correlations: {shown(row)} must have group, terms (two of them) and value"
            )
        found.setdefault(row["group"], {})[tuple(row["terms"])] = row["value"]
    return found


def _verify(found: Any, path: str) -> int:
    """Say whether a stored result is what was found; return the exit status."""
    try:
        stored = type(found).from_dict(json.loads(path_of(path).read_text(encoding="utf-8")))
    except OSError as error:
        raise OptionError(f"{path!r} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise OptionError(f"{path!r} is no result of --format json: {error}") from None
    ours, theirs = found.to_frame(), stored.to_frame()
    if ours.equals(theirs):
        sys.stdout.write(f"{path}: the same\n")
        return 0
    sys.stdout.write(f"{path}: other figures\n\nstored:\n{stored}\n\nnow:\n{found}\n")
    return 1
