"""`evaluate`: means, their intervals, the page, and the command line."""

import base64
import io
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace
from xml.etree import ElementTree

import numpy as np
import pytest
import rich
import scipy.stats
import skimage.data
from numpy.testing import assert_allclose
from PIL import Image
from skimage.color import rgb2lab
from skimage.metrics import peak_signal_noise_ratio

from keras_colorizer import Colorizer, EvaluationReport, evaluate
from keras_colorizer.cli import commands
from keras_colorizer.errors import ConfigError, DataError, UnreadablePhotoError
from keras_colorizer.evaluation.bootstrap import (
    Estimate,
    estimate,
    resampled_means,
)
from keras_colorizer.evaluation.charts import ab_charts, calibration_charts
from keras_colorizer.evaluation.colors import (
    AB_BIN,
    AB_EDGES,
    CHROMA_BIN,
    Colors,
    ab_density,
    calibration,
    measure_colors,
)
from keras_colorizer.evaluation.definitions import GROUPS, METRICS
from keras_colorizer.evaluation.gallery import SHOWN, Example, Gallery
from keras_colorizer.evaluation.images import ImageFolder, row_names
from keras_colorizer.evaluation.judging import PICTURE, left_grey
from keras_colorizer.evaluation.page import page, verdict
from keras_colorizer.evaluation.photo_scores import GREY, PhotoScores
from keras_colorizer.evaluation.summary import Row, summarize
from keras_colorizer.metrics import DetailedScores

REPOSITORY = Path(__file__).parents[1]
MODEL = "colorized"


@pytest.fixture(scope="module")
def colorizer(tiny_run):
    return Colorizer.load(tiny_run.run_dir)


@pytest.fixture(scope="module")
def report(colorizer, photo_folder):
    return evaluate(colorizer, photo_folder)


def photo_scores(*, true=40.0, grey=None, **model):
    """The scores of a photo; what is not said is the same for all."""
    same = dict.fromkeys(DetailedScores.__dataclass_fields__, 1.0)
    return PhotoScores(
        name="photo.png",
        height=1,
        width=1,
        is_colored=True,
        true_colorfulness=true,
        scores={
            GREY: DetailedScores(**same | (grey or {})),
            MODEL: DetailedScores(**same | model),
        },
    )


# Intervals.


def test_interval_of_a_normal_mean_is_its_closed_form(rng):
    values = rng.normal(10, 2, size=(400, 1))
    found = estimate(values.mean(), resampled_means(values)[:, 0])
    error = values.std() / np.sqrt(400)
    # 2000 draws leave 0.06 standard errors of noise at each end.
    assert_allclose(found.low, values.mean() - 1.96 * error, atol=0.2 * error)
    assert_allclose(found.high, values.mean() + 1.96 * error, atol=0.2 * error)


def test_intervals_hold_the_true_mean_as_often_as_they_say(rng):
    samples = rng.normal(size=(50, 400))
    low, high = np.percentile(resampled_means(samples), [2.5, 97.5], axis=0)
    covered = np.mean((low < 0) & (high > 0))
    # Percentiles at n = 50 cover 93.5 %; 400 samples leave 1.2 % of noise.
    assert 0.90 <= covered <= 0.97


def test_intervals_of_derived_figures_are_those_of_scipy(rng):
    true = rng.normal(40, 8, size=100)
    fake = 0.4 * true + rng.normal(0, 4, size=100)
    photos = [
        photo_scores(true=one, colorfulness=another)
        for one, another in zip(true, fake, strict=True)
    ]
    estimates = summarize(photos, MODEL).estimates
    for name, statistic in {
        "colorfulness_share": lambda f, t, axis: f.mean(axis) / t.mean(axis),
        "colorfulness_gap": lambda f, t, axis: abs(f.mean(axis) - t.mean(axis)),
    }.items():
        expected = scipy.stats.bootstrap(
            (fake, true), statistic, paired=True, method="percentile", rng=1
        ).confidence_interval
        width = expected.high - expected.low
        found = estimates[name]
        assert_allclose(found.value, statistic(fake, true, 0), rtol=1e-12)
        assert_allclose(found.low, expected.low, atol=0.08 * width)
        assert_allclose(found.high, expected.high, atol=0.08 * width)


