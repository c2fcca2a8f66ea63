"""How fast one training step of pix2pix is, beside the same in PyTorch.

Run it as `python benchmarks/train_step.py [--torch-python PATH]`.
"""

import json
import statistics
import subprocess
import sys
from pathlib import Path

import tyro
from measuring import interleaved, print_machine, print_table

from keras_colorizer.silence import silent_stderr

SIDE = 256
OURS, PYTORCH = "keras_pix2pix.py", "pytorch_pix2pix.py"
# Each is a process of its own: script, precision, and how it is compiled or,
# for PyTorch, the layout.
ROWS = {
    "ours, float32": (OURS, "float32", "plain"),
    "ours, float32, XLA": (OURS, "float32", "xla"),
    "PyTorch, float32": (PYTORCH, "float32", "contiguous_format"),
    "PyTorch, float32, channels last": (PYTORCH, "float32", "channels_last"),
    "ours, bfloat16": (OURS, "bfloat16", "plain"),
    "ours, bfloat16, XLA": (OURS, "bfloat16", "xla"),
    "PyTorch, bfloat16": (PYTORCH, "bfloat16", "contiguous_format"),
    "PyTorch, bfloat16, channels last": (PYTORCH, "bfloat16", "channels_last"),
}


def main(
    *,
    torch_python: Path = Path(sys.executable),
    batch_size: int = 4,
    steps: int = 6,
    rounds: int = 3,
) -> None:
    """Compares training steps of `unet_256` and `patchgan_70` on noise.

    Every row is a process of its own on all cores, started anew each round.
    Ours is the step of `train.py`, its moving average included; "XLA" is that
    with `--jit-compile`.

    Args:
        torch_python: A Python that has PyTorch; it needs nothing else.
        batch_size: Squares of 256 x 256 pixels per step.
        steps: Steps timed in each process, after three to warm up.
        rounds: How often each process is started.
    """
    torch = torch_version(torch_python)
    print_machine("tensorflow", "keras")
    print(f"PyTorch {torch}. Batches of {batch_size}.\n")
    processes = {
        name: lambda row=row: _measured(torch_python, row, batch_size, steps)
        for name, row in ROWS.items()
    }
    reports = interleaved(processes, repeats=rounds)
    speeds = {name: batch_size / _median_step(r) for name, r in reports.items()}
    _print_speeds(speeds, _peaks(reports))


def torch_version(torch_python: Path) -> str:
    """Returns the version of PyTorch that a Python has.

    Raises:
        SystemExit: If it has none, or is no Python.
    """
    ask = [torch_python, "-c", "import torch; print(torch.__version__)"]
    try:
        asked = subprocess.run(ask, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        raise SystemExit(
            f"PyTorch is not installed for {torch_python}: pip install -r "
            "benchmarks/requirements.txt, or name a Python that has it with "
            "--torch-python."
        ) from None
    return asked.stdout.strip()


def _measured(torch_python, row, batch_size, steps):
    script, *options = row
    python = torch_python if script == PYTORCH else sys.executable
    path = Path(__file__).with_name(script)
    process = subprocess.run(
        [python, path, str(batch_size), str(steps), *options],
        stdout=subprocess.PIPE,
        check=True,
    )
    return json.loads(process.stdout)


def _median_step(reports):
    return statistics.median(t for report in reports for t in report["step"])


def _peaks(reports):
    """The most GFLOPS that any process multiplied matrices with."""
    peaks: dict[str, float] = {}
    for name, (_, precision, *_) in ROWS.items():
        for report in reports[name]:
            gflops = 2 * report["side"] ** 3 / min(report["matmul"]) / 1e9
            peaks[precision] = max(gflops, peaks.get(precision, 0))
    return peaks


def _print_speeds(speeds, peaks):
    with silent_stderr():
        from arithmetic import step_multiply_adds
    gflop = 2 * step_multiply_adds(side=SIDE) / 1e9
    table = []
    for name, (_, precision, *_) in ROWS.items():
        speed, peak = speeds[name], peaks[precision]
        ratio = speed / _fastest_pytorch(speeds, precision)
        share = f"{gflop * speed / peak:.0%}"
        table.append((name, speed, ratio, gflop * speed, share))
    columns = ["images/s", "times PyTorch", "GFLOPS", "of peak"]
    print_table(["one training step", *columns], table)
    measured = " and ".join(f"{peaks[p]:.0f} in {p}" for p in peaks)
    print(
        f"A step takes {gflop / 2:.1f} billion multiply-adds an image. Peak is "
        f"{measured}: the best\nmultiplication of two square matrices seen. "
        '"Times PyTorch" is the faster PyTorch\nof the same precision.'
    )


def _fastest_pytorch(speeds, precision):
    return max(
        speeds[name]
        for name, row in ROWS.items()
        if row[:2] == (PYTORCH, precision)
    )


if __name__ == "__main__":
    tyro.cli(main)
