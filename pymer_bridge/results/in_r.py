"""Results that have a model, or an object, in R behind them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, ClassVar

from pymer_bridge.results.base import Result


class InR(Result):
    """Base of results that ask R further; stored and pickled they are plain ones."""

    __slots__ = ()

    _stored: ClassVar[Any]
    """The class of what is stored: without R behind it."""

    @classmethod
    def _names(cls) -> tuple[str, ...]:
        return tuple(f.name for f in fields(cls._stored))

    def _plain(self) -> Any:
        return self._stored(**{name: getattr(self, name) for name in self._names()})

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-safe mapping, which reads back as a plain result."""
        mapping: dict[str, Any] = self._plain().to_dict()
        return mapping

    @classmethod
    def from_dict(cls, mapping: Mapping[str, Any]) -> Any:
        """Read back what :meth:`to_dict` gave, as a plain result: it has no R behind it."""
        return cls._stored.from_dict(mapping)

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        """Pickle as a plain result: in another process there is no R behind it."""
        return self._stored, tuple(getattr(self, name) for name in self._names())

    def __eq__(self, other: object) -> bool:
        """Compare what is stored, to the last bit."""
        return bool(self._plain() == (other._plain() if isinstance(other, InR) else other))

    __hash__: ClassVar[None]
    __hash__ = None