def test_gains_compare_each_photo_with_itself(rng):
    photos = [
        photo_scores(
            grey={"psnr": psnr, "ciede2000": 30 - psnr},
            psnr=psnr + 1,
            ciede2000=30 - psnr - 2,
        )
        for psnr in rng.uniform(10, 25, size=9)
    ]
    estimates = summarize(photos, MODEL).estimates
    # However much the photos differ, each gains the same.
    for name, gain in {"psnr_gain": 1, "ciede2000_gain": 2}.items():
        found = estimates[name]
        assert_allclose([found.value, found.low, found.high], gain, rtol=1e-9)
    assert estimates["psnr"].high - estimates["psnr"].low > 2


def test_errors_of_colorfulness_cancel_out_in_the_gap_alone():
    photos = [
        photo_scores(colorfulness=50, colorfulness_error=10),
        photo_scores(colorfulness=30, colorfulness_error=10),
    ]
    estimates = summarize(photos, MODEL).estimates
    assert estimates["colorfulness_error"].value == 10
    assert estimates["colorfulness_gap"].value == 0
    assert estimates["colorfulness_share"].value == 1


def test_photos_without_any_color_have_no_share_of_it():
    photos = [photo_scores(true=0), photo_scores(true=0)]
    estimates = summarize(photos, MODEL).estimates
    assert "colorfulness_share" not in estimates
    assert estimates["colorfulness_gap"].value == 1


def test_share_survives_draws_without_color():
    photos = [photo_scores(true=0), photo_scores(true=10, colorfulness=5)]
    share = summarize(photos, MODEL).estimates["colorfulness_share"]
    assert share.value == pytest.approx(0.6)  # (1 + 5) / (0 + 10).
    assert np.isfinite([share.low, share.high]).all()


def test_one_photo_has_no_intervals():
    estimates = summarize([photo_scores(psnr=20)], MODEL).estimates
    assert estimates["psnr"] == Estimate(20, None, None)


def test_grey_has_no_gain_over_itself():
    estimates = summarize([photo_scores()], GREY).estimates
    assert not {"psnr_gain", "ciede2000_gain"} & set(estimates)


@pytest.mark.parametrize(
    ("gain", "words"),
    [
        (Estimate(2, 1, 3), "Nearer"),
        (Estimate(2, -1, 5), "Not clearly"),
        (Estimate(-2, -3, -1), "Farther"),
        (Estimate(2), "cannot tell"),
    ],
)
def test_verdict_goes_by_the_interval(gain, words):
    assert words in verdict(Row("model", {"ciede2000_gain": gain}))


# Colors.


def lab_of(*ab):
    """A photo of one color."""
    return np.full((4, 6, 3), [50, *ab], "float32")


def test_density_of_one_color_is_in_one_bin():
    density = ab_density(lab_of(31, -20.5))
    for channel, value in enumerate([31, -20.5]):
        (place,) = np.flatnonzero(density[channel])
        assert AB_EDGES[place] <= value < AB_EDGES[place + 1]
        assert density[channel, place] == 1 / AB_BIN


def test_every_color_of_srgb_has_a_bin(rgb_levels):
    density = ab_density(rgb2lab(rgb_levels[None]).astype("float32"))
    assert_allclose(density.sum(axis=1) * AB_BIN, 1, rtol=1e-12)


def test_photos_weigh_the_same_whatever_their_size():
    small, large = lab_of(30, 0), np.tile(lab_of(-30, 0), (9, 9, 1))
    colors = sum(
        (measure_colors(lab, lab) for lab in (small, large)), Colors.none()
    )
    assert set(colors.ab[0]) == {0, 1 / AB_BIN}
    assert colors.given_true[0].max() == 2  # Both have a chroma of 30.


def test_calibration_finds_how_much_paler_the_colors_are(rng):
    real = rgb2lab(skimage.data.astronaut()).astype("float32")
    fake = real * [1, 0.5, 0.5]
    colors = measure_colors(real, fake.astype("float32"))
    for sums, slope in [(colors.given_true, 0.5), (colors.given_predicted, 2)]:
        xs, ys = calibration(sums, photos=1, fewest=1e-3)
        assert len(xs) > 5
        # The mean in a bin is within half a bin of its middle.
        assert np.abs(ys - slope * xs).max() <= slope * CHROMA_BIN / 2


