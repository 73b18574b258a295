"""Storing a fitted model: an open file that is fitted again, R's own file, a script of plain R."""

from __future__ import annotations

import json
from os import PathLike
from pathlib import Path

from pymer_bridge import __version__
from pymer_bridge.data import model_file, packing
from pymer_bridge.data.indexes import pack_index
from pymer_bridge.errors import OptionError, RError
from pymer_bridge.models.base import Asking, Fitted
from pymer_bridge.r_script.analysis import Analysis
from pymer_bridge.session.r_session import session
from pymer_bridge.session.versions import versions_here
from pymer_bridge.spec.model_spec import ModelSpec
from pymer_bridge.spec.options import DataFormat


class Scripting(Asking):
    """Writes a model as a script of plain R."""

    __slots__ = ()

    def to_r_script(self, path: str | Path, data: DataFormat | None = "csv") -> Path:
        """Write a script of plain R that fits this model and asks what was asked of it.

        The script checks versions, reads the data to the last bit, sets levels and contrasts,
        fits the model, prints its summary, and makes each test, interval and bootstrap that was
        made of this model, with the models that it was compared with.

        Parameters
        ----------
        path
            Where the script goes.
        data
            How the data go with it, into files beside it: "csv", or "rds" (R's own format).
            None writes no data: the script then wants a data frame of that name.

        Returns
        -------
        pathlib.Path
            The script.

        Raises
        ------
        OptionError
            ``data`` is not accepted.
        ScriptError
            R has no call that leads from data to this model: it was refitted to another response.

        Notes
        -----
        Predictions and simulations are not in it, nor what R has no function for, such as a wild
        bootstrap; a comment says so. :func:`pymer_bridge.verify` runs the script.

        Examples
        --------
        >>> import tempfile
        >>> import pymer_bridge as pb
        >>> fit = pb.lmer("Reaction ~ Days + (Days | Subject)", pb.load_dataset("sleepstudy"))
        >>> script = fit.to_r_script(f"{tempfile.mkdtemp()}/analysis.R")
        >>> "fit <- lmer(Reaction ~ Days + (Days | Subject), data = sleepstudy)" in (
        ...     script.read_text()
        ... )
        True
        """
        return Analysis.of_model(self._model).write(model_file.path_of(path), data)


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
        record["arrays"] = {name: packing.inline(values) for name, values in arrays.items()}
        with model_file.whole(target) as unfinished:
            unfinished.open("xb").close()  # so that Python says what is wrong with the folder
            session().call(
                "save_rds",
                model=self._model,
                path=str(unfinished.resolve()),
                record=json.dumps(record),
            )
        return target
