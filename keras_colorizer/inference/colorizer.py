"""Any photo, any size: from grey to color."""

import dataclasses
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image

from keras_colorizer.chroma import steps
from keras_colorizer.chroma.saturation import check_saturation, factor_for
from keras_colorizer.inference.network import Network, load_network
from keras_colorizer.photos import MAX_PIXELS, Photo, read_photo, to_uint8
from keras_colorizer.pretrained import TFLITE, pretrained_file


class Colorizer:
    """Colors photos with a network.

    Args:
        network: Predicts the ab of a square of lightness.
    """

    def __init__(self, network: Network):
        self.network = network

    @classmethod
    def load(cls, path: str | Path) -> "Colorizer":
        """Loads what was trained or exported.

        Args:
            path: A run folder, a `.keras` or `.tflite` file, or the folder of
                a SavedModel or of its versions (then the latest is taken).

        Raises:
            ArtifactError: If it is none of these, or damaged.
        """
        return cls(load_network(Path(path)))

    @classmethod
    def from_preset(cls, name: str) -> "Colorizer":
        """Loads a pretrained model that comes with the package.

        Args:
            name: Such as `small`.

        Raises:
            ArtifactError: If the package holds none of this name.
        """
        return cls.load(pretrained_file(name, TFLITE))

    @property
    def render_size(self) -> int:
        """Side in pixels of the square that the network sees of a photo."""
        return self.network.render_size

    def colorize(
        self,
        photo,
        *,
        saturation: float | Literal["auto"] = 1.0,
        max_pixels: int = MAX_PIXELS,
    ) -> Image.Image:
        """Colors one photo.

        Args:
            photo: A path, the bytes of a file, a `PIL.Image`, or an array of
                uint8 or uint16: `(h, w)`, or `(h, w, c)` with grey, grey and
                alpha, RGB or RGBA channels.
            saturation: Factor on the predicted ab: 0 is grey. `auto` is the
                one that raises the photo's mean chroma to that of natural
                photos, from 1 to 2.
            max_pixels: Larger photos are refused.

        Returns:
            An upright sRGB photo of the same size, 8 bits a channel, with the
            photo's own L* and, if it had one, its alpha.

        Raises:
            UnreadablePhotoError: If it is no photo, or a damaged one.
            PhotoTooLargeError: If it has more than `max_pixels` pixels.
            ConfigError: If `saturation` is neither 0 or more nor `auto`.
        """
        result = self.colorize_photo(
            read_photo(photo, max_pixels=max_pixels), saturation=saturation
        )
        rgb = Image.fromarray(to_uint8(result.pixels))
        if result.alpha is not None:
            rgb.putalpha(Image.fromarray(to_uint8(result.alpha)))
        return rgb

    def colorize_photo(
        self, photo: Photo, *, saturation: float | Literal["auto"] = 1.0
    ) -> Photo:
        """Colors a decoded photo and keeps all else that it holds.

        Args:
            photo: Any photo; of a colored one only the lightness is used.
            saturation: As for `colorize`.

        Returns:
            The same with `(h, w, 3)` pixels of the same dtype: 16-bit grey
            becomes 16 bits a channel.

        Raises:
            ConfigError: If `saturation` is neither 0 or more nor `auto`.
        """
        check_saturation(saturation)
        lightness = steps.photo_lightness(photo.pixels)
        view = steps.network_view(lightness, self.render_size)
        ab = self.predict_ab(view)[0]
        bolder = factor_for(saturation, ab) * ab
        rgb = steps.merge(lightness, bolder, photo.pixels.dtype.type)
        return dataclasses.replace(photo, pixels=rgb)

    def predict_ab(self, lightness: np.ndarray) -> np.ndarray:
        """Predicts ab of photos already squashed to the square.

        Args:
            lightness: `(n, s, s, 1)` float32 L* in [0, 100], s the render
                size.

        Returns:
            `(n, s, s, 2)` float32, L*a*b* units.
        """
        return self.network.predict_ab(lightness)