def test_calibration_leaves_out_bins_of_few_pixels():
    colors = measure_colors(lab_of(30, 0), lab_of(10, 0))
    xs, ys = calibration(colors.given_true, photos=1, fewest=0.5)
    assert_allclose([*xs, *ys], [32.5, 10])
    assert not len(calibration(colors.given_true, photos=4, fewest=0.5)[0])


# Gallery.


@pytest.mark.parametrize("count", range(1, 12))
def test_gallery_shows_the_extremes_and_none_twice(count, rng):
    gains = rng.integers(0, 5, size=count)  # With ties.
    gallery = Gallery()
    for number, gain in enumerate(gains):
        gallery.offer(
            Example(
                gain,
                f"{number:02d}",
                scores=None,
                grey_scores=None,
                pictures=None,
            )
        )
    best = [example.gain for example in gallery.best]
    worst = [example.gain for example in gallery.worst]
    ranked = sorted(gains)
    assert worst == ranked[: len(worst)]
    assert best == ranked[::-1][: len(best)]
    assert len(best) + len(worst) == min(count, 2 * SHOWN)
    names = [example.name for example in [*gallery.best, *gallery.worst]]
    assert len(set(names)) == len(names)


# The report.


def test_grey_is_what_the_colorizer_makes_without_saturation(colorizer):
    photo = skimage.data.chelsea()[:90, :120]
    expected = np.asarray(colorizer.colorize(photo, saturation=0.0))
    np.testing.assert_array_equal(left_grey(photo), expected)


def test_means_are_those_of_photos_colorized_one_by_one(
    report, colorizer, photo_folder
):
    psnrs = {GREY: [], MODEL: []}
    for path in sorted(photo_folder.iterdir()):
        real = np.asarray(Image.open(path))
        for row, saturation in [(GREY, 0.0), (MODEL, 1.0)]:
            fake = colorizer.colorize(path, saturation=saturation)
            ratio = peak_signal_noise_ratio(real, np.asarray(fake))
            psnrs[row].append(ratio)
    assert isinstance(report, EvaluationReport)
    assert [row.name for row in report.rows] == [GREY, MODEL]
    for row in report.rows:
        found = row.estimates["psnr"]
        assert_allclose(found.value, np.mean(psnrs[row.name]), rtol=1e-9)
        assert found.low < found.value < found.high
    (model,) = report.models
    gain = np.mean(psnrs[MODEL]) - np.mean(psnrs[GREY])
    assert_allclose(model.estimates["psnr_gain"].value, gain, rtol=1e-6)
    assert [(p.height, p.width) for p in report.photos] == [(96, 128)] * 12


def test_grey_has_no_colorfulness_to_speak_of(report):
    grey = report.rows[0].estimates
    # Neutral, but for rounding to 8 bits: a level in one channel.
    assert grey["colorfulness"].value < 0.5
    assert report.true_colorfulness.value > 20


def test_rows_have_all_metrics_that_are_defined(report):
    assert set(report.models[0].estimates) == set(METRICS)


def test_photos_may_be_named_one_by_one_or_by_a_glob(colorizer, photo_folder):
    paths = sorted(photo_folder.iterdir())[:2]
    named = evaluate(colorizer, paths)
    matched = evaluate(colorizer, f"{photo_folder}/0[01].png")
    assert [photo.name for photo in named.photos] == ["00.png", "01.png"]
    assert named.rows == matched.rows


def test_report_prints_as_tables(report, capsys):
    rich.print(report)
    out = capsys.readouterr().out
    assert all(group.title in out for group in GROUPS)


def test_page_and_figures_may_not_have_one_name(report, tmp_path):
    with pytest.raises(ConfigError, match=r"must end in \.html"):
        report.write(tmp_path / "report.json")


def test_folder_without_photos_is_refused(colorizer, tmp_path):
    with pytest.raises(DataError, match="holds no photo"):
        evaluate(colorizer, tmp_path)


