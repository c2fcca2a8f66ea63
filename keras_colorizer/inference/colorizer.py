"""Photos of any size from grey to color."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
from PIL import Image

from keras_colorizer.chroma import steps
from keras_colorizer.chroma.saturation import check_saturation, factor_for
from keras_colorizer.inference.network import Network, as_network, load_network
from keras_colorizer.photos import (
    MAX_PIXELS,
    Photo,
    PhotoSource,
    read_photo,
    to_uint8,
)
from keras_colorizer.pretrained import TFLITE, pretrained_file, pretrained_files

if TYPE_CHECKING:
    import keras


class Colorizer:
    """Colors photos with a network.

    Args:
        network: A Keras generator from encoded lightness to encoded ab, or
            any `Network`.
        render_size: For a generator: side in pixels of the square that it
            sees of a photo; by default that of its input or, where that is
            open, 256.

    Attributes:
        presets: The `.tflite` file of each pretrained model, by name.

    Raises:
        ArtifactError: If it is a Keras model, but no generator.
        ConfigError: If it is neither of these.

    Example:
        >>> colorizer = Colorizer.from_preset("small")
        >>> colorizer.colorize("old.jpg").save("new.png")

        A generator in memory:

        >>> generator = build_generator("unet_128")
        >>> colorizer = Colorizer(generator, render_size=128)
    """

    presets: ClassVar[Mapping[str, Path]] = pretrained_files(TFLITE)

    def __init__(
        self,
        network: "Network | keras.Model",
        *,
        render_size: int | None = None,
    ):
        self.network = as_network(network, render_size=render_size)

    @classmethod
    def load(cls, path_or_url: str | Path) -> "Colorizer":
        """Loads a trained, an exported or a served model.

        Args:
            path_or_url: A run folder; a `.keras` or `.tflite` file; the
                folder of a SavedModel or of its versions, of which the latest
                is taken; or the URL of a model on a server with TF Serving's
                REST API, which then predicts ab, and nothing else.

        Raises:
            ArtifactError: If it is none of these, or damaged.
            MissingExtraError: If what runs it is not installed.
            ServingError: If no colorizer answers at the URL.

        Example:
            >>> Colorizer.load("runs/mine")
            >>> Colorizer.load("exported/tflite/colorizer_float16.tflite")
            >>> Colorizer.load("http://localhost:8501/v1/models/colorizer")
        """
        return cls(load_network(path_or_url))

    @classmethod
    def from_preset(cls, name: str) -> "Colorizer":
        """Loads a pretrained model that comes with the package.

        Args:
            name: One of `Colorizer.presets`, such as `small`.

        Raises:
            ArtifactError: If the package holds none of this name.

        Example:
            >>> colorizer = Colorizer.from_preset("small")
        """
        return cls.load(pretrained_file(name, TFLITE))

    @property
    def render_size(self) -> int:
        """Side in pixels of the square that the network sees of a photo."""
        return self.network.render_size

    def colorize(
        self,
        photo: PhotoSource,
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
            ServingError: If the network is a served one, which fails.

        Example:
            >>> colorizer.colorize("old.jpg", saturation=1.2).save("new.png")
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
