"""Prepared shards as training reads them: whole, checked, the same photos."""

import dataclasses
import hashlib
import io
import shutil
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

import h5py
import numpy as np
import pytest
import skimage.data
import tensorflow as tf
from numpy.testing import assert_array_equal
from PIL import Image
from rich.progress import Progress

from keras_colorizer.callbacks.checkpoints import list_checkpoints
from keras_colorizer.data.photo_reader import PhotoReader
from keras_colorizer.data.pipeline import training_batches, validation_batches
from keras_colorizer.data.shards.damage import damage_named
from keras_colorizer.data.shards.likeness import difference_hash, thumbnail
from keras_colorizer.data.shards.manifest import Manifest, is_prepared
from keras_colorizer.data.shards.near_duplicates import NearDuplicates
from keras_colorizer.data.shards.preparation import prepare_photos
from keras_colorizer.data.shards.prepared_photos import survey_shards
from keras_colorizer.data.shards.settings import ShardSettings
from keras_colorizer.data.sources import list_photos, stream_photos
from keras_colorizer.data.survey import survey_photos
from keras_colorizer.encoding import decode_rgb
from keras_colorizer.errors import ConfigError, DataError
from keras_colorizer.training.photo_split import split_photos

REPOSITORY = Path(__file__).parents[1]
SQUARE = 32
SETTINGS = ShardSettings(short_side=72, photos_per_shard=5)

# By `imagehash.dhash` of ImageHash 4.3.2.
PUBLISHED = {
    "astronaut": "cd8dd91d897293a7",
    "chelsea": "5414589aab6fa785",
    "coffee": "f3e96933160b1b36",
}


def prepare(folder, output, settings=SETTINGS):
    return prepare_photos(
        str(folder),
        str(output),
        settings,
        worker_count=1,
        progress=Progress(disable=True),
    )


@pytest.fixture(scope="module")
def shards(photo_folder, tmp_path_factory):
    """12 photos in three shards, 5, 5 and 2; do not write into it."""
    folder = tmp_path_factory.mktemp("prepared") / "shards"
    prepare(photo_folder, folder)
    return folder


@pytest.fixture
def copied(shards, tmp_path):
    return shutil.copytree(shards, tmp_path / "copied")


def reader(folder, **kwargs):
    photos = survey_shards(str(folder), square=SQUARE, **kwargs).photos
    return PhotoReader(photos, square=SQUARE)


def batches(photos, count, **kwargs):
    stream = training_batches(photos, batch_size=4, seed=7, **kwargs)
    return [np.array(batch) for batch in stream.take(count)]


def test_manifest_holds_the_checksums_of_the_files(shards):
    manifest = Manifest.load(str(shards))
    assert [shard.photos for shard in manifest.shards] == [5, 5, 2]
    assert manifest.found == manifest.photos == 12
    for shard in manifest.shards:
        content = (shards / shard.file).read_bytes()
        assert shard.bytes == len(content)
        assert shard.sha256 == hashlib.sha256(content).hexdigest()


def test_any_reader_of_tfrecord_finds_all_photos(shards, photo_folder):
    features = {
        key: tf.io.FixedLenFeature((), tf.string)
        for key in ("image", "name", "group", "digest")
    }
    files = sorted(str(path) for path in shards.glob("*.tfrecord"))
    found = {}
    for record in tf.data.TFRecordDataset(files):
        example = tf.io.parse_single_example(record, features)
        photo = Image.open(io.BytesIO(example["image"].numpy()))
        assert photo.size == (96, 72)  # From 128 x 96.
        found[example["name"].numpy().decode()] = example["digest"].numpy()
    assert found == {
        path.name: hashlib.blake2b(path.read_bytes(), digest_size=8)
        .hexdigest()
        .encode()
        for path in photo_folder.iterdir()
    }


def test_photos_of_all_folders_are_mixed(photo_folder, tmp_path):
    for number, path in enumerate(sorted(photo_folder.iterdir())):
        group = tmp_path / "photos" / ("a" if number < 6 else "b")
        group.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, group)
    stream = stream_photos(str(tmp_path / "photos"))
    groups = [photo.group for photo in stream.starting_at(0)]
    # Folder after folder would change once.
    changes = sum(a != b for a, b in pairwise(groups))
    assert changes >= 3


def test_stored_photos_look_as_the_files_do(shards, photo_folder):
    photos = survey_shards(str(shards), square=SQUARE).photos
    read = PhotoReader(photos, square=64)
    for number, photo in enumerate(photos):
        original = Image.open(photo_folder / photo.source.name)
        expected = np.asarray(original.resize((96, 72), Image.Resampling.BOX))
        difference = np.abs(read(number).numpy() - expected.astype(float))
        # Another filter and JPEG at quality 85, not another photo: 30 or more.
        assert difference.mean() < 6


