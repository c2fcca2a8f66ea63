"""A SavedModel run as TF Serving runs it: by tensor name, unchecked."""

import threading
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import tensorflow as tf
from tensorflow.core.framework import types_pb2
from tensorflow.core.protobuf import config_pb2

from keras_colorizer.errors import first_line
from keras_colorizer.serving.rest.metadata import Signature, TensorInfo
from keras_colorizer.serving.rest.status import Code, RestError


class LoadedModel:
    """A SavedModel in a session of its own.

    Python's `Session.run` and the functions of TensorFlow 2 compare shapes
    with the signature first. TF Serving does not, so neither does this: what
    is wrong is told by the graph.

    Args:
        folder: The SavedModel.
        timeout_ms: The most a run may take; 0 for no limit.

    Attributes:
        signatures: By name.

    Raises:
        RestError: If it cannot be loaded.
    """

    def __init__(self, folder: Path, *, timeout_ms: int):
        self._timeout_ms = timeout_ms
        self._calls: dict[str, Callable[..., list[np.ndarray]]] = {}
        self._lock = threading.Lock()
        options = config_pb2.ConfigProto()
        options.gpu_options.allow_growth = True
        self._session = tf.compat.v1.Session(graph=tf.Graph(), config=options)
        try:
            self.signatures = self._load(folder)
        except BaseException:
            self._session.close()
            raise

    def run(
        self, name: str, inputs: Mapping[str, np.ndarray]
    ) -> dict[str, np.ndarray]:
        """Runs a signature.

        Args:
            name: Of the signature.
            inputs: An array for each alias; strings are bytes in an array of
                objects.

        Returns:
            An array for each alias of the outputs, in the same form.

        Raises:
            RestError: With the words of the op that failed.
        """
        signature = self.signatures[name]
        call = self._call(name, signature)
        try:
            fetched = call(*[inputs[alias] for alias in signature.inputs])
        except tf.errors.OpError as error:
            raise _rest_error(error) from None
        except (TypeError, ValueError) as error:
            # What cannot become a tensor does not reach the graph.
            raise RestError(Code.INVALID_ARGUMENT, str(error)) from None
        names = _distinct(signature.outputs)
        return {
            alias: _array(fetched[names.index(info.name)])
            for alias, info in signature.outputs.items()
        }

    def close(self) -> None:
        """Frees the memory; call it once nothing runs any more."""
        with self._lock:
            self._calls.clear()
        self._session.close()

    def _load(self, folder):
        if not (folder / "saved_model.pb").is_file():
            raise RestError(
                Code.NOT_FOUND, f"Could not find a saved_model.pb in {folder}"
            )
        try:
            with self._session.graph.as_default():
                model = tf.compat.v1.saved_model.load(
                    self._session, ["serve"], str(folder)
                )
        except tf.errors.OpError as error:
            raise _rest_error(error) from None
        except Exception as error:
            # Of any kind: it is Python that reads a file damaged anywhere.
            raise RestError(Code.DATA_LOSS, first_line(error)) from None
        return {
            name: Signature(
                _infos(definition.inputs),
                _infos(definition.outputs),
                definition.method_name,
            )
            for name, definition in sorted(model.signature_def.items())
        }

    def _call(self, name, signature):
        with self._lock:
            if name not in self._calls:
                options = config_pb2.CallableOptions(
                    feed=[info.name for info in signature.inputs.values()],
                    fetch=_distinct(signature.outputs),
                )
                options.run_options.timeout_in_ms = self._timeout_ms
                self._calls[name] = self._session._make_callable_from_options(
                    options
                )
            return self._calls[name]


def type_names(tensors: Mapping[str, TensorInfo]) -> dict[str, str]:
    """Returns data types by alias, as TF Serving prints them: "float"."""
    return {
        alias: info.dtype.removeprefix("DT_").lower()
        for alias, info in tensors.items()
    }


def _infos(tensors):
    return {
        alias: TensorInfo(
            info.name,
            types_pb2.DataType.Name(info.dtype),
            _sides(info.tensor_shape),
        )
        for alias, info in sorted(tensors.items())
    }


def _sides(shape) -> tuple[int, ...] | None:
    if shape.unknown_rank:
        return None
    return tuple(side.size for side in shape.dim)


def _distinct(tensors):
    """The names to fetch: two aliases may stand for one tensor."""
    return list(dict.fromkeys(info.name for info in tensors.values()))


def _array(value):
    # A single string comes as such; NumPy's own would lose zeros at its end.
    is_string = isinstance(value, bytes)
    return np.asarray(value, object if is_string else None)


def _rest_error(error):
    return RestError(Code(error.error_code), error.message)
