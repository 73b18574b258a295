"""The same frames by rpy2's pandas2ri, in an environment of its own; prints JSON."""

from __future__ import annotations

import json
import sys
import time
import warnings

import rpy2.robjects as ro
from rpy2.robjects import pandas2ri
from rpy2.robjects.conversion import localconverter

from benchmarks import data


def seconds(kind: str, n: int) -> dict[str, float]:
    frame = data.frame(kind, n)
    with localconverter(ro.default_converter + pandas2ri.converter) as converter:
        start = time.process_time()
        there = converter.py2rpy(frame)
        middle = time.process_time()
        converter.rpy2py(there)
        return {"there": middle - start, "back": time.process_time() - middle}


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    found: dict[str, dict[str, float]] = {}
    for name in sys.argv[2:]:
        try:
            seconds(name, 10)
            found[name] = seconds(name, int(sys.argv[1]))
        except Exception as error:
            print(f"pandas2ri cannot take {name}: {error}", file=sys.stderr)
    print(json.dumps(found))
