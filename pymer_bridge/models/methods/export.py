"""What every fitted model can be stored as: an open file that is fitted again, or R's own."""

from __future__ import annotations

import base64
import json
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from pymer_bridge._version import __version__
from pymer_bridge.data import model_file, packing
from pymer_bridge.data.indexes import pack_index
from pymer_bridge.errors import OptionError, RError
from pymer_bridge.models.base import Fitted
from pymer_bridge.session.r_session import session
from pymer_bridge.session.versions import versions_here
from pymer_bridge.spec.model_spec import ModelSpec


class Saving(Fitted):
    """A fitted model that can be stored."""

    __slots__ = ()

    spec: ModelSpec

    def save(self, path: str | PathLike[str]) -> Path:
        """Store the data, the specification and the main figures in an open file.

        Parameters
        ----------
        path
            The file, such as ``"fit.pbr.zip"``; what was there is replaced, whole or not at all.

        Returns
        -------
        pathlib.Path
            The file.

        Raises
        ------
        OptionError
            The index of the data cannot be stored, the model is too large, or it came from a
            file that R wrote.
        OSError
            The file cannot be written.

        Notes
        -----
        The file is a zip of one JSON text and plain numpy arrays, and nothing in it is ever run.
        It holds the columns that the model used, as they went to R, and no fit:
        :func:`pymer_bridge.load` fits the model again, and compares the figures. A hash tells
        of damage and edits, not of who wrote the file.

        Examples
        --------
        >>> import tempfile
        >>> import pymer_bridge as pb
        >>> fit = pb.lmer("Reaction ~ Days + (Days | Subject)", pb.load_dataset("sleepstudy"))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     again = pb.load(fit.save(f"{folder}/fit.pbr.zip"))
        >>> again.sigma == fit.sigma
        True
        """
        target = model_file.path_of(path)
        try:
            found = session().call("saved_model", model=self._model).value
        except RError as error:
            raise OptionError(f"the model cannot be stored: {error.message}") from error
        arrays: packing.Arrays = {}
        frame = found["frame"]
        document = {
            "pymer_bridge": __version__,
            "versions": versions_here(),
            "spec": packing.pack(self.spec, arrays),
            "columns": {
                "names": list(frame["names"]),
                "n_rows": int(frame["n_rows"][0]),
                "parts": [packing.pack_part(part, arrays) for part in frame["parts"]],
            },
            "index": pack_index(self._index, arrays),
            "refitted": bool(found["refitted"][0]),
            "figures": packing.pack_figures(found["figures"]),
        }
        model_file.write(target, document, arrays)
        return target

    def save_rds(self, path: str | PathLike[str]) -> Path:
        """Store the fit as R's own file, which ``readRDS()`` reads in any R with lme4.

        Parameters
        ----------
        path
            The file, such as ``"fit.rds"``; what was there is replaced, whole or not at all.

        Returns
        -------
        pathlib.Path
            The file.

        Raises
        ------
        OptionError
            The index of the data cannot be stored.
        OSError
            The file cannot be written.

        Notes
        -----
        R function: ``saveRDS``. In R the file is lme4's own fit, with its data. Send
        :meth:`save`'s file to others: reading an ``.rds`` can run code, see
        :func:`pymer_bridge.load_rds`.

        Examples
        --------
        >>> import tempfile
        >>> import pymer_bridge as pb
        >>> fit = pb.lmer("Reaction ~ Days + (Days | Subject)", pb.load_dataset("sleepstudy"))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     again = pb.load_rds(fit.save_rds(f"{folder}/fit.rds"), trust=True)
        >>> again.sigma == fit.sigma
        True
        """
        target = model_file.path_of(path)
        arrays: packing.Arrays = {}
        record = {
            "version": model_file.VERSION,
            "spec": packing.pack(self.spec, arrays),
            "index": pack_index(self._index, arrays),
        }
        record["arrays"] = {name: inline(values) for name, values in arrays.items()}
        with model_file.whole(target) as unfinished:
            unfinished.open("xb").close()  # so that Python says what is wrong with the folder
            session().call(
                "save_rds", model=self._model, path=str(unfinished.resolve()),
                record=json.dumps(record),
            )  # fmt: skip
        return target


def inline(values: np.ndarray[Any, Any]) -> dict[str, Any]:
    """Return an array as JSON that can stand in a text."""
    bits = base64.b64encode(np.ascontiguousarray(values).tobytes()).decode()
    return {"dtype": values.dtype.name, "shape": list(values.shape), "base64": bits}


def from_inline(record: dict[str, Any]) -> np.ndarray[Any, Any]:
    """Return the array that stands in the text of an .rds file.

    Raises
    ------
    ValueError
        It is none.
    """
    if record["dtype"] not in model_file.DTYPES:
        raise ValueError(f"an array of {record['dtype']}")
    values = np.frombuffer(base64.b64decode(record["base64"]), dtype=record["dtype"])
    return values.reshape(record["shape"])
