"""Near-duplicates against ImageHash's values, and one-by-one comparison."""

import numpy as np
import skimage.data
from PIL import Image

from keras_colorizer.data.near_duplicates import DifferentPhotos, Likeness

# By `imagehash.dhash` of ImageHash 4.3.2.
PUBLISHED = {
    "astronaut": "cd8dd91d897293a7",
    "chelsea": "5414589aab6fa785",
    "coffee": "f3e96933160b1b36",
}


def test_difference_hash_is_that_of_image_hash():
    for name, expected in PUBLISHED.items():
        photo = Image.fromarray(getattr(skimage.data, name)())
        assert Likeness.of(photo).hash == int(expected, 16)


def test_photos_alike_are_found_among_many(rng):
    """Against a comparison with every photo, one by one."""
    hashes = list(map(int, rng.integers(0, 2**64, 1000, np.uint64)))
    colors = list(rng.integers(0, 256, (1000, 8, 8, 3)))
    photos, added = DifferentPhotos(), []
    for photo_hash, mean_colors in zip(hashes, colors, strict=True):
        assert photos.add(likeness(photo_hash, mean_colors))
    for number in rng.integers(0, 1000, 300):
        other = hashes[number]
        for bit in rng.choice(64, rng.integers(0, 9), replace=False):
            other ^= 1 << int(bit)
        brighter = np.clip(colors[number] + rng.integers(0, 16), 0, 255)
        bits = np.array([(h ^ other).bit_count() for h in hashes])
        levels = np.abs(np.array(colors) - brighter).mean(axis=(1, 2, 3))
        is_new = not np.any((bits <= 5) & (levels <= 8))
        assert photos.add(likeness(other, brighter)) == is_new
        added.append(is_new)
        if is_new:
            hashes.append(other)
            colors.append(brighter)
    assert 50 < sum(added) < 250  # Some are near, some are not.


def likeness(photo_hash, colors):
    return Likeness(photo_hash, np.uint8(colors))


def test_same_hash_in_other_colors_is_another_photo():
    ramp = np.tile(np.linspace(0, 255, 64), (64, 1))
    rgb = np.uint8(np.stack([ramp, ramp / 4, ramp / 4], axis=-1))
    red, blue = (Likeness.of(Image.fromarray(x)) for x in (rgb, rgb[..., ::-1]))
    assert not (red.hash ^ blue.hash).bit_count()
    photos = DifferentPhotos()
    assert photos.add(red)
    assert photos.add(blue)
    assert not photos.add(red)
