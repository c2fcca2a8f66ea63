"""Films, written by PyAV, colored and read again by PyAV."""

import shutil
import subprocess
import sys
from fractions import Fraction

import av
import numpy as np
import pytest
import skimage.color
import skimage.data
from fixtures.film_files import RATE, SIZE, TICKS, pictures, write_film
from PIL import Image

from keras_colorizer import Colorizer, ColorizerWarning
from keras_colorizer.cli import commands
from keras_colorizer.errors import FilmError
from keras_colorizer.video.film import colorize_film

AB = np.float32([18, -12])
# 8-bit luma and chroma at a quarter of the pixels, then x264 at crf 18.
CODING = 2.5  # L*
IDENTITY = np.array([1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30], ">i4")
TURNED = np.array([0, 1 << 16, 0, -(1 << 16), 0, 0, 0, 0, 1 << 30], ">i4")


class Paint:
    """A network that sees one color everywhere."""

    render_size = 32

    def predict_ab(self, lightness):
        return np.broadcast_to(AB, (*lightness.shape[:3], 2)).copy()


@pytest.fixture
def colorizer():
    return Colorizer(Paint())


def read_film(path):
    with av.open(str(path)) as file:
        return list(file.decode(file.streams.video[0]))


def lightness(frame):
    """L* of a frame by FFmpeg's conversion and scikit-image's color."""
    rgb = frame.to_ndarray(format="rgb24")
    return skimage.color.rgb2lab(rgb)[..., 0]


def grey_lightness(levels):
    rgb = np.repeat(levels[..., None] / np.iinfo(levels.dtype).max, 3, axis=-1)
    return skimage.color.rgb2lab(rgb)[..., 0]


def packets(path, kind):
    with av.open(str(path)) as file:
        stream = next(s for s in file.streams if s.type == kind)
        return [
            (packet.pts, bytes(packet))
            for packet in file.demux(stream)
            if packet.size
        ]


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_every_frame_and_the_sound_come_back(suffix, colorizer, tmp_path):
    frames = pictures(12)
    film = write_film(tmp_path / f"film{suffix}", frames, sound=True)
    new = tmp_path / f"new{suffix}"
    assert colorize_film(colorizer, film, new) is None
    before, after = read_film(film), read_film(new)
    assert [f.time for f in after] == [f.time for f in before]
    assert packets(new, "audio") == packets(film, "audio")
    for picture, frame in zip(frames, after, strict=True):
        difference = np.abs(lightness(frame) - grey_lightness(picture))
        assert difference.mean() < CODING
    ab = skimage.color.rgb2lab(after[5].to_ndarray(format="rgb24"))[..., 1:]
    assert np.abs(ab.mean((0, 1)) - AB).max() < 3  # Clipped in whites.


def test_variable_frame_rates_are_kept(colorizer, tmp_path):
    times = [0, 512, 700, 4000, 4001, 9000, 20000, 20512]
    film = write_film(tmp_path / "film.mp4", pictures(8), times=times)
    colorize_film(colorizer, film, tmp_path / "new.mp4")
    assert [frame.pts for frame in read_film(tmp_path / "new.mp4")] == times


def test_frames_without_times_get_some(colorizer, tmp_path):
    film = write_film(tmp_path / "film.h264", pictures(6))
    assert {frame.pts for frame in read_film(film)} == {None}
    colorize_film(colorizer, film, tmp_path / "new.mkv")
    after = read_film(tmp_path / "new.mkv")
    assert [frame.time for frame in after] == [i / RATE for i in range(6)]


@pytest.mark.parametrize(
    ("codec", "suffix", "name", "pixels"),
    [
        ("h264", ".mp4", "h264", "yuv420p"),
        ("h265", ".mp4", "hevc", "yuv420p"),
        ("vp9", ".webm", "vp9", "yuv420p"),
        ("av1", ".mkv", "av1", "yuv420p"),
        ("prores", ".mov", "prores", "yuv422p10le"),
    ],
)
def test_codecs_and_tags(codec, suffix, name, pixels, colorizer, tmp_path):
    film = write_film(tmp_path / "film.mp4", pictures(8))
    new = tmp_path / f"new{suffix}"
    colorize_film(colorizer, film, new, codec=codec)
    with av.open(str(new)) as file:
        context = file.streams.video[0].codec_context
        assert (context.codec.canonical_name, context.pix_fmt) == (name, pixels)
        tags = context.colorspace, context.color_primaries, context.color_trc
        assert tags == (1, 1, 1)  # BT.709, by ITU-T H.273.
        assert context.color_range == 1  # Limited, by FFmpeg.
    assert len(read_film(new)) == 8


