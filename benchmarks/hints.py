"""Gain of hints, beside propagation without a network.

Run it as `python benchmarks/hints.py --photos FOLDER --model FILE`.
"""

from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import numpy as np
import tyro
from measuring import print_machine, print_table
from scipy import sparse
from scipy.ndimage import uniform_filter
from scipy.sparse.linalg import splu
from skimage.transform import resize

from keras_colorizer import Colorizer
from keras_colorizer.chroma import steps
from keras_colorizer.hints import HINT_ROWS
from keras_colorizer.metrics import MeasuredPhoto, ciede2000, psnr
from keras_colorizer.photos import find_photos, read_rgb

COUNTS = (0, 1, 2, 5, 10, 20, 32)
SHORT_SIDE = 256  # Pixels, of photos: less than twice that.
SIDE = 128  # Of the square on which the peer propagates.
NEAR = 2  # A hint is the mean of 5 x 5 pixels.
OTHER = 30.0  # L*a*b* units from a hint's color: it should not reach there.
PRIOR = 1e-8  # Weight of the automatic picture for the peer.
HELD = 100.0  # Of a hint for the peer.
SCORES = {
    "psnr": "PSNR, dB, by number of hints",
    "ciede2000": "CIEDE2000",
    "own": "error of ab at the hints' places",
    "leak": "change of ab where the truth is 30 from a lone hint",
}

Propagate = Callable[[np.ndarray], np.ndarray]
Scores = dict[str, dict[str, list[list[float]]]]


