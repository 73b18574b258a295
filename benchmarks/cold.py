"""From nothing: an import, and a whole fit on the command line, against Rscript's."""

from __future__ import annotations

import compileall
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.shared import HERE, OURS, PROJECT, Row, Scale, by_turns, command, waited

FORMULA = "Reaction ~ Days + (Days | Subject)"
PANDAS = "import pandas"
RSCRIPT = "Rscript"
PYMER4 = "pymer4"


def rows(scale: Scale) -> Iterator[Row]:
    """Start processes by turns; what counts is the CPU time of all of them.

    For the fit also the elapsed time, because R loads its packages while Python works.
    """
    import pymer_bridge as pb  # noqa: PLC0415

    rounds = 1 if scale.quick else scale.rounds
    # As pip does, whether or not PYTHONDONTWRITEBYTECODE is set where this runs.
    compileall.compile_dir(PROJECT / "pymer_bridge", quiet=1)

    def python(text: str, interpreter: str = sys.executable) -> float:
        return command([interpreter, "-c", text], cwd=PROJECT)

    for what in ("import pymer_bridge", "from pymer_bridge import lmer")[scale.quick :]:
        imports = {
            OURS: lambda what=what: python(what),
            "pandas": lambda: python(PANDAS),
            "pandas + 0.3 s": lambda: python(PANDAS) + 0.3,
        }
        yield Row("cold", what, "CPU", by_turns(rounds, imports), {"pandas + 0.3 s": 1.0})

    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "data.csv")
        pb.load_dataset("sleepstudy").to_csv(path, index=False)
        ours = [sys.executable, "-m", "pymer_bridge", "fit", path, FORMULA]
        theirs = ["Rscript", str(HERE / "cold.R"), path]
        commands = {OURS: ours, RSCRIPT: theirs}
        if PYMER4 in scale.competitors:
            commands[PYMER4] = [scale.competitors[PYMER4], str(HERE / "pymer4_side.py"), path]
        what = "a fit on the command line"
        clocks = ((what, "CPU", command), (f"{what}, elapsed", "wall", waited))
        for name, clock, measure in clocks[scale.quick :]:
            wanted = {RSCRIPT: 1.35 if clock == "CPU" else 1.1, PYMER4: 0.5}
            aims = {who: aim for who, aim in wanted.items() if who in commands}
            sides = {
                who: lambda words=words, measure=measure: measure(words, cwd=PROJECT)
                for who, words in commands.items()
            }
            yield Row("cold", name, clock, by_turns(rounds, sides), aims)
        yield from _parts(path, rounds)


def _parts(path: str, rounds: int) -> Iterator[Row]:
    """Say where the time of a fit on the command line goes."""
    seen: dict[str, list[float]] = {}
    for _ in range(rounds):
        words = [sys.executable, "-m", "benchmarks.cold", path]
        done = subprocess.run(words, cwd=PROJECT, capture_output=True, text=True, check=True)
        for name, seconds in json.loads(done.stdout.splitlines()[-1]).items():
            seen.setdefault(name, []).append(seconds)
    for name, values in seen.items():
        yield Row("cold", f"part: {name}", "CPU", {OURS: values})


def main() -> None:
    """Do what the command does, step by step, and print the CPU seconds of each."""
    import time  # noqa: PLC0415

    seconds = {"Python itself": time.process_time()}
    last = time.process_time()

    def done(name: str) -> None:
        nonlocal last
        seconds[name] = time.process_time() - last
        last = time.process_time()

    import pandas as pd  # noqa: PLC0415

    done("import pandas")
    import pymer_bridge as pb  # noqa: PLC0415

    fitter = pb.lmer
    data = pd.read_csv(sys.argv[1])
    done("import pymer_bridge, read the file")
    from pymer_bridge.session.r_session import session  # noqa: PLC0415

    session().call("c")
    done("start R, read our R files")
    session().require("lme4")
    done("load lme4")
    fit = fitter(FORMULA, data)
    done("fit")
    session().require("lmerTest")
    done("load lmerTest")
    str(fit.summary())
    done("the summary")
    print(json.dumps(seconds))


if __name__ == "__main__":
    main()
