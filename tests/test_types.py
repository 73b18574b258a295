"""What editors and type checkers see of the package, and what Tab offers."""

from __future__ import annotations

import inspect
import json
import os
import shutil
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jedi
import matplotlib.pyplot as plt
import pytest
from IPython.core.completer import provisionalcompleter
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

import pymer_bridge as pb
from helpers import typed_script
from pymer_bridge.plots.accessor import FitPlots

PACKAGE = Path(pb.__file__).parent
SCRIPT = Path(typed_script.__file__)

FIT = """
import pymer_bridge as pb
data = pb.load_dataset("sleepstudy")
fit = pb.lmer("Reaction ~ Days + (Days | Subject)", data)
"""


def pyright(*arguments: str, folder: Path, path: Path) -> dict[str, Any]:
    """Run pyright, for which the package lies in ``path``, and return what it reports."""
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pyright", "--outputjson", "--pythonpath", sys.executable),
            *arguments,
        ],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(path), "PYRIGHT_PYTHON_IGNORE_WARNINGS": "1"},
    )
    start = done.stdout.find("{")
    assert start >= 0, done.stdout + done.stderr
    found: dict[str, Any] = json.loads(done.stdout[start:])
    return found


def test_a_users_script_is_typed_under_pyright(tmp_path: Path) -> None:
    settings = {
        "typeCheckingMode": "strict",
        "reportMissingTypeStubs": False,
        "extraPaths": [str(PACKAGE.parent)],
    }
    (tmp_path / "pyrightconfig.json").write_text(json.dumps(settings))
    shutil.copy(SCRIPT, tmp_path / "script.py")
    (tmp_path / "wrong.py").write_text(
        FIT + 'fit.fixed_effects()["Days"].estimat\nfit.get_me("Z").tocoo()\n'
        "fit.plot.lines(col=1)\nfit.update(rml=False)\n"
        'pb.model_table(fit, format="pdf")\nfit.anova(type="IV")\n'
    )
    found = pyright("script.py", "wrong.py", folder=tmp_path, path=PACKAGE.parent)
    assert found["summary"]["filesAnalyzed"] == 2
    said = [
        (Path(d["file"]).name, d["range"]["start"]["line"], d["message"])
        for d in found["generalDiagnostics"]
    ]
    assert [each for each in said if each[0] != "wrong.py"] == []
    assert {line for _, line, _ in said} == set(range(4, 10))


def test_every_public_symbol_has_a_known_type(tmp_path: Path) -> None:
    # Pyright looks for the package where packages are installed, and follows no links.
    shutil.copytree(PACKAGE, tmp_path / "site" / "pymer_bridge")
    found = pyright(
        "--verifytypes", "pymer_bridge", "--ignoreexternal", folder=tmp_path, path=tmp_path / "site"
    )
    unknown = [s["name"] for s in found["typeCompleteness"]["symbols"] if not s["isTypeKnown"]]
    assert unknown == []
    assert found["typeCompleteness"]["completenessScore"] == 1