def test_a_film_of_one_frame(colorizer, tmp_path):
    film = write_film(tmp_path / "film.mp4", pictures(1))
    assert colorize_film(colorizer, film, tmp_path / "new.mp4") is None
    assert len(read_film(tmp_path / "new.mp4")) == 1


def test_odd_sizes_are_filled_up(colorizer, tmp_path):
    frames = pictures(3, size=(63, 47))
    film = write_film(
        tmp_path / "film.mkv", frames, codec="ffv1", pixels="gray"
    )
    colorize_film(colorizer, film, tmp_path / "new.mp4")
    frame = read_film(tmp_path / "new.mp4")[1]
    assert (frame.width, frame.height) == SIZE
    found = lightness(frame)[:47, :63]
    assert np.abs(found - grey_lightness(frames[1])).mean() < CODING


def test_ten_bits_stay_ten(colorizer, tmp_path):
    ramp = np.tile(np.linspace(12000, 14000, 64).astype("uint16"), (48, 1))
    film = write_film(
        tmp_path / "film.mkv", [ramp] * 3, codec="ffv1", pixels="yuv420p10le"
    )
    colorize_film(Colorizer(Paint()), film, tmp_path / "new.mkv")
    frame = read_film(tmp_path / "new.mkv")[0]
    assert frame.format.name == "yuv420p10le"
    luma = np.frombuffer(frame.planes[0], "uint16").reshape(48, -1)[10, :64]
    assert len(np.unique(luma)) > 18  # 8 bits have 7 levels there.


@pytest.mark.parametrize("pixels", ["yuv420p", "gray"])
def test_black_and_white_stay_so_in_limited_range(pixels, tmp_path):
    full = np.zeros((48, 64), "uint8")
    full[:, 32:] = 255
    limited = np.where(full > 0, 235, 16).astype("uint8")
    film = write_film(
        tmp_path / "film.mkv",
        [limited if pixels == "gray" else full] * 2,
        codec="ffv1",
        pixels=pixels,
        tags=[("color_range", 1)],
    )
    assert read_film(film)[0].format.name == pixels
    new = tmp_path / "new.mp4"
    colorize_film(Colorizer(Paint()), film, new, saturation=0.0)
    luma = np.asarray(read_film(new)[0].planes[0])
    luma = luma.reshape(48, -1)[:, :64]
    assert abs(int(np.median(luma[:, :24])) - 16) <= 2
    assert abs(int(np.median(luma[:, 40:])) - 235) <= 2