def test_nothing_but_damaged_photos_is_refused(colorizer, tmp_path):
    (tmp_path / "text.jpg").write_text("not a photo")
    with pytest.raises(UnreadablePhotoError, match=r"text\.jpg"):
        evaluate(colorizer, tmp_path)


# The page.


class Page(HTMLParser):
    """What a browser would load, and what it would show.

    Attributes:
        fetched: Addresses that the page loads by itself.
        links: Those that a reader may follow.
        pictures: Sources of the pictures.
        texts: The text.
    """

    def __init__(self, html):
        super().__init__()
        self.fetched, self.links, self.pictures, self.texts = [], [], [], []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        assert tag not in {"link", "script", "iframe", "object", "embed"}
        if tag == "a":
            self.links.append(attributes.pop("href"))
        if tag == "img":
            self.pictures.append(attributes["src"])
        for name in ("src", "srcset", "href", "xlink:href", "data", "poster"):
            if name in attributes:
                self.fetched.append(attributes[name])

    def handle_data(self, data):
        self.texts.append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.texts).split())


def decoded(source):
    """The picture in a data URI."""
    _, encoded = source.split(",")
    return Image.open(io.BytesIO(base64.b64decode(encoded)))


@pytest.fixture(scope="module")
def html(report):
    return page(report)


def test_page_loads_nothing_from_elsewhere(html):
    addresses = Page(html).fetched
    assert addresses
    assert all(a.startswith(("data:image/", "#")) for a in addresses)
    # In style sheets.
    assert "@import" not in html
    assert all(a.startswith("#") for a in re.findall(r"url\(([^)]*)", html))


def test_page_holds_the_pictures(html, report, photo_folder):
    sources = Page(html).pictures
    pictures = [np.asarray(decoded(source)) for source in sources]
    gallery = report.galleries[MODEL]
    shown = [*gallery.best, *gallery.worst]
    assert len(pictures) == 3 * len(shown) == 3 * 2 * SHOWN
    for i, example in enumerate(shown):
        grey, _, true = pictures[3 * i : 3 * i + 3]
        # Of JPEG: 12 levels are far from any other photo.
        expected = np.asarray(Image.open(photo_folder / example.name))
        assert np.abs(true.astype(float) - expected).mean() < 12
        assert np.ptp(grey.astype(float), axis=-1).mean() < 2


def test_page_reduces_large_photos(colorizer, tmp_path):
    large = skimage.data.astronaut()
    Image.fromarray(large[:400]).save(tmp_path / "large.png")
    pictures = Page(page(evaluate(colorizer, tmp_path))).pictures
    assert {decoded(source).size for source in pictures} == {(PICTURE[0], 250)}


def test_page_says_all_figures_and_what_they_mean(html, report):
    text = Page(html).text
    for row in report.rows:
        assert row.name in text
        for name, found in row.estimates.items():
            assert METRICS[name].text(found) in text
            assert METRICS[name].interval_text(found) in text
    for metric in METRICS.values():
        assert metric.definition in text
        assert metric.source in text


def test_page_is_for_phones_and_for_the_dark(html):
    assert 'name="viewport"' in html
    assert "prefers-color-scheme: dark" in html


def test_names_of_photos_are_text_not_markup(colorizer, tmp_path):
    name = "<b>&amp;.png"
    Image.fromarray(skimage.data.coffee()[:40, :40]).save(tmp_path / name)
    html = page(evaluate(colorizer, tmp_path))
    assert name not in html
    assert name in Page(html).text


def test_charts_are_svg_in_the_color_of_the_text(report):
    charts = [*ab_charts(report), *calibration_charts(report)]
    for chart in charts:
        root = ElementTree.fromstring(chart)
        assert root.tag == "{http://www.w3.org/2000/svg}svg"
        assert "currentColor" in chart
        assert "#010203" not in chart
    # Names inside one chart are not those of another.
    names = [set(re.findall(r' id="([^"]*)"', chart)) for chart in charts]
    assert sum(map(len, names)) == len(set.union(*names))


def test_definitions_are_documented():
    words = (REPOSITORY / "docs/evaluation.md").read_text()
    for metric in METRICS.values():
        assert f"`{metric.name}`" in words
        assert metric.title in words
        assert metric.link is None or metric.link in words


