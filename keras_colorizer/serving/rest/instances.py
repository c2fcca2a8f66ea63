"""The row format: a list of instances, which becomes a batch."""

from collections.abc import Mapping

import numpy as np

from keras_colorizer.serving.rest.rapidjson.echo import echo
from keras_colorizer.serving.rest.rapidjson.objects import is_base64_object
from keras_colorizer.serving.rest.status import RestError, invalid_argument
from keras_colorizer.serving.rest.tensors.reading import (
    MAX_RANK,
    dense_shape,
    first_misfit,
    fit_shape,
    read_tensor,
)


def read_instances(
    instances: list, inputs: Mapping[str, str]
) -> dict[str, np.ndarray]:
    """Converts instances to tensors with a batch dimension.

    Args:
        instances: One or more: plain values or arrays for a signature with one
            input, or objects that name each input.
        inputs: The type of each input by its alias.

    Returns:
        The tensors by alias.

    Raises:
        RestError: INVALID_ARGUMENT, for the first instance that is not like
            the first one, or does not fit the inputs.

    Source: TF Serving's `util/json_tensor.cc`,
    FillTensorMapFromInstancesList.
    """
    first = instances[0]
    if not isinstance(first, dict) and len(inputs) > 1:
        raise invalid_argument(
            "instances is a plain list, but expecting list of objects as "
            "multiple input tensors required as per tensorinfo_map"
        )
    if _names_inputs(first):
        return _Named(inputs).read(instances)
    return _Plain(inputs).read(instances)


def _names_inputs(instance):
    return isinstance(instance, dict) and not is_base64_object(instance)


class _Plain:
    """Instances that are values of the only input."""

    def __init__(self, inputs):
        self._inputs = inputs
        self._name, self._dtype = next(iter(inputs.items()))

    def read(self, instances):
        try:
            tensor = read_tensor(instances, self._name, self._dtype)
        except RestError:
            raise self._error(instances) from None
        if len(self._inputs) > 1:
            raise _missing_inputs([self._name], self._inputs)
        return {self._name: tensor}

    def _error(self, instances):
        try:
            shape = _shape(instances[0], self._name)
            i = first_misfit(
                instances, lambda items: fit_shape(items, shape, self._dtype)
            )
        except RestError as error:
            return _in_instance(0, error)
        if _names_inputs(instances[i]):
            return invalid_argument(
                f"Expecting value/list but got object at item {i} of input list"
            )
        return _in_instance(
            i, _difference(instances[i], shape, self._name, self._dtype)
        )


class _Named:
    """Instances that are objects with a value for each input."""

    def __init__(self, inputs):
        self._inputs = inputs

    def read(self, instances):
        if not all(self._is_complete(instance) for instance in instances):
            raise self._error(instances)
        try:
            return {
                name: read_tensor([i[name] for i in instances], name, dtype)
                for name, dtype in self._inputs.items()
            }
        except RestError:
            raise self._error(instances) from None

    def _is_complete(self, instance):
        return _names_inputs(instance) and (
            instance.keys() == self._inputs.keys()
        )

    def _error(self, instances):
        shapes: dict[str, tuple] = {}
        error = self._error_in(0, instances[0], shapes)
        if error is not None:
            return error
        i = first_misfit(instances, lambda items: self._fit(items, shapes))
        return self._error_in(i, instances[i], shapes)

    def _fit(self, instances, shapes):
        return all(self._is_complete(instance) for instance in instances) and (
            all(
                fit_shape([i[name] for i in instances], shapes[name], dtype)
                for name, dtype in self._inputs.items()
            )
        )

    def _error_in(self, i, instance, shapes):
        """Returns what is wrong with one instance, and keeps new shapes."""
        if not _names_inputs(instance):
            return invalid_argument(
                f"Expecting object but got list at item {i} of input list"
            )
        for name, value in instance.items():
            error = self._error_of(name, value, shapes)
            if error is not None:
                return _in_instance(i, error, key=name)
        if instance.keys() == self._inputs.keys():
            return None
        return invalid_argument(
            f"Failed to process element: {i} of 'instances' list. JSON object: "
            f"{echo(instance)} keys must be equal to: "
            f"{','.join(sorted(self._inputs))}"
        )

    def _error_of(self, name, value, shapes):
        if name not in self._inputs:
            return invalid_argument(
                f"JSON object: does not have named input: {name}"
            )
        try:
            shape = shapes.setdefault(name, _shape(value, name))
        except RestError as error:
            return error
        return _difference(value, shape, name, self._inputs[name])


def _shape(value, name):
    # The batch takes one dimension.
    return dense_shape(value, name, max_rank=MAX_RANK - 1)


def _difference(value, shape, name, dtype):
    """Returns how a value differs from a tensor of this shape, or None."""
    try:
        tensor = read_tensor(value, name, dtype)
    except RestError as error:
        return error
    if tensor.size != np.prod(shape, dtype=int):
        return invalid_argument(
            f"Expecting tensor size: {np.prod(shape, dtype=int)} but got: "
            f"{tensor.size}"
        )
    if tensor.shape != shape:
        return invalid_argument(
            f"Expecting shape {_shape_text(shape)} but got: "
            f"{_shape_text(tensor.shape)}"
        )
    return None


def _in_instance(i, error, *, key=None):
    where = "" if key is None else f"key: {key} "
    return invalid_argument(
        f"Failed to process element: {i} {where}of 'instances' list. Error: "
        f"{error.code.name}: {error.message}"
    )


def _missing_inputs(sent, inputs):
    names = sorted(inputs)
    missing = [name for name in names if name not in sent]
    return invalid_argument(
        f"input size does not match signature: {len(sent)}!={len(names)} "
        f"len({{{','.join(sent)}}}) != len({{{','.join(names)}}}). Sent extra: "
        f"{{}}. Missing but required: {{{','.join(missing)}}}."
    )


def _shape_text(shape):
    return f"[{','.join(map(str, shape))}]"