def test_rotated_films_become_upright(colorizer, tmp_path):
    frames = pictures(3)
    film = write_film(
        tmp_path / "film.mp4",
        frames,
        tags=[("sample_aspect_ratio", Fraction(4, 3))],
    )
    data = film.read_bytes()
    at = data.index(IDENTITY.tobytes(), data.index(b"tkhd"))
    matrix = TURNED.tobytes()
    film.write_bytes(data[:at] + matrix + data[at + len(matrix) :])
    turned = read_film(film)[0].rotation
    assert abs(turned) == 90
    colorize_film(colorizer, film, tmp_path / "new.mp4")
    frame = read_film(tmp_path / "new.mp4")[1]
    assert (frame.width, frame.height, frame.rotation) == (48, 64, 0)
    # FFmpeg's angle, like NumPy's, is counterclockwise.
    upright = np.rot90(frames[1], turned // 90)
    difference = np.abs(lightness(frame) - grey_lightness(upright))
    assert difference.mean() < CODING
    with av.open(str(tmp_path / "new.mp4")) as file:
        aspect = file.streams.video[0].sample_aspect_ratio
    assert aspect == Fraction(3, 4)


def combing(frame):
    """Mean difference of rows from the rows around them, in L*."""
    rows = lightness(frame)
    return np.abs(rows[1:-1] - (rows[:-2] + rows[2:]) / 2).mean()


def test_interlaced_films_become_whole_frames(colorizer, tmp_path):
    frames = [picture.copy() for picture in pictures(20)[::2]]
    for frame, later in zip(frames, pictures(21)[8:], strict=False):
        frame[1::2] = later[1::2]
    film = write_film(
        tmp_path / "film.mp4",
        frames,
        options={"x264-params": "interlaced=1:bframes=0"},
    )
    assert all(frame.interlaced_frame for frame in read_film(film))
    with pytest.warns(ColorizerWarning, match="is interlaced"):
        colorize_film(colorizer, film, tmp_path / "new.mp4")
    before, after = read_film(film), read_film(tmp_path / "new.mp4")
    assert [f.time for f in after] == [f.time for f in before]
    assert not any(frame.interlaced_frame for frame in after)
    for old, new in zip(before[:4], after[:4], strict=True):
        assert combing(new) < 0.7 * combing(old)


def test_chapters_metadata_and_subtitles_are_copied(colorizer, tmp_path):
    subtitles = tmp_path / "words.srt"
    subtitles.write_text("1\n00:00:00,100 --> 00:00:00,300\nHello\n\n")
    plain = write_film(tmp_path / "plain.mkv", pictures(8))
    film = tmp_path / "film.mkv"
    with (
        av.open(str(plain)) as video,
        av.open(str(subtitles)) as words,
        av.open(str(film), "w") as file,
    ):
        copies = {
            source: file.add_stream_from_template(source.streams[0])
            for source in (video, words)
        }
        copies[words].metadata["language"] = "fra"
        file.metadata["title"] = "A film"
        chapter = {"id": 1, "start": 0, "end": 200, "metadata": {"title": "I"}}
        file.set_chapters([{**chapter, "time_base": Fraction(1, 1000)}])
        for source, copy in copies.items():
            for packet in source.demux(source.streams[0]):
                if packet.size:
                    packet.stream = copy
                    file.mux(packet)
    colorize_film(colorizer, film, tmp_path / "new.mkv")
    with av.open(str(tmp_path / "new.mkv")) as file:
        assert file.metadata["title"] == "A film"
        assert file.chapters()[0]["metadata"]["title"] == "I"
        assert file.streams.subtitles[0].language == "fra"
    assert packets(tmp_path / "new.mkv", "subtitle") == packets(
        film, "subtitle"
    )
    with pytest.warns(ColorizerWarning, match="subtitle stream 1"):
        colorize_film(colorizer, film, tmp_path / "new.mp4")
    assert len(read_film(tmp_path / "new.mp4")) == 8


def test_part_of_a_film(colorizer, tmp_path):
    film = write_film(tmp_path / "film.mp4", pictures(20), sound=True)
    new = tmp_path / "new.mp4"
    colorize_film(colorizer, film, new, start=0.2, end=0.6)
    frames = read_film(new)
    assert [frame.pts for frame in frames] == [TICKS * i for i in range(10)]
    expected = grey_lightness(pictures(20)[5])
    assert np.abs(lightness(frames[0]) - expected).mean() < CODING
    seconds = [pts / 48000 for pts, _ in packets(new, "audio")]
    assert -0.03 < min(seconds) < 0.03
    assert 0.35 < max(seconds) < 0.4


def test_what_is_damaged_in_the_middle_is_colored_and_named(
    colorizer, tmp_path
):
    film = write_film(tmp_path / "film.mp4", pictures(20))
    data = bytearray(film.read_bytes())
    start = data.index(b"mdat")
    length = int.from_bytes(data[start - 4 : start], "big")
    middle = start + length // 2
    data[middle : middle + length // 5] = bytes(length // 5)
    film.write_bytes(data)
    code = commands.main(
        arguments=["colorize", str(film), "-o", str(tmp_path / "new.mp4")]
    )
    assert code == 1
    assert 4 < len(read_film(tmp_path / "new.mp4")) < 20


def test_what_comes_before_the_end_of_a_damaged_file_is_colored(
    colorizer, tmp_path
):
    film = write_film(tmp_path / "film.mkv", pictures(40))
    data = bytearray(film.read_bytes())
    tenth = len(data) // 10
    data[5 * tenth : 6 * tenth] = bytes(tenth)
    film.write_bytes(data)
    reason = colorize_film(colorizer, film, tmp_path / "new.mkv")
    assert "film.mkv` is damaged in" in reason
    assert len(read_film(tmp_path / "new.mkv")) > 4


def test_a_film_that_is_cut_off_is_colored_and_named(colorizer, tmp_path):
    film = write_film(tmp_path / "film.mkv", pictures(50))
    data = film.read_bytes()
    film.write_bytes(data[: len(data) // 3])
    reason = colorize_film(colorizer, film, tmp_path / "new.mkv")
    assert "film.mkv` is cut off" in reason
    assert 4 < len(read_film(tmp_path / "new.mkv")) < 25


def test_what_is_no_film_is_named(colorizer, tmp_path):
    film = tmp_path / "film.mp4"
    film.write_text("Not a film.")
    with pytest.raises(FilmError, match="is no film that FFmpeg reads"):
        colorize_film(colorizer, film, tmp_path / "new.mp4")
    assert list(tmp_path.iterdir()) == [film]


def test_ctrl_c_leaves_a_playable_film(colorizer, tmp_path):
    film = write_film(tmp_path / "film.mp4", pictures(20), sound=True)

    def stop(done, count):
        assert count == 20
        if done == 7:
            raise KeyboardInterrupt

    new = tmp_path / "new.mp4"
    with (
        pytest.warns(ColorizerWarning, match=r"new\.partial\.mp4"),
        pytest.raises(KeyboardInterrupt),
    ):
        colorize_film(colorizer, film, new, progress=stop)
    assert len(read_film(tmp_path / "new.partial.mp4")) == 7
    assert not new.exists()
    assert len(list(tmp_path.iterdir())) == 2


def command_after(code, *words):
    """Runs a command in a process that runs some code before."""
    main = (
        "from keras_colorizer.cli.commands import main\n"
        f"raise SystemExit(main(arguments={[*map(str, words)]!r}))"
    )
    return subprocess.run(
        [sys.executable, "-c", code + main],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.skipif(sys.platform == "win32", reason="has no such limit")
def test_a_full_disk_is_named_and_leaves_nothing(tmp_path):
    film = write_film(tmp_path / "film.mp4", pictures(20))
    out = tmp_path / "out"
    run = command_after(
        "import resource, signal\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n",
        *("colorize", film, "-o", out),
    )
    assert run.returncode == 1
    assert "film.mp4`: File too large." in run.stderr
    assert "Traceback" not in run.stderr
    assert not list(out.iterdir())


def test_a_folder_holds_photos_and_films(tmp_path):
    scans, out = tmp_path / "scans", tmp_path / "out"
    scans.mkdir()
    Image.fromarray(pictures(1)[0]).save(scans / "photo.png")
    write_film(
        scans / "film.avi", pictures(3), codec="mpeg4", options={"bf": "0"}
    )
    shutil.copy(write_film(tmp_path / "x.mp4", pictures(2)), scans / "b.MP4")
    code = commands.main(arguments=["colorize", str(scans), "-o", str(out)])
    assert code == 0
    names = sorted(path.name for path in out.iterdir())
    assert names == ["b.MP4", "film.mkv", "photo.png"]
    assert len(read_film(out / "film.mkv")) == 3


def mean_chroma(path):
    labs = (
        skimage.color.rgb2lab(frame.to_ndarray(format="rgb24"))
        for frame in read_film(path)
    )
    return np.mean([np.hypot(lab[..., 1], lab[..., 2]).mean() for lab in labs])


def test_films_have_the_look_that_is_asked_for(tmp_path):
    face = np.asarray(Image.fromarray(skimage.data.astronaut()).convert("L"))
    film = write_film(tmp_path / "film.mp4", [face[:200, :200]] * 2)
    chroma = {}
    for name in ("calm", "vivid"):
        out = tmp_path / f"{name}.mp4"
        words = ["colorize", str(film), "-o", str(out), "--look", name]
        assert commands.main(arguments=words) == 0
        chroma[name] = mean_chroma(out)
    by_preset = tmp_path / "preset.mp4"
    colorize_film(Colorizer.from_preset("small_vivid"), film, by_preset)
    assert chroma["vivid"] > 1.2 * chroma["calm"] > 1
    # Both ways to the look; coding rounds.
    np.testing.assert_allclose(
        mean_chroma(by_preset), chroma["vivid"], rtol=0.02
    )


def test_films_refuse_hints_in_a_sentence(tmp_path, capsys):
    film = write_film(tmp_path / "film.mp4", pictures(1))
    hints = tmp_path / "film.mp4.hints.json"
    hints.write_text('{"hints": [{"x": 0.5, "y": 0.5, "color": "red"}]}')
    words = ["colorize", str(film), "-o", str(tmp_path / "out")]
    code = commands.main(arguments=[*words, "--hints", str(hints)])
    assert code == 2
    assert "Films take no hints" in capsys.readouterr().err
    assert commands.main(arguments=words) == 0  # One beside it is not for it.
    assert "with hints" not in capsys.readouterr().out


@pytest.mark.parametrize("text", ["soon", "-1", "1:x", "nan"])
def test_times_that_are_none_are_refused(text, tmp_path, capsys):
    film = write_film(tmp_path / "film.mp4", pictures(1))
    code = commands.main(arguments=["colorize", str(film), f"--start={text}"])
    assert code == 2
    assert "--start must be a time" in capsys.readouterr().err


def test_without_the_extra_only_films_fail(tmp_path):
    film = write_film(tmp_path / "film.mp4", pictures(1))
    photo = tmp_path / "photo.png"
    Image.fromarray(pictures(1)[0]).save(photo)
    out = tmp_path / "out"
    missing = "import sys\nsys.modules['av'] = None\n"
    run = command_after(missing, "colorize", film, photo, "-o", out)
    assert run.returncode == 1
    assert 'pip install "keras-colorizer[video]"' in run.stderr
    assert [path.name for path in out.iterdir()] == ["photo.png"]