def main(
    photos: Path, *, model: Path | None = None, limit: int = 250, seed: int = 0
) -> None:
    """Colors photos with their own colors as hints, at random places.

    The same hints go to the network and to Levin et al., "Colorization using
    optimization", 2004, https://doi.org/10.1145/1015706.1015780, which spreads
    what they differ from the network's automatic picture over neighbors of
    like lightness, at 128 x 128 pixels.

    Args:
        photos: A folder of color photos.
        model: As for `Colorizer.load`; by default the pretrained `small`.
        limit: Of the photos, evenly drawn from the folder.
        seed: Of the places.
    """
    colorizer = (
        Colorizer.load(model) if model else Colorizer.from_preset("small")
    )
    found = find_photos([photos])
    chosen = found[:: max(1, len(found) // limit)][:limit]
    rng = np.random.default_rng(seed)
    scores: Scores = {name: defaultdict(list) for name in SCORES}
    for photo in chosen:
        _score(
            colorizer, read_rgb(photo.path, short_side=SHORT_SIDE), rng, scores
        )
    print_machine("scipy", "ai-edge-litert")
    print(f"{len(chosen)} photos, means over them.\n")
    for name, title in SCORES.items():
        counts = [n for n in COUNTS if _is_scored(name, n)]
        rows = [
            (method, *(float(x) for x in np.nanmean(values, axis=0)))
            for method, values in scores[name].items()
        ]
        print_table([title, *map(str, counts)], rows)


def _is_scored(name: str, count: int) -> bool:
    return {"own": count > 0, "leak": count == 1}.get(name, True)


def _score(
    colorizer: Colorizer,
    rgb: np.ndarray,
    rng: np.random.Generator,
    scores: Scores,
) -> None:
    """Adds the scores of one photo, of each method and number of hints."""
    photo = MeasuredPhoto(rgb)
    lightness = steps.photo_lightness(rgb)
    view = steps.network_view(lightness, colorizer.render_size)
    hints = _true_hints(photo.lab[..., 1:], rng)
    methods: dict[str, Propagate] = {
        "this network": _by_network(colorizer, view),
        "Levin et al. 2004": _by_levin(
            steps.network_view(lightness, SIDE)[0, :, :, 0],
            colorizer.predict_ab(view)[0],
        ),
    }
    for method, propagate in methods.items():
        rows = defaultdict(list)
        pictures = {n: propagate(hints[:n]) for n in COUNTS}
        for n, ab in pictures.items():
            colored = MeasuredPhoto(steps.merge(lightness, ab, np.uint8))
            rows["psnr"].append(psnr(rgb, colored.rgb))
            rows["ciede2000"].append(ciede2000(photo.lab, colored.lab))
            if n:
                rows["own"].append(_own_error(ab, hints[:n]))
        truth = resize(
            photo.lab[..., 1:], pictures[1].shape, anti_aliasing=True
        )
        other = np.linalg.norm(truth - hints[0, 2:4], axis=-1) > OTHER
        change = np.linalg.norm(pictures[1] - pictures[0], axis=-1)
        rows["leak"].append(change[other].mean() if other.any() else np.nan)
        for name, values in rows.items():
            scores[name][method].append(values)


def _true_hints(ab: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Returns 32 rows as artifacts take them, of random places' true colors."""
    height, width, _ = ab.shape
    near = uniform_filter(ab, (2 * NEAR + 1, 2 * NEAR + 1, 0))
    hints = np.ones(HINT_ROWS, "float32")
    rows = rng.integers(NEAR, height - NEAR, len(hints))
    columns = rng.integers(NEAR, width - NEAR, len(hints))
    hints[:, 0] = (columns + 0.5) / width
    hints[:, 1] = (rows + 0.5) / height
    hints[:, 2:4] = near[rows, columns]
    return hints


def _own_error(ab: np.ndarray, hints: np.ndarray) -> float:
    own = ab[_pixels(hints, len(ab))]
    return float(np.linalg.norm(own - hints[:, 2:4], axis=-1).mean())


def _pixels(hints: np.ndarray, side: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns rows and columns of hints in a square."""
    column, row = np.minimum(hints[:, :2] * side, side - 1).astype(int).T
    return row, column


def _by_network(colorizer: Colorizer, view: np.ndarray) -> Propagate:
    def propagate(hints: np.ndarray) -> np.ndarray:
        rows = np.zeros((1, *HINT_ROWS), "float32")
        rows[0, : len(hints)] = hints
        return colorizer.predict_ab_with_hints(view, rows)[0]

    return propagate


def _by_levin(lightness: np.ndarray, automatic: np.ndarray) -> Propagate:
    """Spreads residuals d by minimizing |d - W d|^2 + PRIOR |d|^2 + hints."""
    automatic = resize(automatic, (SIDE, SIDE, 2), order=1)
    smooth = sparse.eye(SIDE**2) - _weights(lightness / 100)
    system = smooth.T @ smooth + PRIOR * sparse.eye(SIDE**2)

    def propagate(hints: np.ndarray) -> np.ndarray:
        if not len(hints):
            return automatic
        places = _pixels(hints, SIDE)
        flat = np.ravel_multi_index(places, (SIDE, SIDE))
        held = np.zeros(SIDE**2)
        held[flat] = HELD
        residuals = np.zeros((SIDE**2, 2))
        residuals[flat] = hints[:, 2:4] - automatic[places]
        factors = splu(
            (system + sparse.diags(held)).tocsc(),
            permc_spec="MMD_AT_PLUS_A",
            diag_pivot_thresh=0.0,
            options={"SymmetricMode": True},
        )
        solved = factors.solve(held[:, None] * residuals)
        return (automatic + solved.reshape(automatic.shape)).astype("float32")

    return propagate


def _weights(lightness: np.ndarray) -> sparse.csr_matrix:
    """Shares of the 8 neighbors in a pixel, by likeness.

    Source: getVolColor of the authors' code: exp(-difference^2 / variance),
    with 0.6 of the variance of 3 x 3 pixels, and no less than what gives the
    likest neighbor 1 %.
    """
    side = len(lightness)
    mean = uniform_filter(lightness, 3)
    variance = 0.6 * (uniform_filter(lightness**2, 3) - mean**2)
    offsets = [
        (r, c) for r in (-1, 0, 1) for c in (-1, 0, 1) if (r, c) != (0, 0)
    ]
    padded = np.pad(lightness, 1, constant_values=np.inf)
    likes = np.stack(
        [padded[1 + r : 1 + r + side, 1 + c : 1 + c + side] for r, c in offsets]
    )
    squares = (likes - lightness) ** 2  # Infinite beyond the border.
    floor = np.maximum(squares.min(axis=0) / -np.log(0.01), 2e-6)
    shares = np.exp(-squares / np.maximum(variance, floor))
    shares /= shares.sum(axis=0)
    number = np.arange(side**2).reshape(side, side)
    targets = np.stack([np.roll(number, (-r, -c), (0, 1)) for r, c in offsets])
    sources = np.broadcast_to(number, targets.shape)
    inside = shares > 0  # Others lie beyond the border.
    return sparse.csr_matrix(
        (shares[inside], (sources[inside], targets[inside])),
        shape=(side**2, side**2),
    )


if __name__ == "__main__":
    tyro.cli(main)
