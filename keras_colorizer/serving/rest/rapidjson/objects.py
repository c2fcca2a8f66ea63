"""JSON objects, in which a key may occur more than once."""


class RepeatedKeys(dict):
    """An object with equal keys: of those, the first holds.

    Attributes:
        pairs: All keys with their values, as they came.
    """

    def __init__(self, pairs: list[tuple[str, object]]):
        super().__init__()
        for key, value in pairs:
            self.setdefault(key, value)
        self.pairs = pairs


def json_object(pairs: list[tuple[str, object]]) -> dict:
    """Returns the object of these keys and values."""
    members = dict(pairs)
    return members if len(members) == len(pairs) else RepeatedKeys(pairs)


def members(value: dict) -> list[tuple[str, object]]:
    """Returns all keys with their values, repeated ones included."""
    return getattr(value, "pairs", None) or list(value.items())


def is_base64_object(value) -> bool:
    """Tells whether a value is `{"b64": "..."}`, and nothing else."""
    return (
        isinstance(value, dict)
        and isinstance(value.get("b64"), str)
        and len(members(value)) == 1
    )
