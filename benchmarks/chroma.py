"""How much chroma photos have, a model paints, and `--saturation auto` makes.

    python benchmarks/chroma.py --data FOLDER

The first table's last line is what `auto` aims at, `NATURAL_CHROMA`, if the
folder holds photos of all kinds. The second compares ways to choose the factor:
for it, the photos should be ones that the model has not been trained on.
"""

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tyro
from measuring import print_machine, print_table

from keras_colorizer import metrics
from keras_colorizer.chroma import steps
from keras_colorizer.chroma.saturation import NATURAL_CHROMA, factor_for
from keras_colorizer.photos import find_photos, read_rgb
from keras_colorizer.silence import silent_stderr

SHORT_SIDE = 128  # Pixels at least, less than 256: means need no more.
PERCENTILES = (10, 25, 50, 75, 90)
CAPS = (1.5, 2.0, 3.0)


@dataclass(frozen=True)
class PaintedPhoto:
    """A photo and what the model paints on it.

    Attributes:
        true: With its colors.
        true_chroma: Mean over its pixels, L*a*b* units.
        ab: `(s, s, 2)` float32, L*a*b* units.
        chroma: The mean of that.
    """

    true: metrics.MeasuredPhoto
    true_chroma: float
    ab: np.ndarray
    chroma: float


def main(
    *, data: Path, model: Path | None = None, per_folder: int = 170
) -> None:
    """Measures the mean chroma of every photo, true and painted.

    Args:
        data: A folder of color photos, with a folder in it for each kind.
        model: As for colorize; by default the pretrained one.
        per_folder: As many photos of each folder are drawn, evenly spread, so
            that every kind counts the same.
    """
    print_machine("tensorflow", "numpy")
    colorizer = _loaded(model)
    painted = {
        folder: [_painted(colorizer, path) for path in paths]
        for folder, paths in _drawn(data, per_folder).items()
    }
    _print_chromas(painted)
    _print_rules([photo for photos in painted.values() for photo in photos])


def _loaded(model):
    with silent_stderr():
        from keras_colorizer import Colorizer

        if model is None:
            return Colorizer.from_preset("small")
        return Colorizer.load(model)


def _drawn(data, per_folder):
    folders = defaultdict(list)
    for found in find_photos([data]):
        folders[str(found.relative.parent)].append(found.path)
    return {
        folder: [paths[place] for place in _even(len(paths), per_folder)]
        for folder, paths in sorted(folders.items())
    }


def _even(length, count):
    places = np.linspace(0, length - 1, min(length, count))
    return places.round().astype(int)


def _painted(colorizer, path):
    true = metrics.MeasuredPhoto(read_rgb(path, short_side=SHORT_SIDE))
    lightness = steps.photo_lightness(true.rgb)
    view = steps.network_view(lightness, colorizer.render_size)
    ab = colorizer.predict_ab(view)[0]
    return PaintedPhoto(true, _chroma(true.lab[..., 1:]), ab, _chroma(ab))


def _chroma(ab):
    return float(np.hypot(ab[..., 0], ab[..., 1]).mean())


def _print_chromas(painted):
    header = [f"{share} %" for share in PERCENTILES]
    print_table(
        ["true chroma", "photos", "mean", *header],
        [
            *(_chroma_row(name, photos) for name, photos in painted.items()),
            _chroma_row("all", [p for ps in painted.values() for p in ps]),
        ],
    )


def _chroma_row(name, photos):
    chromas = [photo.true_chroma for photo in photos]
    percentiles = np.percentile(chromas, PERCENTILES)
    return name, len(photos), float(np.mean(chromas)), *percentiles


def _print_rules(photos):
    print_table(
        ["factor", "largest", "chroma", "off the true", "CIEDE2000"],
        [
            (name, float(factors.max()), *_outcome(photos, factors))
            for name, factors in _rules(photos).items()
        ],
    )
    true, painted = _chromas(photos)
    print(
        f"Painted chroma has a mean of {painted.mean():.1f}, the true one of "
        f"{true.mean():.1f}; they\ncorrelate by "
        f"{np.corrcoef(true, painted)[0, 1]:.2f}."
    )
    vivid = painted > NATURAL_CHROMA
    if vivid.any():
        print(
            f"{vivid.sum()} photos are painted with more than "
            f"{NATURAL_CHROMA:.0f}, {painted[vivid].mean():.1f} on average; "
            f"in truth they\nhave {true[vivid].mean():.1f}."
        )


def _rules(photos):
    """Ways to choose the factor: one for each photo, by name."""
    true, painted = _chromas(photos)
    to_natural = NATURAL_CHROMA / painted
    slope, offset = np.polyfit(painted, true, 1)
    return {
        "1": np.ones_like(painted),
        "one for all photos": np.full_like(
            painted, true.mean() / painted.mean()
        ),
        "best straight line": slope + offset / painted,
        "to natural": to_natural,
        **{f"to natural, 0 to {c}": to_natural.clip(0, c) for c in CAPS},
        "auto": np.array([factor_for("auto", photo.ab) for photo in photos]),
    }


def _outcome(photos, factors):
    """Mean chroma, its mean distance from the true one, and CIEDE2000."""
    rows = []
    for photo, factor in zip(photos, factors, strict=True):
        lightness = steps.photo_lightness(photo.true.rgb)
        ab = np.float32(factor) * photo.ab
        shown = metrics.MeasuredPhoto(steps.merge(lightness, ab, np.uint8))
        chroma = _chroma(shown.lab[..., 1:])
        off = metrics.ciede2000(photo.true.lab, shown.lab)
        rows.append((chroma, abs(chroma - photo.true_chroma), off))
    return [float(mean) for mean in np.mean(rows, axis=0)]


def _chromas(photos):
    return np.array([(p.true_chroma, p.chroma) for p in photos]).T


if __name__ == "__main__":
    tyro.cli(main)
