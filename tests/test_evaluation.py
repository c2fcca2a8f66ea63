"""`evaluate`: means, their intervals, the trade-off curve, and the page."""

import base64
import io
import json
import re
from html import unescape
from pathlib import Path
from types import SimpleNamespace
from xml.etree import ElementTree

import keras
import numpy as np
import pytest
import scipy.stats
import skimage.data
from fixtures.ordinary_user import ordinary_user
from numpy.testing import assert_allclose
from PIL import Image
from skimage.color import deltaE_ciede2000, rgb2lab
from skimage.metrics import peak_signal_noise_ratio

from keras_colorizer import Colorizer, EvaluationReport, evaluate
from keras_colorizer.cli import commands
from keras_colorizer.errors import ConfigError, DataError, UnreadablePhotoError
from keras_colorizer.evaluation.colors import (
    AB_BIN,
    AB_EDGES,
    CHROMA_BIN,
    CHROMA_MIDDLES,
    brown_share,
    measure_colors,
)
from keras_colorizer.evaluation.evaluate import SHOWN, evaluate_models
from keras_colorizer.evaluation.judging import GREY, TRUE
from keras_colorizer.evaluation.summary import Estimate, estimate_means
from keras_colorizer.evaluation.tables import CURVES, GROUPS, METRICS
from keras_colorizer.evaluation.trade_off import predict_photos, trade_off
from keras_colorizer.inference.keras_network import KerasNetwork
from keras_colorizer.metrics import colorfulness
from keras_colorizer.networks.readout import with_readout
from keras_colorizer.photos import find_photos
from keras_colorizer.pretrained import DEFAULT, TFLITE, pretrained_file

REPOSITORY = Path(__file__).parents[1]
MODEL = "colorized"
SIDE = 32


def painter(kernel, bias):
    """A generator of one convolution: ab by lightness and its surroundings."""
    lightness = keras.Input((SIDE, SIDE, 1))
    conv = keras.layers.Conv2D(2, 3, padding="same", activation="tanh")
    generator = keras.Model(lightness, conv(lightness))
    conv.set_weights([np.reshape(kernel, (3, 3, 1, 2)), np.float32(bias)])
    return generator


def colorizer_of(generator):
    return Colorizer(KerasNetwork(generator, render_size=SIDE))


@pytest.fixture(scope="module")
def bold():
    rng = np.random.default_rng(0)
    return painter(rng.normal(0, 0.06, 18), [0.02, 0.1])


@pytest.fixture(scope="module")
def colorizer(bold):
    return colorizer_of(bold)


@pytest.fixture(scope="module")
def report(colorizer, photo_folder):
    return evaluate(colorizer, photo_folder)


# Means and intervals.


def columns(**arrays):
    """The scores of each photo."""
    rows = zip(*arrays.values(), strict=True)
    return [dict(zip(arrays, row, strict=True)) for row in rows]


