"""The arguments of the command line, and its help."""

from __future__ import annotations

import argparse
from typing import Any, Final, get_args

from pymer_bridge import __version__
from pymer_bridge.spec.families import FamilyName, LinkName
from pymer_bridge.spec.meanings import meant

DESCRIPTION: Final = """\
Mixed models with R's lme4, from the command line.

Try:
  pymer-bridge demo
  pymer-bridge fit lme4::sleepstudy "Reaction ~ Days + (Days | Subject)"
  pymer-bridge fit data.csv "score ~ hours + (1 | school)" --format json --out fit.json
  pymer-bridge record data.csv "score ~ hours + (1 | school)" --out results.pbr.json
  pymer-bridge verify results.pbr.json
  pymer-bridge referee data.csv "score ~ hours + (1 | school)" theirs.json
  pymer-bridge power study.toml
"""
LESSON: Final = """
A model is a formula and data with one row per observation:
  score ~ hours                        one straight line for all
  score ~ hours + (1 | school)         and each school its own intercept
  score ~ hours + (hours | school)     and its own slope
  score ~ hours + (1 | school/class)   classes within schools
  score ~ hours + (1 | pupil) + (1 | item)   pupils crossed with items

What comes first: 'pymer-bridge doctor' (is all there?), 'pymer-bridge demo' (a real model), then
'pymer-bridge fit' with data of your own. In Python: import pymer_bridge as pb; help(pb.lmer).
"""
EXAMPLE: Final = 'lme4::sleepstudy "Reaction ~ Days + (Days | Subject)"'
FORMATS: Final = ("text", "json", "csv", "markdown", "latex")
QUASI: Final = "quasi"
"""The first letters of families that glmer() does not take."""


def parser() -> argparse.ArgumentParser:
    """Make the parser of all commands."""
    raw = argparse.RawDescriptionHelpFormatter
    made = argparse.ArgumentParser("pymer-bridge", description=DESCRIPTION, formatter_class=raw)
    made.add_argument("--version", action="version", version=f"pymer-bridge {__version__}")
    commands = made.add_subparsers(metavar="COMMAND", title="commands", dest="command")
    _add_fit(commands)
    _add_record(commands)
    _add_verify(commands)
    _add_referee(commands)
    _add_power(commands)
    _add_script(commands)
    text = "fit a real model with lme4 and show what comes back"
    commands.add_parser("demo", help=text, description=text)
    text = "say what is installed, and how to install what is not"
    doctor = commands.add_parser("doctor", help=text, description=text)
    doctor.add_argument("--json", action="store_true", help="print as JSON")
    doctor.add_argument("--all", action="store_true", help="also what needs further R packages")
    return made


def _add_fit(commands: Any) -> None:
    fit = commands.add_parser(
        "fit",
        help="fit a mixed model and print its results",
        description="Fit a mixed model with lme4 and print its results.",
        epilog=f"example: pymer-bridge fit {EXAMPLE}",
    )
    _add_model(fit)
    fit.add_argument(
        "--format", choices=FORMATS, default="text", help="what is printed (default: %(default)s)"
    )
    fit.add_argument("--out", metavar="FILE", help="write to a file, not to the screen")


def _add_record(commands: Any) -> None:
    record = commands.add_parser(
        "record",
        help="fit a model and record its figures, its data's hashes and all versions",
        description="Fit a mixed model with lme4, and write a record against which it can be "
        "checked later: 'pymer-bridge verify'.",
        epilog=f"example: pymer-bridge record {EXAMPLE}",
    )
    _add_model(record)
    record.add_argument(
        "--out", metavar="FILE", default="results.pbr.json", help="default: %(default)s"
    )


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
    _add_tolerance(
        verify,
        "the same bits on one installation, and what is known to lie between versions on others",
    )
    _add_allowed(verify)
    verify.add_argument("--json", action="store_true", help="print as JSON")


def _add_referee(commands: Any) -> None:
    referee = commands.add_parser(
        "referee",
        help="hold the figures of other software to lme4's",
        description="Fit a mixed model with lme4, and compare the figures that other software "
        "gives for it, with the cause of each difference where it is known. The exit status is 0 "
        "where all are R's, 1 where one is not, and 2 where they could not be compared.",
        epilog='example: pymer-bridge referee data.csv "score ~ hours + (1 | school)" theirs.json',
    )
    _add_model(referee)
    referee.add_argument(
        "figures",
        metavar="FIGURES",
        help="a JSON file; its schema is pymer_bridge/data/figures.schema.json",
    )
    _add_tolerance(referee, "what is known to lie between versions of lme4; 0: the same bits")
    referee.add_argument("--json", action="store_true", help="print as JSON")