def test_a_box_is_cut_out_of_the_whole_while_it_is_decoded(shards):
    photos = reader(shards)  # At half the size: 36 is enough for 32.
    top, left, height, width = 3, 10, 20, 31
    for index in range(photos.count):
        whole = photos(index)
        assert whole.shape == (36, 48, 3)
        assert_array_equal(photos.shapes[index], whole.shape[:2])
        box = photos.box(index, tf.constant([top, left, height, width]))
        expected = whole[top : top + height, left : left + width]
        assert_array_equal(box, expected)


def test_all_ways_of_reading_give_the_same_batches(shards):
    drawn = batches(reader(shards, cache="off"), 6)
    held = batches(reader(shards, cache="on"), 6)
    assert_array_equal(drawn, held)


def test_any_step_can_be_the_first_from_shards(shards):
    photos = reader(shards)
    late = batches(photos, 3, first_step=5)
    assert_array_equal(batches(photos, 8)[5:], late)


def test_parts_of_a_batch_make_the_batch(shards):
    photos = reader(shards)
    whole = batches(photos, 3, first_step=2)
    parts = [batches(photos, 3, first_step=2, part=(i, 2)) for i in range(2)]
    for batch, first, second in zip(whole, *parts, strict=True):
        assert_array_equal(batch, np.concatenate([first, second]))


def test_training_splits_shards_as_it_splits_the_folder(
    shards, tiny_config, photo_folder
):
    from_files = split_photos(tiny_config, quiet=True)
    config = dataclasses.replace(tiny_config, data=str(shards))
    from_shards = split_photos(config, quiet=True)
    for kind in ("training", "validation"):
        names = [
            [photo.source.name.rsplit("/", 1)[-1] for photo in getattr(s, kind)]
            for s in (from_files, from_shards)
        ]
        assert names[0] == names[1]
        assert len(names[0]) == {"training": 9, "validation": 3}[kind]


def test_batches_show_what_those_of_the_folder_show(shards, photo_folder):
    found = survey_photos(list_photos(str(photo_folder)), square=SQUARE)
    files = PhotoReader(found.photos, square=SQUARE)
    from_files = np.concatenate(batches(files, 3)).astype(float)
    from_shards = np.concatenate(batches(reader(shards), 3))
    differences = np.abs(from_files - from_shards).mean(axis=(1, 2, 3))
    # Pixels of a box are rounded, and JPEG costs a little; two boxes of the
    # same photo, or two photos, differ by 30 or more.
    assert differences.max() < 12


def test_validation_shows_every_photo_of_the_shards_once(shards):
    stream = validation_batches(reader(shards), batch_size=5)
    squares = np.concatenate([decode_rgb(*batch).numpy() for batch in stream])
    assert len(squares) == 12
    assert len({square.tobytes() for square in squares}) == 12


def test_small_groups_are_balanced_from_shards(tmp_path):
    rng = np.random.default_rng(0)
    for group, count in (("many", 9), ("few", 3)):
        for number in range(count):
            path = tmp_path / "photos" / group / f"{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            # Red alone or blue alone; each photo with edges of its own.
            rgb = np.zeros((40, 40, 3), "uint8")
            cells = rng.integers(60, 256, (8, 8), "uint8")
            channel = 0 if group == "many" else 2
            rgb[..., channel] = np.kron(cells, np.ones((5, 5), "uint8"))
            Image.fromarray(rgb).save(path)
    settings = ShardSettings(short_side=36, keep_colorless=True)
    manifest = prepare(tmp_path / "photos", tmp_path / "shards", settings)
    assert manifest.groups == {"few": 3, "many": 9}
    photos = reader(tmp_path / "shards", keep_colorless=True)
    blue = sum(
        (b[..., 2].mean(axis=(1, 2)) > 40).sum()
        for b in batches(photos, 6, balance=1.0)
    )
    assert blue == 12  # Half of 24.


def test_difference_hash_is_that_of_image_hash():
    for name, expected in PUBLISHED.items():
        rgb = getattr(skimage.data, name)()
        assert difference_hash(rgb) == int(expected, 16)


def test_photos_alike_are_found_among_many(rng):
    """Against a comparison with every photo, one by one."""
    hashes = rng.integers(0, 2**64, 3000, np.uint64)
    thumbnails = rng.integers(0, 256, (3000, 8, 8, 3), np.uint8)
    photos = NearDuplicates()
    for photo_hash, small in zip(hashes, thumbnails, strict=True):
        photos.add(int(photo_hash), small)
    for number in rng.integers(0, 3000, 300):
        flipped = rng.choice(64, rng.integers(0, 9), replace=False)
        other = int(hashes[number])
        for bit in flipped:
            other ^= 1 << int(bit)
        shift = int(rng.integers(0, 16))
        small = np.clip(thumbnails[number].astype(int) + shift, 0, 255)
        bits = np.array([(int(h) ^ other).bit_count() for h in hashes])
        levels = np.abs(thumbnails.astype(int) - small).mean(axis=(1, 2, 3))
        alike = np.flatnonzero((bits <= 5) & (levels <= 8))
        expected = int(alike[0]) if len(alike) else None
        assert photos.first_like(other, small.astype("uint8")) == expected


