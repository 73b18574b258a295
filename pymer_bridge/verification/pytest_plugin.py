"""A plugin of pytest: tests that hold a fitted model to plain R, or to a record.

It comes with the package, and pytest finds it. Nothing starts, and R is not needed, before a test
asks for a fixture.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import pytest

SHOWN: Final = 10
"""How many differences a failing test lists."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--pbr-update``."""
    group = parser.getgroup("pymer_bridge", "mixed models held to R (pymer_bridge)")
    group.addoption(
        "--pbr-update",
        action="store_true",
        help="write the records that tests compare with anew, with what is fitted now",
    )


@pytest.fixture(scope="session")
def r_reference() -> Callable[..., Any]:
    """Run a snippet of plain R on data: ``r_reference("mean(d$x)", d=frame)``.

    The value of the last expression comes back, doubles to the last bit; see
    :func:`pymer_bridge.verification.plain_r.run_snippet`. R runs in a process of its own, without
    profiles.
    """

    def run(script: str, *, timeout: float | None = None, **data: Any) -> Any:
        from pymer_bridge.verification.plain_r import run_snippet  # noqa: PLC0415  # R only when wanted

        return run_snippet(script, data, timeout=timeout)

    return run


@pytest.fixture(scope="session")
def assert_matches_r(r_reference: Callable[..., Any]) -> Callable[..., None]:
    """Assert that a model's figures are R's.

    ``assert_matches_r(fit)`` runs the model in a fresh process of plain R, as
    :func:`pymer_bridge.verify`, and compares all of its figures to the last bit.

    ``assert_matches_r(fit, figures, tolerance=)`` holds figures of other software to the model, as
    :func:`pymer_bridge.compare_figures`.

    ``assert_matches_r(fit, script)`` compares with a script of R. It sees the data of the model
    under the name that its call shows, and what else is given by name. It ends with a model that it
    has fitted, or with figures under the keys of :mod:`pymer_bridge.verification.figures`, such as
    ``c("fixed_effect///Days/estimate" = fixef(fit)[["Days"]])``. Each figure must be the model's,
    to the last bit.
    """

    def check(
        fit: Any,
        figures: Any = None,
        *,
        tolerance: float | Mapping[str, float] | None = None,
        ddf: str | None = None,
        **data: Any,
    ) -> None:
        __tracebackhide__ = True
        from pymer_bridge.errors import OptionError, printable  # noqa: PLC0415

        if isinstance(figures, str):
            if tolerance is not None:
                raise OptionError("a script of R must give the same bits: it takes no tolerance")
            wrong = _against_script(fit, figures, ddf, data, r_reference)
        elif data:
            raise OptionError(f"{', '.join(data)}: data are for a script of R, which is a text")
        else:
            wrong = _against_figures(fit, figures, tolerance, ddf)
        if wrong:
            pytest.fail(printable(wrong))

    return check


@pytest.fixture
def assert_matches_record(request: pytest.FixtureRequest) -> Callable[..., None]:
    """Assert that nothing drifted: ``assert_matches_record(fit, "results.pbr.json")``.

    The file lies in the folder of the test, or where its path says. With ``pytest --pbr-update``
    it is written, and nothing compared. Further arguments are those of
    :func:`pymer_bridge.verify_record`.
    """

    def check(fit: Any, path: Any, *, ddf: str | None = None, **options: Any) -> None:
        __tracebackhide__ = True
        from pymer_bridge.errors import OptionError, printable, shown  # noqa: PLC0415
        from pymer_bridge.verification.records import record, verify_record  # noqa: PLC0415

        if not isinstance(path, str | Path) or "\0" in str(path):
            raise OptionError(f"{shown(path)} is not the path of a record")
        target = request.path.parent / path
        if request.config.getoption("--pbr-update"):
            # What other tests asked of the model depends on which of them ran.
            record(fit, target, ddf=ddf, results=False)
            return
        if not target.is_file():
            pytest.fail(
                f"there is no record {printable(str(target))}; write it with: pytest --pbr-update"
            )
        report = verify_record(target, fit, **options)
        if not report.ok:
            pytest.fail(printable(str(report)))

    return check


def _against_figures(fit: Any, figures: Any, tolerance: Any, ddf: str | None) -> str:
    """Say which figure is not R's; "" if all are."""
    if figures is None:
        from pymer_bridge.verification.against_r import verify  # noqa: PLC0415

        found = verify(fit, runs=1)
        return "" if found.ok else str(found)
    from pymer_bridge.verification.compare_figures import compare_figures  # noqa: PLC0415

    report = compare_figures(fit, figures, tolerance, ddf=ddf)
    return "" if report.ok else f"{report.first}\n\n{report}"


def _against_script(
    fit: Any, script: str, ddf: str | None, data: Mapping[str, Any], run: Callable[..., Any]
) -> str:
    __tracebackhide__ = True
    from pymer_bridge.errors import OptionError  # noqa: PLC0415
    from pymer_bridge.verification.figures import figures_of  # noqa: PLC0415

    ours = figures_of(fit, ddf).values
    if fit.spec.data_name in data:
        raise OptionError(f"{fit.spec.data_name} is the name of the model's own data")
    theirs = run(script, **{fit.spec.data_name: fit, **data})
    if not isinstance(theirs, Mapping) or not theirs:
        return "the script must end with a fitted model, or with named figures"
    found = _differences(ours, theirs)
    more = [f"... and {len(found) - SHOWN} more"] if len(found) > SHOWN else []
    heading = f"{len(found)} of {len(theirs)} figures are not plain R's:"
    return "\n".join([heading, *found[:SHOWN], *more]) if found else ""


def _differences(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> list[str]:
    from pymer_bridge.data.exact import same, ulps  # noqa: PLC0415

    found = []
    for key, value in theirs.items():
        if key not in ours:
            found.append(f"{key}: the model has no such figure")
            continue
        mine = ours[key]
        # R counts in doubles too.
        if isinstance(mine, int) and not isinstance(mine, bool) and isinstance(value, float):
            mine = float(mine)
        if not same(mine, value):
            steps = ulps(mine, value)
            apart = "" if steps is None else f" ({steps} ulps apart)"
            found.append(f"{key}: {mine!r}, R has {value!r}{apart}")
    return found
