"""The factor that makes a photo as colorful as natural ones are."""

import math
from numbers import Real

import numpy as np

from keras_colorizer.errors import ConfigError

AUTO = "auto"

# Mean chroma of a color photo, sqrt(a*^2 + b*^2) in L*a*b* units: the mean
# over photos of all kinds, see docs/studies.md.
NATURAL_CHROMA = 17.0
# Beyond it photos come no nearer to their true chroma, and wrong colors glare:
# fog and documents are grey for a reason.
MOST = 2.0


def check_saturation(saturation: float | str) -> None:
    """Checks that a saturation is a factor or `auto`.

    Raises:
        ConfigError: If it is negative, not finite, or another word.
    """
    if isinstance(saturation, Real):
        fits = 0 <= saturation < math.inf  # NaN is not.
    else:
        fits = isinstance(saturation, str) and saturation == AUTO
    if not fits:
        raise ConfigError(
            "The saturation must be a number of 0 or more, or `auto`. "
            f"Received: {saturation}"
        )


def factor_for(saturation: float | str, ab: np.ndarray) -> np.float32:
    """Returns the factor on predicted ab.

    Args:
        saturation: That factor, or `auto` for the one that raises the mean
            chroma to `NATURAL_CHROMA`: never below 1, as a photo painted
            vividly is vivid more often than not, and at most `MOST`.
        ab: `(s, s, 2)` float32, L*a*b* units.
    """
    if saturation != AUTO:
        return np.float32(saturation)
    chroma = np.hypot(ab[..., 0], ab[..., 1]).mean()
    timid = np.clip(chroma, NATURAL_CHROMA / MOST, NATURAL_CHROMA)
    return np.float32(NATURAL_CHROMA / timid)
