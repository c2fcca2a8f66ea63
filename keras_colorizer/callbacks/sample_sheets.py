"""A picture an epoch: grey | colorized | true."""

from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from PIL import Image, ImageDraw

from keras_colorizer import encoding
from keras_colorizer.files import whole_file

COLUMNS = ("grey", "colorized", "true")
PHOTOS = 6
MARGIN = 4
HEADING = 18


class SampleSheets(keras.callbacks.Callback):
    """Writes `epoch_0001.png`, ... and shows them in TensorBoard.

    Args:
        batches: Encoded validation batches; the first photos are shown.
        folder: Where to write the pictures.
        log_dir: TensorBoard's folder.
    """

    def __init__(self, batches: tf.data.Dataset, folder: Path, log_dir: Path):
        super().__init__()
        samples = next(iter(batches.unbatch().batch(PHOTOS)))
        self.lightness, self.real_ab = samples
        self.folder = folder
        self.log_dir = log_dir

    def on_train_begin(self, logs=None):
        self._writer = tf.summary.create_file_writer(str(self.log_dir))

    def on_epoch_end(self, epoch, logs=None):
        generator = self.model.averaged_generator
        fake_ab = generator(self.lightness, training=False)
        grey_ab = tf.zeros_like(fake_ab)
        sheet = contact_sheet(
            *(
                encoding.decode_rgb(self.lightness, ab).numpy()
                for ab in (grey_ab, fake_ab, self.real_ab)
            )
        )
        with whole_file(self.folder / f"epoch_{epoch + 1:04d}.png") as path:
            sheet.save(path)
        with self._writer.as_default():
            image = np.asarray(sheet)[None]
            tf.summary.image("grey | colorized | true", image, step=epoch)
        self._writer.flush()


def contact_sheet(*columns: np.ndarray) -> Image.Image:
    """Lays out photos in rows of grey | colorized | true.

    Args:
        *columns: For each column `(n, h, w, 3)` uint8.
    """
    rows, height, width, _ = columns[0].shape
    size = (
        len(columns) * (width + MARGIN) + MARGIN,
        rows * (height + MARGIN) + MARGIN + HEADING,
    )
    sheet = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(sheet)
    for i, (title, photos) in enumerate(zip(COLUMNS, columns, strict=True)):
        left = MARGIN + i * (width + MARGIN)
        draw.text((left, MARGIN), title, fill="black")
        for j, photo in enumerate(photos):
            top = HEADING + MARGIN + j * (height + MARGIN)
            sheet.paste(Image.fromarray(photo), (left, top))
    return sheet
