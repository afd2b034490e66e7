"""The two catalogs."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any


class Metadata(SimpleNamespace):
    """What is known of a dataset; a value that is set stays."""

    def __setattr__(self, key: str, value: Any) -> None:
        if key in self.__dict__:
            assert self.__dict__[key] == value, f"{key} cannot be set to a different value"
        super().__setattr__(key, value)

    def set(self, **values: Any) -> "Metadata":
        for key, value in values.items():
            setattr(self, key, value)
        return self


class _Datasets(dict[str, Callable[[], list[dict[str, Any]]]]):
    def register(self, name: str, function: Callable[[], list[dict[str, Any]]]) -> None:
        assert callable(function)
        assert name not in self, f"{name} is already registered"
        self[name] = function

    def get(self, name: str) -> list[dict[str, Any]]:  # type: ignore[override]
        return self[name]()

    def list(self) -> list[str]:
        return [*self]

    def remove(self, name: str) -> None:
        del self[name]


class _AllMetadata(dict[str, Metadata]):
    def get(self, name: str) -> Metadata:  # type: ignore[override]
        return self.setdefault(name, Metadata(name=name))

    def list(self) -> list[str]:
        return [*self]

    def remove(self, name: str) -> None:
        del self[name]


DatasetCatalog = _Datasets()
MetadataCatalog = _AllMetadata()
