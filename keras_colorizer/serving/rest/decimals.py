"""Floating-point numbers as TF Serving prints them.

Six digits if they tell the number exactly, else as many as its type needs; a
`.0` after whole numbers.

Source: TF Serving's `util/json_tensor.cc`, WriteDecimal.
"""

import numpy as np

_SHORT_DIGITS = 6
_FULL_DIGITS = {np.dtype("float32"): 9, np.dtype("float64"): 17}

# Doubles hold these powers of ten exactly.
_EXACT_POWERS = 10.0 ** np.arange(23)
_EXACT_RANGE = (1e-16, 1e26)

# `%.0s` takes the number, and prints nothing of it.
_SPECIAL = ["NaN%.0s", "Infinity%.0s", "-Infinity%.0s"]


def decimal_text(value: np.floating) -> str:
    """Returns a number's text; NaN, Infinity and -Infinity are bare words."""
    values = np.asarray(value).reshape(1)
    return formats(values.dtype)[format_indices(values)[0]] % values[0]


def formats(dtype: np.dtype) -> list[str]:
    """Returns the printf formats that `format_indices` chooses from."""
    full = f"%.{_FULL_DIGITS[dtype]}g"
    return ["%g", "%g.0", full, f"{full}.0", *_SPECIAL]


@np.errstate(invalid="ignore", over="ignore")
def format_indices(values: np.ndarray) -> np.ndarray:
    """Chooses a format for each number.

    Args:
        values: `(n,)` float32 or float64.

    Returns:
        `(n,)` indices into `formats(values.dtype)`.
    """
    wide = values.astype(np.float64)
    full = ~_told_by_six_digits(wide, values.dtype)
    limit = np.where(
        full, 10.0 ** _FULL_DIGITS[values.dtype], 10.0**_SHORT_DIGITS
    )
    whole = (np.rint(wide) == wide) & (np.abs(wide) < limit)
    indices = 2 * full + whole
    specials = (np.isnan(wide), wide == np.inf, wide == -np.inf)
    for i, special in enumerate(specials):
        indices[special] = 4 + i
    return indices


def _told_by_six_digits(wide, dtype):
    """Tells where a number rounded to six digits is the number itself."""
    size = np.abs(wide)
    lowest, highest = _EXACT_RANGE
    safe = (size >= lowest) & (size < highest)
    rounded = np.where(safe, _six_digits(np.where(safe, size, 1.0)), size)
    told = rounded.astype(dtype) == size
    for i in np.flatnonzero(~safe & (size > 0) & np.isfinite(size)):
        told[i] = dtype.type(f"{size[i]:g}") == size[i]
    return told


def _six_digits(size):
    """Rounds to six digits: exactly wherever that gives the number back."""
    shift = np.floor(np.log10(size)).astype(np.intp) - (_SHORT_DIGITS - 1)
    power = _EXACT_POWERS[np.abs(shift)]
    large = shift > 0
    digits = np.rint(np.where(large, size / power, size * power))
    return np.where(large, digits * power, digits / power)
