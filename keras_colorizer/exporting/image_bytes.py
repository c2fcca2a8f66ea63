"""Photos as files, in and out, in TensorFlow ops.

TF Serving checks no file, and of an error it passes on the message alone: that
names the element of the batch and says in one sentence what is wrong with it.
"""

from collections.abc import Callable
from functools import partial

import tensorflow as tf

from keras_colorizer.exporting.image_formats import (
    FORMATS,
    Header,
    header_bytes,
    says,
)

# More would be faster only with more processors than most servers spare, and
# each takes the memory of a photo.
PHOTOS_AT_ONCE = 4
# Level 6, the default, takes 4 times as long to save 2 % of the bytes.
COMPRESSION = 2


def map_photos(
    image_bytes: tf.Tensor,
    recolor: Callable[[tf.Tensor], tf.Tensor],
    *,
    max_pixels: int,
) -> tf.Tensor:
    """Decodes each photo, recolors it and encodes it as PNG.

    Pixels are taken as stored: neither an EXIF orientation nor a color profile
    is applied. JPEGs are decoded as Pillow does; of 16-bit PNGs the upper 8
    bits are used. To be called inside of a `tf.function`.

    Args:
        image_bytes: `(n,)` string: JPEG, PNG, WebP or BMP files of any sizes.
        recolor: Maps `(h, w, 3)` uint8 sRGB to another of the same shape. It
            may run for several photos at once.
        max_pixels: The limit of height times width of each photo, inclusive.
            TensorFlow itself decodes no JPEG above 178 million.

    Returns:
        `(n,)` string: PNG files of the same sizes, with the photos' alpha.

    Raises:
        InvalidArgumentError: If a file is refused. The message names the
            element; if there are several, that of any one.
    """

    def recolor_file(element: tuple[tf.Tensor, tf.Tensor]) -> tf.Tensor:
        pixels = _decoded_or_refused(*element, max_pixels)
        rgb = recolor(tf.ensure_shape(pixels[..., :3], [None, None, 3]))
        rgba = tf.concat([rgb, pixels[..., 3:]], axis=-1)
        return tf.io.encode_png(rgba, compression=COMPRESSION)

    return tf.map_fn(
        recolor_file,
        (tf.range(tf.size(image_bytes)), image_bytes),
        fn_output_signature=tf.string,
        parallel_iterations=PHOTOS_AT_ONCE,
    )


def _decoded_or_refused(
    number: tf.Tensor, file: tf.Tensor, max_pixels: int
) -> tf.Tensor:
    # An op's own error would not say which file it was: a dataset drops it.
    decoded = tf.data.Dataset.from_tensors(file).map(
        partial(_decoded, max_pixels=max_pixels)
    )
    failed = tf.data.Dataset.from_tensors((_no_pixels(), _damaged(file)))
    results = decoded.ignore_errors().concatenate(failed)
    pixels, refusal = results.take(1).get_single_element()
    element = tf.strings.format("`image_bytes` element {} ", number)
    check = tf.debugging.Assert(refusal == "", [element + refusal])
    with tf.control_dependencies([check]):
        return tf.identity(pixels)


def _decoded(
    file: tf.Tensor, *, max_pixels: int
) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns the pixels and an empty string, or no pixels and a refusal."""
    start = header_bytes(file)
    fits = [says(start, format.magic) for format in FORMATS]
    index = tf.argmax(tf.cast([*fits, True], tf.int32), output_type=tf.int32)
    readers = [format.read_header for format in FORMATS]
    header = tf.switch_case(
        index, [partial(read, file) for read in (*readers, _no_format)]
    )
    decoders = [partial(format.decode, file) for format in FORMATS]
    refusal = _refusal(header, file, max_pixels)
    pixels = tf.cond(
        refusal == "", lambda: tf.switch_case(index, decoders), _no_pixels
    )
    return pixels, refusal


def _refusal(header: Header, file: tf.Tensor, max_pixels: int) -> tf.Tensor:
    height, width, flaw = header
    too_large = tf.strings.format(
        "has {} x {} pixels, more than the limit of "
        f"{max_pixels:,}: reduce it.",
        (width, height),
    )
    # Divided, since a product of damaged sides would not fit into 64 bits.
    is_large = width > max_pixels // tf.maximum(height, 1)
    refusal = tf.where(is_large, too_large, "")
    refusal = tf.where(flaw == "", refusal, flaw)
    is_empty = tf.minimum(height, width) <= 0
    return tf.where(is_empty, _damaged(file), refusal)


def _damaged(file: tf.Tensor) -> tf.Tensor:
    size = tf.strings.length(file)
    sentence = "is damaged or cut off ({} bytes): send the whole file."
    return tf.strings.format(sentence, size)


def _no_format(file: tf.Tensor) -> Header:
    sentence = (
        "is no JPEG, PNG, WebP or BMP file ({} bytes): send the bytes of such"
        " a file."
    )
    flaw = tf.strings.format(sentence, tf.strings.length(file))
    return tf.constant(1, tf.int64), tf.constant(1, tf.int64), flaw


def _no_pixels() -> tf.Tensor:
    return tf.zeros([0, 0, 3], tf.uint8)