def _add_power(commands: Any) -> None:
    power = commands.add_parser(
        "power",
        help="count the power of a study that a file describes",
        description="Simulate the study that a TOML file describes, fit the model to each "
        "response, and count how often the tests reject. The file has the formula, the frame and "
        "the parameters; docs/power.md shows one.",
        epilog="example: pymer-bridge power study.toml --n-jobs 4 --format json --out power.json",
    )
    power.add_argument("design", metavar="STUDY.toml", help="the file that describes the study")
    power.add_argument("--n-jobs", type=int, default=1, help="processes (default: %(default)s)")
    power.add_argument(
        "--format",
        choices=("text", "json", "csv"),
        default="text",
        help="what is printed; json has all p-values (default: %(default)s)",
    )
    power.add_argument("--out", metavar="FILE", help="write to a file, not to the screen")
    power.add_argument(
        "--verify",
        metavar="FILE",
        help="run again, and compare with what --format json wrote: the exit status is 0 where all "
        "figures are the same bits, 1 where one is not, and 2 where they could not be compared",
    )


def _add_tolerance(parser: argparse.ArgumentParser, default: str) -> None:
    parser.add_argument(
        "--tolerance",
        metavar="[FIGURE=]NUMBER",
        action="append",
        default=[],
        help="the largest distance that passes, in each figure's own unit (such as "
        f"fixed_effect/estimate=1e-4, of a standard error); default: {default}",
    )


def _add_script(commands: Any) -> None:
    from pymer_bridge.spec import options  # noqa: PLC0415  # imports numpy

    script = commands.add_parser(
        "script",
        help="write the plain R script of a model",
        description="Fit a mixed model with lme4, and write a script that does the same in R "
        "alone.",
    )
    _add_model(script)
    script.add_argument("--out", metavar="FILE", default="analysis.R", help="default: %(default)s")
    script.add_argument(
        "--data-as",
        choices=(*get_args(options.DataFormat), "none"),
        default="csv",
        help="how the data go into files beside the script, bit for bit (default: %(default)s)",
    )


def _add_model(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that say which model to fit to which data."""
    from pymer_bridge.spec import options  # noqa: PLC0415  # imports numpy

    parser.add_argument(
        "data",
        help="a .csv, .tsv, .parquet, .feather or .xlsx file, or PACKAGE::NAME for a data set of R",
    )
    parser.add_argument("formula", help="lme4's formula, quoted: 'y ~ x + (1 | group)'")
    parser.add_argument(
        "--ml", action="store_true", help="maximum likelihood (default: restricted, REML)"
    )
    families = (name for name in get_args(FamilyName) if not name.startswith(QUASI))
    parser.add_argument(
        "--family",
        choices=(*families, "negative-binomial"),
        help="fit a generalized model with glmer (negative-binomial: with glmer.nb)",
    )
    parser.add_argument(
        "--link", choices=get_args(LinkName), help="the link of the family (default: R's)"
    )
    for name, what in (("weights", "weights"), ("offset", "offset"), ("subset", "rows to use")):
        parser.add_argument(f"--{name}", metavar="TEXT", help=f"{what}: a column or an expression")
    parser.add_argument(
        "--contrasts",
        metavar="FACTOR=NAME",
        action="append",
        default=[],
        help="the contrasts of a factor, such as f=contr.sum; may be given again",
    )
    parser.add_argument("--optimizer", help="the optimizer, by R's name, such as bobyqa")
    _add_allowed(parser)
    parser.add_argument(
        "--ddf",
        type=lambda text: meant(text, options.Ddf) or text,
        choices=get_args(options.Ddf),
        help="how the fixed effects are tested (default: satterthwaite; of generalized models: "
        "normal)",
    )


def _add_allowed(parser: argparse.ArgumentParser) -> None:
    """Add the argument that allows further functions in the formula."""
    parser.add_argument(
        "--allow-function",
        metavar="NAME",
        action="append",
        default=[],
        help="a function that the formula may call besides the usual ones; may be given again",
    )
