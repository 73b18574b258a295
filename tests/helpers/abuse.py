"""Run a script in a process that is ill-treated, and see that it still fits as plain R does."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import textwrap
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from helpers import REFERENCES, ROOT, TESTS
from pymer_bridge.session import installation

SOUND = "\nfrom helpers.sound import write_figures; write_figures()\n"
"""The end of a script: the classic fit, whose figures are written where they are looked for."""

CATCH = """
from pymer_bridge.errors import PymerError
def caught(call):
    try:
        call()
    except PymerError as error:
        print(type(error).__name__, error, flush=True)
    else:
        print("no error", flush=True)
"""


@cache
def plain_figures() -> dict[str, tuple[float, ...]]:
    """Ask a plain R, in a process and an environment of its own."""
    home = installation.r_home()
    assert home is not None
    answer = subprocess.run(
        [Path(home) / "bin" / "Rscript", "--vanilla", REFERENCES / "sound.R"],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
        env={"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "HOME": str(TESTS)},
    )
    return read_figures(answer.stdout)


def read_figures(text: str) -> dict[str, tuple[float, ...]]:
    """Read figures as ``sound.py`` and ``sound.R`` write them."""
    lines = [line.split() for line in text.splitlines()]
    return {name: tuple(map(float.fromhex, values)) for name, *values in lines}


def abused(
    code: str,
    folder: Path,
    *,
    variables: Mapping[str, str | None] = {},
    options: Sequence[str] = ("-W", "error"),
    cwd: Path | None = None,
    shell: str = "",
    redirect: str = "",
    said: str | re.Pattern[str] = "",
    sound: bool = True,
    timeout: float = 200,
) -> str:
    """Run a script in a fresh Python, and give what it printed.

    ``variables`` are set, or taken away (None); ``shell`` is what a shell does before, and
    ``redirect`` to its streams; ``said`` is all that may stand on stderr, or what each line
    matches; where ``sound`` is True the figures of its last fit are plain R's, to the last bit.
    """
    script, written = folder / "script of the test.py", folder / "figures.txt"
    script.write_text(textwrap.dedent(code) + (SOUND if sound else ""), encoding="utf-8")
    paths = [str(TESTS), str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    given = {
        "PYTHONPATH": os.pathsep.join(paths),
        "PYTHONIOENCODING": "utf-8",
        "FIGURES": str(written),
        **variables,
    }
    everything: dict[str, str | None] = {**os.environ, **given}
    command = shlex.join([sys.executable, "-P", *options, str(script)])
    process = subprocess.run(
        ["/bin/sh", "-c", f"{shell or ':'}; exec {command} {redirect}"],
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=timeout,
        cwd=cwd or folder,
        env={name: value for name, value in everything.items() if value is not None},
        stdin=subprocess.DEVNULL,
    )
    assert process.returncode == 0, (process.returncode, process.stdout, process.stderr)
    if isinstance(said, re.Pattern):
        assert all(map(said.fullmatch, process.stderr.splitlines())), process.stderr
    else:
        assert process.stderr.strip() == said, process.stderr
    if sound:
        assert read_figures(written.read_text(encoding="ascii")) == plain_figures()
    return process.stdout


def remedies(said: str) -> list[str]:
    """Give the commands in the texts of errors."""
    start = "Fix it with: "
    return [line.removeprefix(start) for line in said.splitlines() if line.startswith(start)]
