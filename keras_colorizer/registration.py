"""Registration of the package's Keras classes, before they are imported.

`keras.saving.load_model` finds classes that their decorator has registered.
So that it finds those of this package without anything of it but
`import keras_colorizer`, and that costs no import of Keras, stand-ins are
registered when Keras is imported; they import a class when a file needs it.
"""

import importlib
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType
from typing import Any

PACKAGE = "keras_colorizer"

# The module of each class that is decorated with
# `keras.saving.register_keras_serializable(PACKAGE)`.
SERIALIZABLE = {
    "ColorizationGAN": "gan",
    "DoublePixels": "networks.smooth_decoder",
    "HintPropagation": "networks.hint_propagation",
    "Readout": "networks.readout",
}


def register_with_keras() -> None:
    """Registers all classes now, or as soon as Keras is imported."""
    if sys.modules.get("keras"):
        _register()
    else:
        sys.meta_path.insert(0, _KerasFinder())


class _StandIn:
    """Takes the place of a class that is not imported yet."""

    def __init__(self, name: str):
        self._name = name

    def from_config(self, config: dict[str, Any]) -> Any:
        module = f"{PACKAGE}.{SERIALIZABLE[self._name]}"
        return getattr(importlib.import_module(module), self._name).from_config(
            config
        )


def _register() -> None:
    from keras.saving import get_custom_objects

    for name in SERIALIZABLE:
        get_custom_objects().setdefault(f"{PACKAGE}>{name}", _StandIn(name))


class _KerasFinder(MetaPathFinder):
    """Leaves the search for Keras to others, and registers after its import."""

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,
        target: ModuleType | None = None,
    ) -> ModuleSpec | None:
        if fullname != "keras":
            return None
        sys.meta_path.remove(self)
        spec = find_spec(fullname)
        if spec is not None and spec.loader is not None:
            _run_after_import(spec.loader)
        return spec


def _run_after_import(loader: Any) -> None:
    execute = loader.exec_module

    def exec_module(module: ModuleType) -> None:
        execute(module)
        _register()

    loader.exec_module = exec_module
