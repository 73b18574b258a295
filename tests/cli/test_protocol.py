"""The power of a study that a file describes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from helpers import ROOT
from helpers.designs import made
from helpers.live import assert_same_bits
from helpers.pages import read_blocks
from pymer_bridge.cli.commands import main
from pymer_bridge.results.power import Power, PowerCurve

pytestmark = [
    pytest.mark.r("lmerTest"),
    pytest.mark.filterwarnings("ignore::pymer_bridge.PymerWarning"),
]
STUDY = """
formula = "rt ~ cond + (cond | subject) + (1 | item)"
residual = 120

[[correlations]]
group = "subject"
terms = ["(Intercept)", "condb"]
value = 0.2

[frame]
subject = 8
item = 6
within = { cond = ["a", "b"] }
between = { group = ["x", "y"] }

[fixed]
"(Intercept)" = 600
condb = 60

[std_devs]
item = 25
subject = { "(Intercept)" = 80, condb = 30 }

[power]
tests = ["condb"]
n_sim = 6
seed = 5
"""
CURVE = '\n[curve]\nalong = "subject"\nvalues = [4, 8]\n'


@pytest.fixture
def study(tmp_path: Path) -> Path:
    path = tmp_path / "study.toml"
    path.write_text(STUDY)
    return path


def test_a_file_gives_what_the_functions_give(study: Path, tmp_path: Path, capsys: Any) -> None:
    out = tmp_path / "power.json"
    assert main(["power", str(study), "--format", "json", "--out", str(out)]) == 0
    found = Power.from_dict(json.loads(out.read_text()))
    theirs = made("slopes").power(["condb"], n_sim=6, seed=5)
    assert_same_bits(found.p_values.ravel(), theirs.p_values.ravel())
    assert main(["power", str(study), "--verify", str(out)]) == 0
    assert "the same" in capsys.readouterr().out
    study.write_text(STUDY.replace("seed = 5", "seed = 6"))
    assert main(["power", str(study), "--verify", str(out)]) == 1
    assert "other figures" in capsys.readouterr().out
    assert main(["power", str(study)]) == 0
    assert "Clopper-Pearson" in capsys.readouterr().out
    assert main(["power", str(study), "--format", "csv"]) == 0
    assert capsys.readouterr().out.startswith("test,kind,power")


def test_the_page_shows_a_file_that_is_read(study: Path, tmp_path: Path) -> None:
    (shown,) = [
        block.source
        for block in read_blocks(ROOT / "docs" / "power.md")
        if block.language == "toml"
    ]
    for long, short in (("n_sim = 1000", "n_sim = 4"), ("[12, 24, 48]", "[4, 6]")):
        assert long in shown
        shown = shown.replace(long, short)
    study.write_text(shown)
    out = tmp_path / "curve.json"
    assert main(["power", str(study), "--format", "json", "--out", str(out)]) == 0
    assert PowerCurve.from_dict(json.loads(out.read_text())).values == (4, 6)


def test_a_file_may_ask_for_a_curve(study: Path, tmp_path: Path) -> None:
    study.write_text(STUDY + CURVE)
    out = tmp_path / "curve.json"
    assert main(["power", str(study), "--format", "json", "--out", str(out)]) == 0
    curve = PowerCurve.from_dict(json.loads(out.read_text()))
    assert curve.values == (4, 8)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("residual = 120", "sigma = 120", "it has 'sigma'; a study has formula"),
        ("formula =", "model =", "it has 'model'; a study has formula"),
        ("residual = 120", "data = 'x.csv'", "one of data (a file) and frame"),
        ("residual = 120", "residual = ", "is no TOML file"),
        ("n_sim = 6", "nsim = 6", "nsim"),
        ("value = 0.2", "size = 0.2", "must have group, terms"),
        ("condb = 60", "condx = 60", "missing: fixed['condb']; unknown: fixed['condx']"),
        ("subject = 8", "subject = 'many'", "subject"),
    ],
)
def test_what_a_file_cannot_say(study: Path, capsys: Any, old: str, new: str, said: str) -> None:
    study.write_text(STUDY.replace(old, new, 1))
    assert main(["power", str(study)]) == 1
    assert said in capsys.readouterr().err


def test_what_cannot_be_compared(study: Path, tmp_path: Path, capsys: Any) -> None:
    for name, content in (("no.json", None), ("text.json", "no"), ("other.json", "{}")):
        path = tmp_path / name
        if content is not None:
            path.write_text(content)
        assert main(["power", str(study), "--verify", str(path)]) == 2
        assert "pymer-bridge:" in capsys.readouterr().err
