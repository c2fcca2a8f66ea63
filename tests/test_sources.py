"""Sources of training photos: listing, groups, manifests, data sets."""

import json
import os
import shutil

import pytest
import skimage.data
from PIL import Image

from keras_colorizer.data.small_folder import FORMAT, write_manifest
from keras_colorizer.data.sources import embedded_photos, list_photos
from keras_colorizer.data.survey import survey_photos
from keras_colorizer.errors import DataError


def test_embedded_photos_are_nine_and_all_fit():
    found = survey_photos(None, square=32)
    assert len(embedded_photos()) == len(found.photos) == 9


def test_first_subfolder_is_the_group(photo_folder, tmp_path):
    for place in ("cats/black/1.png", "dogs/2.png", "3.png"):
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(photo_folder / "00.png", tmp_path / place)
    groups = {
        os.path.relpath(photo.name, tmp_path): photo.group
        for photo in list_photos(str(tmp_path))
    }
    assert groups == {
        "cats/black/1.png": "cats",
        "dogs/2.png": "dogs",
        "3.png": "",
    }


def test_folder_of_shards_is_refused_in_a_sentence(tmp_path):
    shards = {"format": "keras_colorizer shards 1", "settings": {}}
    (tmp_path / "manifest.json").write_text(json.dumps(shards))
    with pytest.raises(DataError, match="no longer read: run `prepare`"):
        list_photos(str(tmp_path))


def test_unfinished_folder_is_refused(photo_folder, tmp_path):
    shutil.copy(photo_folder / "00.png", tmp_path)
    write_manifest(tmp_path, {"format": FORMAT, "found": 0})
    with pytest.raises(DataError, match="is not finished: run `prepare`"):
        list_photos(str(tmp_path))


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": "of others"}'])
def test_manifest_of_another_program_is_ignored(photo_folder, tmp_path, text):
    shutil.copy(photo_folder / "00.png", tmp_path)
    (tmp_path / "manifest.json").write_text(text)
    (photo,) = list_photos(str(tmp_path))
    assert not photo.small_side


def test_tensorflow_datasets_image_folder(tmp_path):
    pytest.importorskip("tensorflow_datasets", reason="an extra")
    for split, count in (("train", 3), ("test", 2)):
        for number in range(count):
            path = tmp_path / split / "cats" / f"{number}.jpg"
            path.parent.mkdir(parents=True, exist_ok=True)
            top = 10 * number + count
            photo = skimage.data.chelsea()[top : top + 90]
            Image.fromarray(photo).save(path)
    sources = list_photos(f"tfds:{tmp_path}")
    assert len({photo.name for photo in sources}) == 5
    assert len(survey_photos(f"tfds:{tmp_path}", square=32).photos) == 5


def test_unknown_data_set_is_named():
    pytest.importorskip("tensorflow_datasets", reason="an extra")
    with pytest.raises(DataError, match="tfds:no_such_data_set"):
        list_photos("tfds:no_such_data_set")