# The command line.


@pytest.fixture
def command(run_main, tiny_run):
    """Runs `keras-colorizer evaluate`; returns exit code, output, errors."""

    def run(*arguments, models=(tiny_run.run_dir,)):
        chosen = [word for model in models for word in ("--model", model)]
        code, out, err = run_main(
            commands.main, "keras-colorizer", "evaluate", *arguments, *chosen
        )
        return SimpleNamespace(code=code, out=out, err=" ".join(err.split()))

    return run


@pytest.fixture
def photos(tmp_path, photo_folder):
    """A folder of three photos, one of them in a subfolder."""
    folder = tmp_path / "photos"
    for name in ("00.png", "01.png", "old/02.png"):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes((photo_folder / path.name).read_bytes())
    return folder


def test_table_fits_80_columns_and_says_what_the_json_says(
    command, photos, tiny_run, tmp_path
):
    generator = tiny_run.run_dir / "generator.keras"
    path = tmp_path / "new" / "report.html"
    done = command(
        *("--data", photos, "--report", path),
        models=(tiny_run.run_dir, generator),
    )
    assert done.code == 0
    tables, _ = done.out.split("The page:")
    assert max(map(len, tables.splitlines())) <= 80
    figures = json.loads(path.with_suffix(".json").read_text())
    rows = figures["rows"]
    assert [row["name"] for row in rows] == [GREY, "tiny", "generator.keras"]
    for row in rows:
        assert row["name"] in done.out
        for name, found in row["estimates"].items():
            metric, found = METRICS[name], Estimate(**found)
            assert metric.text(found) in done.out
            assert metric.interval_text(found) in done.out
    true = Estimate(**figures["true_colorfulness"])
    colorfulness = METRICS["colorfulness"].text(true)
    assert f"3 true photos have a mean colorfulness of {colorfulness}" in (
        done.out
    )
    # The same generator under two names.
    assert rows[1]["estimates"] == rows[2]["estimates"]
    assert Page(path.read_text()).pictures


def test_means_in_the_json_are_those_of_its_photos(command, photos, tmp_path):
    path = tmp_path / "report.html"
    command("--data", photos, "--report", path)
    figures = json.loads(path.with_suffix(".json").read_text())
    per_photo = figures["per_photo"]
    assert [p["name"] for p in per_photo] == ["00.png", "01.png", "old/02.png"]
    for row in figures["rows"]:
        for name in DetailedScores.__dataclass_fields__:
            values = [p["scores"][row["name"]][name] for p in per_photo]
            expected = row["estimates"][name]["value"]
            assert_allclose(np.mean(values), expected, rtol=1e-9)


def test_models_may_be_named_one_by_one_or_together(command, photos, tiny_run):
    run, generator = tiny_run.run_dir, tiny_run.run_dir / "generator.keras"
    apart = command("--data", photos, models=(run, generator))
    together = command("--data", photos, "--model", run, generator, models=())
    assert apart.out == together.out


def test_bad_photos_are_named_and_the_others_count(command, photos, tmp_path):
    (photos / "text.jpg").write_text("not a photo")
    path = tmp_path / "report.html"
    done = command("--data", photos, "--report", path)
    assert done.code == 1
    assert "text.jpg" in done.err
    figures = json.loads(path.with_suffix(".json").read_text())
    assert figures["photos"] == 3
    assert "text.jpg" in figures["unreadable"][0]
    assert "text.jpg" in Page(path.read_text()).text


def test_photos_without_color_count_and_are_named(command, photos):
    camera = Image.fromarray(skimage.data.camera()).resize((64, 64))
    camera.save(photos / "camera.png")
    done = command("--data", photos)
    assert done.code == 0
    assert "1 without color, which count, too: camera.png" in done.err


def test_one_photo_is_judged_without_intervals(command, photos, tmp_path):
    path = tmp_path / "report.html"
    done = command("--data", photos / "00.png", "--report", path)
    assert done.code == 0
    assert "too few for intervals" in done.err
    assert not re.search(r"\d( to |–)", done.out)
    assert "too few for intervals" in Page(path.read_text()).text


