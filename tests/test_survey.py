"""The survey: photos that are fit to train on, and those that are not."""

import shutil

import numpy as np
import pytest
import skimage.data
from PIL import Image

from keras_colorizer.data.survey import survey_photos, unexplained_chroma

SQUARE = 32


def survey(folder, **kwargs):
    return survey_photos(str(folder), square=SQUARE, **kwargs)


def toned(rgb):
    """Sepia: every grey level gets one color, as a toning bath does."""
    grey = np.asarray(Image.fromarray(rgb).convert("L"), "float32")[..., None]
    return np.uint8(grey * [1.0, 0.85, 0.65])


@pytest.fixture
def mixed_folder(tmp_path):
    """2 fit photos, 1 of them twice, grey, sepia, text, cut and empty files."""
    photo = skimage.data.chelsea()
    Image.fromarray(photo).save(tmp_path / "cat.jpg")
    shutil.copy(tmp_path / "cat.jpg", tmp_path / "same_cat.jpg")
    Image.fromarray(skimage.data.coffee()).save(tmp_path / "coffee.webp")
    Image.fromarray(skimage.data.camera()).save(tmp_path / "grey.png")
    Image.fromarray(toned(photo)).save(tmp_path / "sepia.jpg", quality=80)
    (tmp_path / "text.jpg").write_text("not a photo")
    (tmp_path / "empty.png").touch()
    whole = (tmp_path / "cat.jpg").read_bytes()
    (tmp_path / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    return tmp_path


def names(paths):
    return sorted(path.rsplit("/", 1)[-1] for path in paths)


def test_survey_sorts_out_what_cannot_be_trained_on(mixed_folder):
    found = survey(mixed_folder)
    kept = names(photo.name for photo in found.photos)
    assert kept in (["cat.jpg", "coffee.webp"], ["coffee.webp", "same_cat.jpg"])
    assert names(found.colorless) == ["grey.png", "sepia.jpg"]
    assert names(found.unreadable) == ["cut.jpg", "empty.png", "text.jpg"]
    assert len(found.duplicates) == 1


def test_keep_colorless_keeps_grey_and_sepia(mixed_folder):
    found = survey(mixed_folder, keep_colorless=True)
    assert len(found.photos) == 4
    assert not found.colorless


def test_chroma_of_grey_and_toned_photos_is_explained_by_lightness():
    photo = skimage.data.astronaut()
    grey = np.repeat(skimage.data.camera()[..., None], 3, axis=-1)
    assert unexplained_chroma(grey) < 1e-3
    assert unexplained_chroma(toned(photo)) < 1
    assert unexplained_chroma(photo) > 5


def test_photos_are_reduced_by_whole_factors(photo_folder):
    for photo in survey(photo_folder).photos:
        # 32 * 286 / 256 is 36: half of 96 suffices, a third would not.
        assert photo.shape == (48, 64)


def test_pixels_are_kept_as_long_as_memory_allows(photo_folder, monkeypatch):
    # Half of this is 5 photos of 48 x 64 pixels, not 12.
    memory = type("Memory", (), {"available": 2 * 5 * 3 * 48 * 64})
    monkeypatch.setattr("psutil.virtual_memory", memory)
    for cache, count in (("on", 12), ("auto", 5), ("off", 0)):
        found = survey(photo_folder, cache=cache).photos
        assert sum(photo.pixels is not None for photo in found) == count