@pytest.mark.r
@pytest.mark.carried("performance")
def test_the_typed_script_runs(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # few replicates
        typed_script.main(tmp_path)
    plt.close("all")


COMPLETED = {
    "pb.": {"lmer", "load", "anova"},
    "fit.": {"fixed_effects", "plot", "emmeans", "get_me"},
    "fit.fixed_effects().": {"rows", "to_frame", "to_latex", "ddf"},
    "fit.fixed_effects()['Days'].": {"estimate", "p_value", "conf_low"},
    "fit.random_effects.": {"groups", "group", "rows"},
    "fit.random_effects['Subject', '308', 'Days'].": {"estimate", "std_error"},
    "fit.variance_components.": {"correlation", "rows"},
    "fit.anova().": {"rows", "to_frame"},
    "fit.emmeans('Days').": {"contrast", "to_frame", "rows"},
    "fit.emmeans('Days').contrast('eff').": {"to_frame"},
    "fit.bootstrap('parametric', 5, 1).": {"confint", "p_values", "plot"},
    "fit.predict().": {"values", "to_frame"},
    "fit.confint().": {"rows", "to_frame"},
    "fit.profile().": {"plot", "plot_pairs"},
    "fit.plot.": {"lines", "groups", "diagnostics"},
    "fit.plot.lines().": {"set_title"},
    "fit.summary().": {"fixed_effects", "text"},
    "fit.update(reml=False).": {"refit_ml"},
    "fit.influence('Subject').": {"dfbeta", "plot"},
    "pb.anova(fit, fit).": {"rows", "to_frame"},
    "pb.model_table(fit).": {"to_latex", "to_html"},
    "pb.fit_many('~ Days + (1 | Subject)', data, ['Reaction']).": {"responses", "to_frame"},
    "pb.lm('Reaction ~ Days', data).": {"fixed_effects"},
    "pb.load_dataset('sleepstudy').": {"groupby"},
    "pb.glmer('y ~ x + (1 | g)', data).": {"fixed_effects", "random_effects"},
}


@pytest.fixture(scope="module")
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep what jedi has read in a folder of this run: another would read files half written."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jedi.settings, "cache_directory", str(tmp_path_factory.mktemp("jedi")))
        yield


@pytest.mark.usefixtures("own_cache")
@pytest.mark.parametrize("typed", COMPLETED)
def test_jedi_completes(typed: str) -> None:
    code = FIT + typed
    names = {c.name for c in jedi.Script(code, path=SCRIPT.parent / "x.py").complete()}
    assert COMPLETED[typed] <= names, sorted(names)[:40]


def test_pictures_show_their_arguments() -> None:
    """What ``fit.plot.lines?`` and Shift-Tab show."""
    names = [name for name in dir(FitPlots(None)) if not name.startswith("_") and name != "fit"]
    assert len(names) > 15
    for name in names:
        shown = inspect.signature(getattr(FitPlots, name)).parameters.values()
        assert all(p.kind is not p.VAR_KEYWORD for p in shown), name
    of_lines = inspect.signature(FitPlots(None).lines)
    expected = "group predictor at order max_groups labels data ax".split()
    assert list(of_lines.parameters) == expected


@pytest.fixture(scope="module")
def shell() -> InteractiveShell:
    """Return a shell with a model and its results, which writes no history of the user."""
    made = InteractiveShell(config=Config({"HistoryManager": {"enabled": False}}))
    made.user_ns["fit"] = fit = pb.lmer(
        "Reaction ~ Days + (Days | Subject)", pb.load_dataset("sleepstudy")
    )
    many = pb.fit_many("~ Days + (1 | Subject)", pb.load_dataset("sleepstudy"), ["Reaction"])
    made.user_ns.update(
        effects=fit.fixed_effects(),
        modes=fit.random_effects,
        theta=fit.get_me("theta"),
        shares=fit.covariances,
        many=many,
        vcov=fit.vcov,
        spread=fit.variance_components,
        sims=fit.simulate(2, 1),
        tests=fit.anova(),
    )
    return made


@pytest.mark.r
@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ('effects["', "Days"),
        ('tests["', "Days"),
        ('theta["', "Subject.(Intercept)"),
        ('shares["', "Subject"),
        ('many["', "Reaction"),
        ('sims["', "sim_2"),
        ('modes["', "Subject"),
        ('modes["Subject", "', "308"),
        ('modes["Subject", "308", "', "Days"),
        ('vcov["', "(Intercept)"),
        ('vcov["(Intercept)", "', "Days"),
        ('spread["', "Residual"),
    ],
)
def test_tab_offers_keys(shell: InteractiveShell, typed: str, offered: str) -> None:
    with provisionalcompleter():
        found = {c.text.strip("\"'[]") for c in shell.Completer.completions(typed, len(typed))}
    assert any(text.endswith(offered) or text.startswith(offered) for text in found), found
