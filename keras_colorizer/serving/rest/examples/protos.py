"""`tf.train.Example`, serialized.

Source: TensorFlow's `example.proto` and `feature.proto`, and protobuf's wire
format.
"""

from collections.abc import Mapping

import numpy as np

Feature = list[bytes] | list[float] | list[int]

_LENGTH_DELIMITED = 2


def serialized_example(features: Mapping[str, Feature]) -> bytes:
    """Serializes an example.

    Args:
        features: By name: bytes, floats (rounded to 32 bits, infinite if
            too large) or integers in [-2**63, 2**63); never mixed.
    """
    entries = (
        _field(
            1, _field(1, name.encode("utf-8", "surrogateescape")) + _value(f)
        )
        for name, f in features.items()
    )
    return _field(1, b"".join(entries))


def _value(feature):
    return _field(2, _list(feature))


def _list(feature):
    if not feature:
        return b""
    if isinstance(feature[0], bytes):
        return _field(1, b"".join(_field(1, value) for value in feature))
    if isinstance(feature[0], float):
        with np.errstate(over="ignore"):
            values = np.array(feature).astype("<f4")
        return _field(2, _field(1, values.tobytes()))
    packed = b"".join(_varint(value % 2**64) for value in feature)
    return _field(3, _field(1, packed))


def _field(number, content):
    key = _varint(number << 3 | _LENGTH_DELIMITED)
    return key + _varint(len(content)) + content


def _varint(value):
    parts = bytearray()
    while value >= 0x80:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    parts.append(value)
    return bytes(parts)
