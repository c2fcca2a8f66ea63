"""Photos as files, in and out, in TensorFlow ops: what TF Serving is sent.

TF Serving checks nothing and hands back nothing of an error but its message,
so all that can be wrong with a file is told here, in one sentence.
"""

from collections.abc import Callable
from functools import partial

import tensorflow as tf

from keras_colorizer.exporting.saved_model.bmp import decode_bmp
from keras_colorizer.exporting.saved_model.image_headers import (
    ImageFormat,
    image_format,
    read_header,
)
from keras_colorizer.exporting.saved_model.png import decode_png

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
        max_pixels: The limit of height times width of each photo, inclusive;
            checked before decoding. TensorFlow itself decodes no JPEG above
            178 million pixels.

    Returns:
        `(n,)` string: PNG files of the same sizes, with the alpha that a photo
        had.

    Raises:
        InvalidArgumentError: If a file is of another format, damaged or cut
            off, larger than the limit, an animated WebP, a CMYK JPEG, or a
            BMP that is compressed or of 16 bits a pixel. The message names
            the element; if there are several, that of any one.
    """

    def recolor_file(element):
        number, file = element
        pixels = _decoded_or_refused(number, file, max_pixels)
        rgb = recolor(tf.ensure_shape(pixels[..., :3], [None, None, 3]))
        rgba = tf.concat([rgb, pixels[..., 3:]], axis=-1)
        return tf.io.encode_png(rgba, compression=COMPRESSION)

    return tf.map_fn(
        recolor_file,
        (tf.range(tf.size(image_bytes)), image_bytes),
        fn_output_signature=tf.string,
        parallel_iterations=PHOTOS_AT_ONCE,
    )


def _decoded_or_refused(number, file, max_pixels):
    pixels, refusal = _attempt(
        partial(_decoded, max_pixels=max_pixels),
        file,
        otherwise=(_no_pixels(), _damaged(file)),
    )
    element = tf.strings.format("`image_bytes` element {} ", number)
    check = tf.debugging.Assert(refusal == "", [element + refusal])
    with tf.control_dependencies([check]):
        return tf.identity(pixels)


def _attempt(function, argument, *, otherwise):
    """What the function returns, or something else where one of its ops fails.

    The op's own error would not say which file it was.
    """
    attempt = tf.data.Dataset.from_tensors(argument).map(function)
    fallback = tf.data.Dataset.from_tensors(otherwise)
    results = attempt.ignore_errors().concatenate(fallback)
    return results.take(1).get_single_element()


def _decoded(file, *, max_pixels):
    """The pixels and an empty string, or no pixels and why."""
    format = image_format(file)
    refusal = _refusal(read_header(file, format), file, max_pixels)
    decoders = {
        ImageFormat.JPEG: partial(_decode_jpeg, file),
        ImageFormat.PNG: partial(decode_png, file),
        ImageFormat.WEBP: partial(_decode_webp, file),
        ImageFormat.BMP: partial(decode_bmp, file),
    }
    pixels = tf.cond(
        refusal == "", lambda: tf.switch_case(format, decoders), _no_pixels
    )
    return pixels, refusal


def _refusal(header, file, max_pixels):
    height, width = header.height, header.width
    too_large = tf.strings.format(
        "has {} x {} pixels, more than the limit of "
        f"{max_pixels:,}: reduce it.",
        (width, height),
    )
    # Divided, since a product of damaged sides would not fit into 64 bits.
    is_large = width > max_pixels // tf.maximum(height, 1)
    refusal = tf.where(is_large, too_large, "")
    refusal = tf.where(header.flaw == "", refusal, header.flaw)
    is_empty = tf.minimum(height, width) <= 0
    return tf.where(is_empty, _damaged(file), refusal)


def _damaged(file):
    return tf.strings.format(
        "is damaged or cut off ({} bytes): send the whole file.",
        tf.strings.length(file),
    )


def _decode_jpeg(file):
    # What Pillow uses; TensorFlow's default is faster and up to 4 levels off.
    return tf.io.decode_jpeg(file, channels=3, dct_method="INTEGER_ACCURATE")


def _decode_webp(file):
    return tf.io.decode_image(file, expand_animations=False)


def _no_pixels():
    return tf.zeros([0, 0, 3], tf.uint8)
