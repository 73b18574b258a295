"""The same as ``pymer-bridge fit`` by pymer4, in an environment of its own."""

import sys

import polars as pl
from pymer4.models import lmer

model = lmer("Reaction ~ Days + (Days | Subject)", data=pl.read_csv(sys.argv[1]))
model.fit()
print(model.result_fit)
