"""Any photo, any size: from grey to color."""

import dataclasses
from pathlib import Path

import keras
import tensorflow as tf
from PIL import Image

from keras_colorizer import chroma, encoding
from keras_colorizer.errors import ArtifactError
from keras_colorizer.networks.generator_file import load_generator
from keras_colorizer.photos import MAX_PIXELS, Photo, read_photo, to_uint8

PRETRAINED = Path(__file__).parent / "pretrained"


class Colorizer:
    """Colors photos with a generator.

    Args:
        generator: Maps encoded lightness to encoded ab.
        render_size: Side in pixels of the square it sees of a photo.
    """

    def __init__(self, generator: keras.Model, *, render_size: int):
        self.render_size = render_size
        self._predict = tf.function(generator)

    @classmethod
    def load(cls, path: str | Path) -> "Colorizer":
        """Loads what was trained.

        Args:
            path: A run folder or a `.keras` file.

        Raises:
            ArtifactError: If it is neither, or damaged.
        """
        generator, render_size = load_generator(_generator_path(Path(path)))
        return cls(generator, render_size=render_size)

    @classmethod
    def from_preset(cls, name: str) -> "Colorizer":
        """Loads a pretrained generator that comes with the package.

        Args:
            name: Such as `small`.

        Raises:
            ArtifactError: If the package holds none of this name.
        """
        path = PRETRAINED / name / "generator.keras"
        if not path.exists():
            raise ArtifactError(
                f"This version comes with no pretrained `{name}`: train one "
                "(python train.py) and name its run folder with --model."
            )
        return cls.load(path)

    def colorize(
        self,
        photo,
        *,
        saturation: float = 1.0,
        max_pixels: int = MAX_PIXELS,
    ) -> Image.Image:
        """Colors one photo.

        Args:
            photo: A path, the bytes of a file, a `PIL.Image`, or an array of
                uint8 or uint16: `(h, w)`, or `(h, w, c)` with grey, grey and
                alpha, RGB or RGBA channels.
            saturation: Factor on the predicted ab: 0 is grey.
            max_pixels: Larger photos are refused.

        Returns:
            An upright sRGB photo of the same size, 8 bits a channel, with the
            photo's own L* and, if it had one, its alpha.

        Raises:
            UnreadablePhotoError: If it is no photo, or a damaged one.
            PhotoTooLargeError: If it has more than `max_pixels` pixels.
        """
        result = self.colorize_photo(
            read_photo(photo, max_pixels=max_pixels), saturation=saturation
        )
        rgb = Image.fromarray(to_uint8(result.pixels))
        if result.alpha is not None:
            rgb.putalpha(Image.fromarray(to_uint8(result.alpha)))
        return rgb

    def colorize_photo(self, photo: Photo, *, saturation: float = 1.0) -> Photo:
        """Colors a decoded photo and keeps all else that it holds.

        Args:
            photo: Any photo; of a colored one only the lightness is used.
            saturation: Factor on the predicted ab.

        Returns:
            The same with `(h, w, 3)` pixels of the same dtype: 16-bit grey
            becomes 16 bits a channel.
        """
        lightness = chroma.photo_lightness(photo.pixels)
        ab = saturation * self.predict_ab(
            chroma.network_view(lightness, self.render_size)
        )
        rgb = chroma.merge(lightness, ab[0], photo.pixels.dtype.type)
        return dataclasses.replace(photo, pixels=rgb)

    def predict_ab(self, lightness: tf.Tensor) -> tf.Tensor:
        """Predicts ab of photos already squashed to the square.

        Args:
            lightness: `(n, s, s, 1)` float32 L* in [0, 100], s the render
                size.

        Returns:
            `(n, s, s, 2)` float32, L*a*b* units.
        """
        encoded = encoding.encode_lightness(lightness)
        return encoding.decode_ab(self._predict(encoded, training=False))


def _generator_path(path):
    if path.suffix == ".keras":
        return path
    if (path / "config.json").exists():
        generator = path / "generator.keras"
        if not generator.exists():
            raise ArtifactError(
                f"The run in `{path}` has saved no generator yet: let it "
                "finish an epoch."
            )
        return generator
    raise ArtifactError(
        f"`{path}` is no model: name the folder of a training run, or a .keras "
        "file."
    )