def test_max_pixels_is_a_limit(command, photos):
    limit = 96 * 128
    assert command("--data", photos, "--max-pixels", limit).code == 0
    done = command("--data", photos, "--max-pixels", limit - 1)
    assert done.code == 1
    assert "No photo can be judged" in done.err


def test_saved_images_are_the_photos_and_what_became_of_them(
    command, photos, colorizer, tmp_path
):
    photo = Image.open(photos / "00.png")
    photo.save(photos / "00.bmp")  # Two photos, one name.
    images = tmp_path / "images"
    assert command("--data", photos, "--save-images", images).code == 0
    expected = {"00.png", "00.png.png", "01.png", "old/02.png"}
    for subfolder in ("true", "tiny"):
        found = {
            path.relative_to(images / subfolder).as_posix()
            for path in (images / subfolder).rglob("*.*")
        }
        assert found == expected
    true = Image.open(images / "true/old/02.png")
    np.testing.assert_array_equal(true, Image.open(photos / "old/02.png"))
    np.testing.assert_array_equal(
        Image.open(images / "tiny/01.png"),
        colorizer.colorize(photos / "01.png"),
    )
    again = command("--data", photos, "--save-images", images)
    assert again.code == 2
    assert "holds files already" in again.err


def test_empty_folder_for_images_is_filled(command, photos, tmp_path):
    (tmp_path / "images").mkdir()
    done = command("--data", photos, "--save-images", tmp_path / "images")
    assert done.code == 0
    assert (tmp_path / "images/tiny/00.png").exists()


def test_failed_evaluation_leaves_no_images(command, photos, tmp_path):
    for photo in photos.rglob("*.png"):
        photo.write_text("not a photo")
    done = command("--data", photos, "--save-images", tmp_path / "images")
    assert done.code == 1
    assert [path.name for path in tmp_path.iterdir()] == ["photos"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "--data"),
        (["--data", "nowhere"], "nowhere"),
        (["--data", "{empty}"], "holds no photo"),
        (["--data", "{photos}", "--max-pixels", "0"], "--max-pixels"),
        (["--data", "{photos}", "--model", "no_model"], "no_model"),
        (["--data", "{photos}", "--report", "report.txt"], "ends in .html"),
        (["--data", "{photos}", "--report", "{photos}"], "ends in .html"),
        (
            ["--data", "{photos}", "--report", "{photos}/00.png/x/r.html"],
            "is no folder",
        ),
        (
            ["--data", "{photos}", "--save-images", "{photos}/images"],
            "name a folder elsewhere",
        ),
        (
            ["--data", "{photos}", "--save-images", "{photos}"],
            "holds files already",
        ),
    ],
)
def test_wrong_command_lines_exit_with_2(
    command, photos, tmp_path, arguments, message
):
    empty = tmp_path / "empty"
    empty.mkdir()
    before = sorted(tmp_path.rglob("*"))
    words = [word.format(photos=photos, empty=empty) for word in arguments]
    done = command(*words)
    assert done.code == 2
    assert message in done.out + done.err
    assert sorted(tmp_path.rglob("*")) == before


def test_damaged_model_exits_with_1(command, photos, tmp_path):
    model = tmp_path / "model.tflite"
    model.write_text("not a model")
    done = command("--data", photos, models=(model,))
    assert done.code == 1
    assert "cannot be read as a colorizer" in done.err


def test_without_a_model_the_pretrained_one_is_judged(command, photos):
    done = command("--data", photos, models=())
    assert done.code == 0
    assert "small" in done.out


def test_rows_have_names_that_tell_models_apart():
    one, two, other = Path("runs/a/m.keras"), Path("runs/b/m.keras"), Path("c")
    assert row_names([one, other, two, one]) == {
        "runs/a/m.keras": one,
        "c": other,
        "runs/b/m.keras": two,
    }


def test_folders_of_images_have_names_of_their_own(tmp_path):
    black = np.zeros((2, 2, 3), "uint8")
    models = ["true", "a/b", "a b", ".."]
    folder = ImageFolder(tmp_path, models)
    for model in models:
        folder.write(model, Path("photo.jpg"), black)
    assert sorted(path.parent.name for path in tmp_path.rglob("*.png")) == [
        "a_b",
        "a_b_2",
        "model",
        "true_2",
    ]
