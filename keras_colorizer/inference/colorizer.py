"""Photos of any size from grey to color."""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
from PIL import Image

from keras_colorizer.chroma import steps
from keras_colorizer.chroma.saturation import AUTO, check_saturation, factor_for
from keras_colorizer.errors import ArtifactError
from keras_colorizer.hints import Hint, check_hints, hint_array
from keras_colorizer.inference.network import (
    BoldNetwork,
    HintedNetwork,
    Network,
    as_network,
    load_network,
)
from keras_colorizer.inference.suggestions import suggested_colors
from keras_colorizer.photos import (
    MAX_PIXELS,
    Photo,
    PhotoSource,
    read_photo,
    to_uint8,
)
from keras_colorizer.pretrained import (
    TFLITE,
    VIVID,
    look,
    pretrained_file,
    pretrained_files,
)

if TYPE_CHECKING:
    import keras

LEAST_FACTOR = 1e-6  # Of a saturation of 0, which leaves hints grey, too.


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

    presets: ClassVar[Mapping[str, Path]] = {
        **pretrained_files(TFLITE),
        **{k: pretrained_file(n, TFLITE) for k, (n, _) in VIVID.items()},
    }

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
            name: One of `Colorizer.presets`: `small`, which is calm, or
                `small_vivid`, the same network with bolder colors, right and
                wrong.

        Raises:
            ArtifactError: If the package holds none of this name.

        Example:
            >>> colorizer = Colorizer.from_preset("small")
        """
        calm, factor = look(name)
        network = load_network(pretrained_file(calm, TFLITE))
        return cls(network if factor == 1 else BoldNetwork(network, factor))

    @property
    def render_size(self) -> int:
        """Side in pixels of the square that the network sees of a photo."""
        return self.network.render_size

    def colorize(
        self,
        photo: PhotoSource,
        *,
        saturation: float | Literal["auto"] = 1.0,
        hints: Sequence[Hint] = (),
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
            hints: Places whose color is known, at most 32; the color reaches
                all that looks alike. Saturation does not change them.
            max_pixels: Larger photos are refused.

        Returns:
            An upright sRGB photo of the same size, 8 bits a channel, with the
            photo's own L* and, if it had one, its alpha.

        Raises:
            UnreadablePhotoError: If it is no photo, or a damaged one.
            PhotoTooLargeError: If it has more than `max_pixels` pixels.
            ConfigError: If `saturation` is neither 0 or more nor `auto`.
            HintError: If there are more than 32 hints.
            ArtifactError: If there are hints, and the model takes none.
            ServingError: If the network is a served one, which fails.

        Example:
            >>> colorizer.colorize("old.jpg", saturation=1.2).save("new.png")
        """
        result = self.colorize_photo(
            read_photo(photo, max_pixels=max_pixels),
            saturation=saturation,
            hints=hints,
        )
        rgb = Image.fromarray(to_uint8(result.pixels))
        if result.alpha is not None:
            rgb.putalpha(Image.fromarray(to_uint8(result.alpha)))
        return rgb

    def colorize_photo(
        self,
        photo: Photo,
        *,
        saturation: float | Literal["auto"] = 1.0,
        hints: Sequence[Hint] = (),
    ) -> Photo:
        """Colors a decoded photo and keeps all else that it holds.

        Args:
            photo: Any photo; of a colored one only the lightness is used.
            saturation: As for `colorize`.
            hints: As for `colorize`.

        Returns:
            The same with `(h, w, 3)` pixels of the same dtype: 16-bit grey
            becomes 16 bits a channel.

        Raises:
            ConfigError: If `saturation` is neither 0 or more nor `auto`.
            HintError: If there are more than 32 hints.
            ArtifactError: If there are hints, and the model takes none.
        """
        check_saturation(saturation)
        check_hints(hints)
        lightness = steps.photo_lightness(photo.pixels)
        view = steps.network_view(lightness, self.render_size)
        ab = self._saturated_ab(view, hints, saturation)
        rgb = steps.merge(lightness, ab, photo.pixels.dtype.type)
        return dataclasses.replace(photo, pixels=rgb)

    def suggest(
        self,
        photo: PhotoSource,
        x: float,
        y: float,
        *,
        count: int = 6,
        hints: Sequence[Hint] = (),
        max_pixels: int = MAX_PIXELS,
    ) -> list[str]:
        """Suggests colors for the hint of a place.

        The network's own color comes first, then those that it gives to places
        alike, then stronger and paler ones and common colors of things, the
        nearest first.

        Args:
            photo: As for `colorize`.
            x: In [0, 1], of the upright photo's width.
            y: In [0, 1], of its height.
            count: How many, at most: black and white have no color.
            hints: Those that the photo has already.
            max_pixels: Larger photos are refused.

        Returns:
            Colors as "#rrggbb" of the place's own lightness, likeliest first,
            any two at least 10 L*a*b* units apart.

        Raises:
            HintError: If the place lies outside.
            ColorizerError: As for `colorize`.

        Example:
            >>> colors = colorizer.suggest("old.jpg", 0.31, 0.62)
            >>> hints = [Hint(0.31, 0.62, colors[1])]
            >>> colorizer.colorize("old.jpg", hints=hints).save("new.png")
        """
        Hint(x, y, "grey")  # Checks the place.
        check_hints(hints)
        decoded = read_photo(photo, max_pixels=max_pixels)
        lightness = steps.photo_lightness(decoded.pixels)
        view = steps.network_view(lightness, self.render_size)
        ab = self._saturated_ab(view, hints, 1.0)
        return suggested_colors(view[0, :, :, 0], ab, x, y)[:count]

    def predict_ab(self, lightness: np.ndarray) -> np.ndarray:
        """Predicts ab of photos already squashed to the square.

        Args:
            lightness: `(n, s, s, 1)` float32 L* in [0, 100], s the render
                size.

        Returns:
            `(n, s, s, 2)` float32, L*a*b* units.
        """
        return self.network.predict_ab(lightness)

    @property
    def takes_hints(self) -> bool:
        """Whether the network has the signature `predict_ab_with_hints`."""
        return getattr(self.network, "takes_hints", False)

    def predict_ab_with_hints(
        self, lightness: np.ndarray, hints: np.ndarray
    ) -> np.ndarray:
        """Predicts ab that hints correct.

        Args:
            lightness: As for `predict_ab`.
            hints: `(n, 32, 5)` float32: x and y in [0, 1], a* and b* in L*a*b*
                units, and 1; all 0 for none.

        Returns:
            As `predict_ab`; without a hint the same.

        Raises:
            ArtifactError: If the model takes no hints.
        """
        if not isinstance(self.network, HintedNetwork) or not self.takes_hints:
            raise ArtifactError(
                "The model takes no hints, as those exported by version 0.1 "
                "and files of full integer arithmetic: export it anew."
            )
        return self.network.predict_ab_with_hints(lightness, hints)

    def _saturated_ab(
        self,
        view: np.ndarray,
        hints: Sequence[Hint],
        saturation: float | Literal["auto"],
    ) -> np.ndarray:
        """Predicts one photo's ab times the factor; hints are not scaled."""
        if len(hints) == 0:
            ab = self.predict_ab(view)[0]
            return factor_for(saturation, ab) * ab
        array = hint_array(hints)
        # Of the photo without hints: they leave the rest of it as it is.
        ab = self.predict_ab(view)[0] if saturation == AUTO else view
        factor = factor_for(saturation, ab)
        array[:, 2:4] /= max(factor, LEAST_FACTOR)
        return factor * self.predict_ab_with_hints(view, array[None])[0]
