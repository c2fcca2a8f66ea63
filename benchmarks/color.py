"""Speed of sRGB to L*a*b* inside a `tf.data` pipeline.

Run it as `python benchmarks/color.py`.
"""

import os
import warnings
from functools import partial

import tyro
from measuring import (
    drawing_speeds,
    interleaved_medians,
    print_machine,
    print_table,
)

from keras_colorizer.silence import silent_stderr

SIDE, BATCH, WARM_UP = 256, 8, 8
PEER = "tensorflow-io"


def main(*, duration: float = 2.0, repeats: int = 7) -> None:
    """Compares conversions of 256 x 256 uint8 sRGB to L*a*b*.

    Every row is a function mapped by `tf.data` on all cores: over batches of 8
    for ours, as in training, and over single images for the others, as they
    are mostly used. "In the pipeline" is what training does.

    Args:
        duration: Seconds to draw batches for.
        repeats: Rounds of which the median is taken.
    """
    print_machine("tensorflow", "tensorflow-io", "scikit-image")
    with silent_stderr(), warnings.catch_warnings():
        # Its compiled part does not load; its colors need none of it.
        warnings.filterwarnings("ignore", message="unable to load|file system")
        conversions = _conversions()
    measures = {
        name: partial(_speeds, convert, count, duration)
        for name, (convert, count) in conversions.items()
    }
    speeds = interleaved_medians(measures, repeats=repeats)
    peer, _ = speeds[PEER]
    print_table(
        ["sRGB to L*a*b*", "images/s", f"times {PEER}", "largest difference"],
        [
            (name, speeds[name][0], speeds[name][0] / peer, _difference(*c))
            for name, c in conversions.items()
        ],
    )
    print("The difference is from scikit-image in float64, in L*a*b* units.")


def _conversions():
    """Functions, and how many images each converts at once, by name."""
    import tensorflow as tf
    import tensorflow_io as tfio

    from keras_colorizer import color

    def by_tensorflow_io(rgb):
        floats = tf.image.convert_image_dtype(rgb, tf.float32)
        return tfio.experimental.color.rgb_to_lab(floats)

    compiled = partial(tf.function, jit_compile=True)
    return {
        "ours, in the pipeline": (compiled(color.rgb_to_lab), BATCH),
        "ours, without XLA": (color.rgb_to_lab, BATCH),
        PEER: (by_tensorflow_io, 1),
        f"{PEER}, under XLA": (compiled(by_tensorflow_io), 1),
        "scikit-image": (_by_scikit_image, 1),
    }


def _by_scikit_image(rgb):
    import tensorflow as tf
    from skimage.color import rgb2lab

    return tf.numpy_function(
        lambda levels: rgb2lab(levels).astype("float32"), [rgb], tf.float32
    )


def _photos(count):
    """`(count, SIDE, SIDE, 3)` uint8: what a photo holds matters little."""
    import numpy as np
    from skimage import data

    tile = data.astronaut()[:SIDE, :SIDE]
    return np.stack([np.roll(tile, 16 * i, axis=1) for i in range(count)])


def _pipeline(convert, count):
    import tensorflow as tf

    batches = tf.data.Dataset.from_tensors(_photos(count)).repeat()
    return batches.map(convert, num_parallel_calls=os.cpu_count())


def _speeds(convert, count, duration):
    """Images per second, and per second of processor time."""
    speeds = drawing_speeds(
        lambda: _pipeline(convert, count), warm_up=WARM_UP, duration=duration
    )
    return [count * speed for speed in speeds]


def _difference(convert, count):
    import numpy as np
    from skimage.color import rgb2lab

    lab = next(iter(_pipeline(convert, count))).numpy()
    return f"{np.abs(lab - rgb2lab(_photos(count))).max():.0e}"


if __name__ == "__main__":
    tyro.cli(main)