def test_intervals_of_means_and_derived_figures_are_those_of_scipy(rng):
    true = rng.normal(40, 8, size=100)
    fake = 0.4 * true + rng.normal(0, 4, size=100)
    scores = columns(true_colorfulness=true, colorfulness=fake)
    estimates = estimate_means(scores)
    for name, statistic in {
        "colorfulness": lambda f, t, axis: f.mean(axis),
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


def test_share_of_the_colorfulness_needs_some_and_survives_draws_without():
    scores = columns(true_colorfulness=[0, 0], colorfulness=[1, 1])
    estimates = estimate_means(scores)
    assert "colorfulness_share" not in estimates
    assert estimates["colorfulness_gap"].value == 1
    scores = columns(true_colorfulness=[0, 10], colorfulness=[1, 5])
    share = estimate_means(scores)["colorfulness_share"]
    assert share.value == pytest.approx(0.6)  # (1 + 5) / (0 + 10).
    assert np.isfinite([share.low, share.high]).all()


# Colors.


def lab_of(*ab):
    """A photo of one color."""
    return np.full((4, 6, 3), [50, *ab], "float32")


def test_density_of_one_color_is_in_one_bin():
    density = measure_colors(lab_of(0, 0), lab_of(31, -20.5))["ab"]
    for channel, value in enumerate([31, -20.5]):
        (place,) = np.flatnonzero(density[channel])
        assert AB_EDGES[place] <= value < AB_EDGES[place + 1]
        assert density[channel, place] == 1 / AB_BIN


def test_every_color_of_srgb_has_a_bin(rgb_levels):
    lab = rgb2lab(rgb_levels[None]).astype("float32")
    density = measure_colors(lab, lab)["ab"]
    assert_allclose(density.sum(axis=1) * AB_BIN, 1, rtol=1e-12)


def test_calibration_finds_how_much_paler_the_colors_are():
    real = rgb2lab(skimage.data.astronaut()).astype("float32")
    colors = measure_colors(real, real * np.float32([1, 0.5, 0.5]))
    for given, slope in [("given_true", 0.5), ("given_painted", 2)]:
        shares, totals = colors[given]
        enough = shares >= 1e-3
        assert enough.sum() > 5
        assert_allclose(shares.sum(), 1, rtol=1e-12)
        means = totals[enough] / shares[enough]
        # The mean in a bin is within half a bin of its middle.
        off = np.abs(means - slope * CHROMA_MIDDLES[enough])
        assert off.max() <= slope * CHROMA_BIN / 2


@pytest.mark.parametrize(
    ("colors", "share"),
    [
        ({"saddlebrown": 1}, 1),
        ({"#704214": 1, "goldenrod": 1}, 1),  # Sepia.
        ({"royalblue": 1, "forestgreen": 1, "crimson": 1}, 0),
        ({"peru": 2, "royalblue": 1}, 2 / 3),
        ({"peru": 1, "grey": 3}, 1),  # Grey is no color.
        ({"grey": 1}, 0),
    ],
)
def test_brown_share_is_that_of_named_colors(colors, share):
    names = [name for name, count in colors.items() for _ in range(count)]
    stripes = [np.asarray(Image.new("RGB", (2, 2), name)) for name in names]
    lab = rgb2lab(np.concatenate(stripes))
    assert brown_share(lab) == pytest.approx(share)


# The report.


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


def test_rows_have_all_metrics_and_grey_has_no_gain(report):
    grey, model = report.rows
    assert set(METRICS) <= set(model.estimates)
    assert not {"psnr_gain", "ciede2000_gain"} & set(grey.estimates)
    # Neutral, but for rounding to 8 bits: a level in one channel.
    assert grey.estimates["colorfulness"].value < 0.5
    assert report.true.estimates["colorfulness"].value > 20


def test_a_network_that_paints_all_sepia_shows(tmp_path):
    chelsea = skimage.data.chelsea()[:64, :64]
    for name, photo in {"brown": chelsea, "blue": chelsea[..., ::-1]}.items():
        Image.fromarray(photo).save(tmp_path / f"{name}.png")
    sepia = colorizer_of(painter(np.zeros(18), [0.1, 0.2]))
    report = evaluate(sepia, tmp_path)
    (model,) = report.models
    assert model.estimates["mostly_brown"].value == 1
    assert report.true.estimates["mostly_brown"].value == 0.5


def test_photos_may_be_named_one_by_one_or_by_a_glob(colorizer, photo_folder):
    paths = sorted(photo_folder.iterdir())[:2]
    named = evaluate(colorizer, paths)
    matched = evaluate(colorizer, f"{photo_folder}/0[01].png")
    assert [photo.name for photo in named.photos] == ["00.png", "01.png"]
    assert named.rows == matched.rows


def test_examples_are_those_that_gained_least_and_most(report):
    gains = [photo.scores[MODEL]["ciede2000_gain"] for photo in report.photos]
    shown = [
        photo.scores[MODEL]["ciede2000_gain"]
        for photo, _ in report.examples[MODEL]
    ]
    ranked = sorted(gains)
    assert shown == ranked[:SHOWN] + ranked[-SHOWN:]


def test_photos_that_are_missing_or_damaged_are_refused(colorizer, tmp_path):
    with pytest.raises(DataError, match="holds no photo"):
        evaluate(colorizer, tmp_path)
    (tmp_path / "text.jpg").write_text("not a photo")
    with pytest.raises(UnreadablePhotoError, match=r"text\.jpg"):
        evaluate(colorizer, tmp_path)


# The trade-off curve.


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """Photos of which factors are found on every fourth or fifth pixel."""
    folder = tmp_path_factory.mktemp("large")
    for name in ("astronaut", "chelsea", "coffee"):
        photo = Image.fromarray(getattr(skimage.data, name)()).reduce(2)
        photo.save(folder / f"{name}.png")
    return find_photos([folder])


@pytest.fixture(scope="module")
def curve(colorizer, large):
    return trade_off(predict_photos(colorizer, large))


def scores_of(colorizer, photos, saturation):
    """PSNR gain, CIEDE2000 gain and share of the colorfulness."""
    scores, colorful = [], []
    for photo in photos:
        real = np.asarray(Image.open(photo.path))
        for factor in (0.0, saturation):
            rgb = np.asarray(colorizer.colorize(real, saturation=factor))
            psnr = peak_signal_noise_ratio(real, rgb)
            off = deltaE_ciede2000(rgb2lab(real), rgb2lab(rgb)).mean()
            scores.append((psnr, -off))
        colorful.append((colorfulness(real), colorfulness(rgb)))
    gains = np.subtract(scores[1::2], scores[::2]).mean(axis=0)
    true, painted = np.mean(colorful, axis=0)
    return (*gains, painted / true)


def test_curve_is_that_of_photos_colorized_with_the_factors(
    curve, colorizer, large
):
    assert [row.name for row in curve] == ["60%", "75%", "90%"]
    for row in curve:
        found = row.estimates
        factor = found["factor"].value
        psnr_gain, ciede2000_gain, share = scores_of(colorizer, large, factor)
        # Predictions are kept in float16, and scikit-image's L*a*b* is its own.
        assert_allclose(found["psnr_gain"].value, psnr_gain, atol=2e-3)
        assert_allclose(
            found["ciede2000_gain"].value, ciede2000_gain, atol=5e-3
        )
        assert_allclose(found["colorfulness_share"].value, share, atol=1e-3)
        assert found["psnr_gain"].low <= psnr_gain <= found["psnr_gain"].high


def test_factors_found_on_a_sample_reach_the_share_on_whole_photos(curve):
    for row, share in zip(curve, [0.6, 0.75, 0.9], strict=True):
        found = row.estimates["colorfulness_share"].value
        # Of 3 photos; a share of 1 % is 0.01 dB in a typical curve.
        assert_allclose(found, share, rtol=0.01)


def test_power_is_that_of_a_network_with_this_readout(bold, large):
    predictions = predict_photos(colorizer_of(bold), large)
    (row,) = trade_off(predictions, power=1.4, shares=[0.8])
    factor = row.estimates["factor"].value
    network = with_readout(bold, power=1.4, factor=factor)
    psnr_gain, _, share = scores_of(colorizer_of(network), large, 1.0)
    found = row.estimates
    assert_allclose(found["psnr_gain"].value, psnr_gain, atol=2e-3)
    assert_allclose(found["colorfulness_share"].value, share, atol=1e-3)
    assert_allclose(share, 0.8, rtol=0.01)


def test_shares_out_of_reach_are_left_out(large):
    grey = colorizer_of(painter(np.zeros(18), [0, 0]))
    assert trade_off(predict_photos(grey, large)) == []


def test_photos_without_color_have_no_curve(bold, tmp_path):
    Image.fromarray(skimage.data.camera()).save(tmp_path / "camera.png")
    predictions = predict_photos(colorizer_of(bold), find_photos([tmp_path]))
    with pytest.raises(DataError, match="no color"):
        trade_off(predictions)


# The page.


def words_of(html):
    """The text, as a browser shows it."""
    text = re.sub(r"<style>.*?</style>|<[^>]+>", " ", html, flags=re.DOTALL)
    return " ".join(unescape(text).split())


def pictures_of(html):
    """The files in the page's data URIs."""
    sources = re.findall(r'<img[^>]* src="data:image/[^,]*,([^"]*)"', html)
    return [io.BytesIO(base64.b64decode(source)) for source in sources]


@pytest.fixture(scope="module")
def html(report, tmp_path_factory):
    path = tmp_path_factory.mktemp("report") / "report.html"
    report.write(path)
    return path.read_text()


def test_page_loads_nothing_from_elsewhere(html):
    loaded = re.findall(r'\b(?:src|srcset|data|poster)="(.*?)"', html)
    assert len(loaded) == len(pictures_of(html)) > 0
    assert not re.search(
        "<(link|script|iframe|object|embed)|@import|url[(]", html
    )


def test_page_holds_the_pictures_the_best_first(html, report, photo_folder):
    *pictures, _ = pictures_of(html)
    best, worst = report.examples[MODEL][SHOWN:], report.examples[MODEL][:SHOWN]
    for i, (photo, _) in enumerate([*best[::-1], *worst]):
        grey, _, true = (
            np.asarray(Image.open(file), "float64")
            for file in pictures[3 * i : 3 * i + 3]
        )
        # Of JPEG: 12 levels are far from any other photo.
        expected = np.asarray(Image.open(photo_folder / photo.name))
        assert np.abs(true - expected).mean() < 12
        assert np.ptp(grey, axis=-1).mean() < 2
    assert len(pictures) == 3 * 2 * SHOWN


def test_page_ends_its_pictures_with_charts_in_svg(html):
    root = ElementTree.parse(pictures_of(html)[-1]).getroot()
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    words = " ".join(root.itertext())
    for expected in (MODEL, TRUE, "b*: blue to yellow", "mean true chroma"):
        assert expected in words


def test_page_says_all_figures_and_is_for_phones_and_the_dark(html, report):
    text = words_of(html)
    for row in [*report.rows, report.true]:
        assert row.name in text
        for name in set(METRICS) & set(row.estimates):
            found = row.estimates[name]
            assert METRICS[name].text(found) in text
            assert METRICS[name].interval(found) in text
    assert 'name="viewport"' in html
    assert "prefers-color-scheme: dark" in html


def test_one_photo_has_no_intervals_and_names_are_no_markup(bold, tmp_path):
    name = "<b>&amp;.png"
    Image.fromarray(skimage.data.chelsea()).save(tmp_path / name)
    path = tmp_path / "report.html"
    models = {"$a_b$": colorizer_of(bold)}
    report = evaluate_models(models, find_photos([tmp_path]))
    assert report.models[0].estimates["psnr"].low is None
    report.write(path)
    html = path.read_text()
    assert name not in html
    assert name in words_of(html)
    assert "too few for intervals" in html
    *pictures, charts = pictures_of(html)
    sizes = {Image.open(picture).size for picture in pictures}
    assert sizes == {(320, 213)}
    assert "$a_b$" in ElementTree.parse(charts).getroot().itertext()


def test_page_and_figures_may_not_have_one_name(report, tmp_path):
    with pytest.raises(ConfigError, match=r"must end in \.html"):
        report.write(tmp_path / "report.json")


def test_metrics_are_documented():
    words = (REPOSITORY / "docs/evaluation.md").read_text()
    for metric in METRICS.values():
        assert f"| {metric.title} | `{metric.name}` |" in words


# The command line.


@pytest.fixture
def command(run_main):
    """Runs `keras-colorizer evaluate`; returns exit code, output, errors."""

    def run(*arguments):
        code, out, err = run_main(
            commands.main, "keras-colorizer", "evaluate", *arguments
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
    command, photos, tmp_path
):
    model = pretrained_file(DEFAULT, TFLITE)
    link = tmp_path / "same.tflite"
    link.symlink_to(model)
    path = tmp_path / "new" / "report.html"
    options = ("--report", path, "--model", model, link)
    done = command("--data", photos, *options)
    assert done.code == 0
    tables, _ = done.out.split("The page:")
    assert max(map(len, tables.splitlines())) <= 80
    assert all(title in tables for title in GROUPS)
    figures = json.loads(path.with_suffix(".json").read_text())
    grey, first, second = figures["rows"]
    assert first["estimates"] == second["estimates"]
    per_photo = figures["per_photo"]
    assert [p["name"] for p in per_photo] == ["00.png", "01.png", "old/02.png"]
    for row in (grey, first, figures["true"]):
        for name in set(METRICS) & set(row["estimates"]):
            found = Estimate(**row["estimates"][name])
            assert METRICS[name].text(found) in tables
            assert METRICS[name].interval(found) in tables
        for name in per_photo[0]["scores"][row["name"]]:
            if name != "true_colorfulness":
                values = [p["scores"][row["name"]][name] for p in per_photo]
                expected = row["estimates"][name]["value"]
                assert_allclose(np.mean(values), expected, rtol=1e-9)


def test_curve_is_printed_and_in_page_and_json(command, photos, tmp_path):
    path = tmp_path / "report.html"
    done = command("--data", photos, "--curve", "--report", path)
    assert done.code == 0
    assert CURVES in done.out
    rows = json.loads(path.with_suffix(".json").read_text())["curve"]
    # Without a model, the pretrained one.
    assert [row["name"] for row in rows] == [
        f"small, {share}%" for share in (60, 75, 90)
    ]
    for row in rows:
        assert row["name"] in done.out
        for name in ("psnr_gain", "ciede2000_gain"):
            gain = METRICS[name].text(Estimate(**row["estimates"][name]))
            assert gain in done.out
            assert gain in words_of(path.read_text())


def test_bad_photos_are_named_and_the_others_count(command, photos, tmp_path):
    (photos / "text.jpg").write_text("not a photo")
    path = tmp_path / "report.html"
    done = command("--data", photos, "--report", path)
    assert done.code == 1
    assert "text.jpg" in done.err
    figures = json.loads(path.with_suffix(".json").read_text())
    assert len(figures["per_photo"]) == 3
    assert "text.jpg" in figures["unreadable"][0]
    assert "text.jpg" in words_of(path.read_text())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "--data"),
        (["--data", "nowhere"], "nowhere"),
        (["--data", "{empty}"], "holds no photo"),
        (["--data", "{photos}", "--model", "no_model"], "no_model"),
        (["--data", "{photos}", "--report", "report.txt"], "ends in .html"),
        (["--data", "{photos}", "--report", "{photos}"], "ends in .html"),
        (
            ["--data", "{photos}", "--report", "{photos}/00.png/x/r.html"],
            "is no folder",
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


def test_names_of_any_bytes_and_lost_folders_are_reported(open_folder):
    photos = open_folder / "photos"
    (photos / "lost+found").mkdir(parents=True)
    color = Image.fromarray(skimage.data.astronaut()).resize((64, 64))
    color.save(photos / "Gr\udcf6\udcdfe\x1b\n=1.png")
    (photos / "\udcff.png").touch()
    (photos / "lost+found").chmod(0)
    colorizer = Colorizer.from_preset("small")
    evaluate(colorizer, photos)  # It imports.
    with ordinary_user():
        report = evaluate(colorizer, photos)
    report.write(open_folder / "report.html")
    page = (open_folder / "report.html").read_text("utf-8")
    assert r"Gr\xf6\xdfe\x1b\n=1.png" in page
    assert report.unreadable == [
        f"`{photos}/lost+found` cannot be listed: Permission denied.",
        rf"`{photos}/\xff.png` is empty (0 bytes).",
    ]
