"""The fits of ``all_fit()`` by several processes."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any, Final

from pymer_bridge.replicates import parallel, workers
from pymer_bridge.session.asking import ask
from pymer_bridge.session.calls import Handle
from pymer_bridge.session.r_session import session
from pymer_bridge.session.versions import OF_REPLICATES, r_versions

PLAN: Final = {"task": "optimizers"}


def fit_by_each(
    model: Handle, optimizers: Sequence[str] | None, max_evaluations: float, crew: parallel.Crew
) -> None:
    """Fit a model by each optimizer, for the next ``all_fit()`` of it.

    Parameters
    ----------
    model, optimizers, max_evaluations
        As R's ``all_fit()`` takes them.
    crew
        Who fits.

    Raises
    ------
    RTimeoutError
        This thread's deadline has passed.
    WorkerError
        A worker cannot give the same figures, or workers are killed again and again.
    """
    names = [str(name) for name in ask("available_optimizers", optimizers=optimizers)]
    task = ask("prepare_task", models=[model], plan=PLAN)
    made: dict[int, Any] = {}

    def here(first: int, last: int) -> Any:
        return workers.fits_of(task, names[first:last], max_evaluations)

    def collect(first: int, last: int, packed: Any) -> None:
        made[first] = packed

    with ExitStack() as stack:
        sent = workers.sender([model], PLAN, crew, stack, versions=r_versions(*OF_REPLICATES))

        def there(first: int, last: int) -> parallel.Call:
            return workers.fit_chunk, (*sent(), names[first:last], max_evaluations)

        parallel.run(len(names), here, there, collect, crew=crew, interrupt=session().interrupt)
    ask("use_fits", model=model, packed=[made[first] for first in sorted(made)])
