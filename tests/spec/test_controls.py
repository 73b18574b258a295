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


def test_controls_take_plain_numbers_and_two_stages():
    with pytest.raises(OptionError, match="must be one optimizer, or one of each stage"):
        pb.glmer_control(optimizer=("bobyqa", "bobyqa", "bobyqa"))
    with pytest.raises(OptionError, match="must be one optimizer, or one of each stage"):
        pb.glmer_control(optimizer=("bobyqa", "none"))
    ours = pb.lmer_control(optCtrl={"maxfun": np.int64(10)})
    assert ours == pb.lmer_control(optCtrl={"maxfun": 10})
    with pytest.raises(OptionError, match="must be a mapping of names to numbers"):
        pb.lmer_control(optCtrl={"maxfun": [10]})