def test_same_hash_in_other_colors_is_another_photo():
    ramp = np.tile(np.linspace(0, 255, 64), (64, 1))
    red = np.uint8(np.stack([ramp, ramp / 4, ramp / 4], axis=-1))
    blue = red[..., ::-1].copy()
    assert difference_hash(red) == difference_hash(blue)
    photos = NearDuplicates()
    photos.add(difference_hash(red), thumbnail(red))
    assert photos.first_like(difference_hash(blue), thumbnail(blue)) is None
    assert photos.first_like(difference_hash(red), thumbnail(red)) == 0


def flip_a_bit(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def test_missing_shard_is_named(copied):
    (copied / "shard-00001.tfrecord").unlink()
    with pytest.raises(DataError, match="shard-00001.tfrecord` is missing"):
        survey_shards(str(copied), square=SQUARE)


def test_cut_shard_is_named(copied):
    path = copied / "shard-00001.tfrecord"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(DataError, match=r"shard-00001.tfrecord` has .* bytes"):
        survey_shards(str(copied), square=SQUARE)


def test_damaged_shard_is_named_before_training_from_memory(copied):
    flip_a_bit(copied / "shard-00001.tfrecord")
    with pytest.raises(DataError, match=r"shard-00001.tfrecord` is damaged"):
        survey_shards(str(copied), square=SQUARE, cache="on")


def cut_short(path):
    path.write_bytes(path.read_bytes()[:100])


@pytest.mark.parametrize(
    "harm", [flip_a_bit, cut_short, lambda path: path.unlink()]
)
def test_shard_damaged_later_is_named_when_it_is_drawn(copied, harm):
    photos = reader(copied, cache="off")
    harm(copied / "shard-00001.tfrecord")
    name = f"The shard `{copied}/shard-00001.tfrecord`"
    with (
        pytest.raises(DataError, match=f"{name} .*run `prepare`"),
        damage_named(str(copied)),
    ):
        batches(photos, 3)  # A round has 3 batches of 4.


def test_missing_or_foreign_index_is_named(copied):
    shutil.copy(copied / "shard-00000.npz", copied / "shard-00001.npz")
    with pytest.raises(DataError, match=r"shard-00001.npz.*belongs to another"):
        survey_shards(str(copied), square=SQUARE)
    (copied / "shard-00001.npz").write_bytes(b"cut")
    with pytest.raises(DataError, match=r"shard-00001.npz` is damaged"):
        survey_shards(str(copied), square=SQUARE)


def test_unfinished_folder_is_not_trained_on(copied):
    begun = dataclasses.replace(Manifest.load(str(copied)), is_complete=False)
    begun.save(str(copied))
    assert is_prepared(str(copied))
    with pytest.raises(DataError, match="is not finished"):
        survey_shards(str(copied), square=SQUARE)


def test_photos_too_small_for_the_squares_are_refused(shards):
    with pytest.raises(ConfigError, match=r"72 pixels.*--short-side 288"):
        survey_shards(str(shards), square=256)


def start_training(*flags):
    return subprocess.Popen(
        [sys.executable, str(REPOSITORY / "train.py"), *map(str, flags)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=REPOSITORY,
    )


def finish(process):
    output, _ = process.communicate(timeout=200)
    assert process.returncode == 0, output


def weights(run_dir):
    """All arrays of a run's newest checkpoint, by name."""
    arrays = {}

    def collect(name, item):
        if isinstance(item, h5py.Dataset):
            arrays[name] = item[()]

    newest = list_checkpoints(run_dir / "checkpoint")[-1]
    with h5py.File(newest) as file:
        file.visititems(collect)
    return arrays


@pytest.mark.slow
def test_killed_training_from_shards_resumes_to_the_same_weights(
    shards, tmp_path
):
    flags = f"--data {shards} --preset tiny --batch-size 4 --epochs 4".split()
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    finish(start_training(*flags, "--run-dir", whole))
    process = start_training(*flags, "--run-dir", killed)
    deadline = time.monotonic() + 120
    while not list((killed / "checkpoint").glob("step_000000004*")):
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.kill()  # SIGKILL: no handler runs.
    process.communicate()
    finish(start_training("--resume", "--run-dir", killed))
    one, two = weights(whole), weights(killed)
    assert one.keys() == two.keys()
    assert len(one) > 100  # Two networks, two optimizers, the average.
    for name, array in one.items():
        assert_array_equal(array, two[name], err_msg=name)


def test_shards_that_cannot_be_reached_are_named(tiny_config):
    where = "nowhere://bucket/shards"
    config = dataclasses.replace(tiny_config, data=where)
    with pytest.raises(DataError, match=f"`{where}/manifest.json` cannot be"):
        split_photos(config, quiet=True)
    config = dataclasses.replace(tiny_config, data="ram://empty/shards")
    with pytest.raises(DataError, match="`ram://empty/shards` holds no mani"):
        split_photos(config, quiet=True)
