"""Control objects: what they take."""

from __future__ import annotations

import numpy as np
import pytest

import pymer_bridge as pb
from pymer_bridge.errors import OptionError
from pymer_bridge.spec.controls import Control


def test_a_control_is_made_by_its_functions():
    with pytest.raises(OptionError, match="'system' makes no control object"):
        Control("system", ())


def test_options_that_an_optimizer_has_not_are_refused():
    with pytest.raises(OptionError, match="optCtrl names 'maxfun'; nloptwrap takes: 'algorithm'"):
        pb.lmer_control(optCtrl={"maxfun": 10})
    with pytest.raises(OptionError, match=r"'maxeval'; bobyqa takes: 'npt', .*'maxfun'"):
        pb.lmer_control("bobyqa", optCtrl={"maxfun": 10, "maxeval": 1})
    with pytest.raises(OptionError, match="'maxeval'; bobyqa and Nelder_Mead takes: "):
        pb.glmer_control(optCtrl={"maxeval": 1})
    pb.glmer_control(optCtrl={"rhobeg": 0.2, "FtolAbs": 1e-6})
    pb.nlmer_control(optCtrl={"maxfun": 10})
    pb.lmer_control("optimx", optCtrl={"method": "nlminb", "kkt": 0})


def test_controls_take_plain_numbers_and_two_stages():
    with pytest.raises(OptionError, match="must be one optimizer, or one of each stage"):
        pb.glmer_control(optimizer=("bobyqa", "bobyqa", "bobyqa"))
    with pytest.raises(OptionError, match="must be one optimizer, or one of each stage"):
        pb.glmer_control(optimizer=("bobyqa", "none"))
    ours = pb.lmer_control(optCtrl={"maxeval": np.int64(10)})
    assert ours == pb.lmer_control(optCtrl={"maxeval": 10})
    with pytest.raises(OptionError, match="must be a mapping of names to numbers"):
        pb.lmer_control(optCtrl={"maxeval": [10]})
