"""Trains `small` with PyTorch, two to four times as fast on a CPU as `fit`.

    pip install torch opencv-python-headless
    python recipes/train_small.py PHOTOS --init runs/start.keras -o runs/small

It is how the pretrained network was made: the distance in the plane of a* and
b*, without and with hints, the encoder's first blocks as ImageNet left them,
in one process for each core, which average their weights. Keras' own graph is
run, layer by layer, in bfloat16. Started again, it goes on from its last
checkpoint. Squares of 160 pixels take half the time of those of 224, which the
last third of the steps should have.
"""

import csv
import math
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

os.environ["KERAS_BACKEND"] = "torch"

import cv2
import keras
import numpy as np
import torch
import torch.distributed as dist
import tyro
from PIL import Image
from torch import nn
from torch.nn import functional

from keras_colorizer.cli.running import run_command
from keras_colorizer.errors import ConfigError
from keras_colorizer.networks.generator_file import (
    load_generator,
    save_generator,
)

RENDER_SIZE = 224
ASIDE = ("imagenet_sample", "nips2017", "osie", "bsds_train")  # Every eighth.
# How often photos of a folder are drawn, if not once.
DRAWN = {
    **dict.fromkeys(ASIDE, 2.5),
    **dict.fromkeys(["coco_sample"], 2.0),
    **dict.fromkeys(["holidays", "monet_fotos", "wallpapers", "voc_map"], 1.5),
    **dict.fromkeys(["caltech101", "street_fashion", "flowers"], 0.6),
    **dict.fromkeys(["grocery", "ants_bees", "clothing"], 0.6),
    **dict.fromkeys(["intel"], 0.3),
}
EVERY = 8  # Steps between two averages of all processes.
DECAY = 0.999  # Of the moving average, per step.
FROZEN_BLOCKS = 5
DEPTHWISE_EVERY = 4  # Steps: their gradients cost as much as all others.
SMOOTH = 2 / 110  # Below it the distance is as good as squared.
SEEN = 5 / 7  # Of the side: the sharpness that most squares are reduced to.
HINTS = 10


@dataclass(frozen=True)
class Train:
    """Train the network `small`.

    Attributes:
        photos: A folder of color photos, in a folder for each source.
        init: A generator to start from: of recipes/imagenet_start.py, or the
            pretrained generator.keras to go on.
        output: Folder of the run: generator.keras, checkpoint, log.
        steps: In all, of 32 photos in each process.
        frozen_steps: First steps that train the decoder alone.
        learning_rate: Largest, for the decoder; the encoder's is 0.3 of it.
        side: Of the squares, in pixels, a multiple of 32.
        blend: Share of the new weights in what is written, the rest being
            those of `init`: a half keeps more of what that did well on photos
            unlike these (Wortsman et al., 2022, arXiv:2109.01903).
        processes: One for each core.
        bfloat16: Compute in bfloat16. Without AVX-512 it takes ten times as
            long: --no-bfloat16.
    """

    photos: tyro.conf.Positional[Path]
    init: Path
    output: Annotated[Path, tyro.conf.arg(aliases=["-o"])]
    steps: int = 5200
    frozen_steps: int = 350
    learning_rate: float = 1e-3
    side: int = RENDER_SIZE
    blend: float = 1.0
    processes: int = 2
    bfloat16: bool = True


class Photos:
    """Decoded photos in one file, with a list of those to train on."""

    def __init__(self, folder: Path, packed: Path) -> None:
        index = packed.with_suffix(".csv")
        if not index.exists():
            _pack(folder, packed, index)
        with index.open(newline="") as file:
            self.rows = [
                (r[0], int(r[1]), int(r[2]), int(r[3]))
                for r in csv.reader(file)
            ]
        self.packed = packed  # An open one would travel to other processes.
        weights = np.array([DRAWN.get(row[0], 1.0) for row in self.rows])
        self.ends = np.cumsum(weights / weights.sum())

    def draw(self, rng: np.random.Generator) -> np.ndarray:
        """Returns a photo, `(h, w, 3)` uint8."""
        number = int(np.searchsorted(self.ends, rng.random()))
        _, start, height, width = self.rows[min(number, len(self.rows) - 1)]
        shape = (height, width, 3)
        return np.memmap(self.packed, "u1", "r", offset=start, shape=shape)


def _pack(folder: Path, packed: Path, index: Path) -> None:
    paths = sorted(p for p in folder.glob("*/*") if p.suffix != ".csv")
    if not paths:
        raise ConfigError(f"`{folder}` holds no folders of photos.")
    rows, start, counts = [], 0, dict.fromkeys(ASIDE, -1)
    with packed.open("wb") as file:
        for path in paths:
            source = path.parent.name
            if source in ASIDE:
                counts[source] += 1
                if counts[source] % 8 == 0:
                    continue
            with Image.open(path) as photo:
                rgb = np.asarray(photo.convert("RGB"))
            rows.append((source, start, *rgb.shape[:2]))
            start += rgb.size
            file.write(rgb.tobytes())
    with index.open("w", newline="") as file:
        csv.writer(file).writerows(rows)


def draw_example(
    rng: np.random.Generator, photo: np.ndarray, side: int
) -> tuple[np.ndarray, np.ndarray]:
    """Returns L* of a square of a photo's box, and its ab at a quarter."""
    shares = np.ones(2) if rng.random() < 0.4 else rng.uniform(0.65, 1, 2)
    sides = np.maximum(photo.shape[:2] * shares, 32).astype(int)
    top, left = (
        rng.integers(n - s + 1)
        for n, s in zip(photo.shape, sides, strict=False)
    )
    box = photo[top : top + sides[0], left : left + sides[1]]
    ways = (cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_LANCZOS4)
    shrinks = min(sides) > side
    way = cv2.INTER_AREA if shrinks else ways[rng.integers(3)]
    rgb = cv2.resize(box, (side, side), interpolation=way)
    if rng.random() < 0.5:
        rgb = np.ascontiguousarray(rgb[:, ::-1])
    lab = cv2.cvtColor(rgb.astype("float32") / 255, cv2.COLOR_RGB2Lab)
    ab = cv2.resize(
        lab[..., 1:], (side // 4, side // 4), interpolation=cv2.INTER_AREA
    )
    lightness = old_film(rng, rgb) if rng.random() < 0.2 else lab[..., 0]
    if rng.random() < 0.3:
        contrast, exposure = rng.uniform(0.8, 1.15), rng.normal() * 4
        lightness = np.clip(50 + (lightness - 50) * contrast + exposure, 0, 100)
    return with_sharpness(rng, lightness.astype("float32")), ab


def old_film(rng: np.random.Generator, rgb: np.ndarray) -> np.ndarray:
    """Returns L* as a film of random sensitivity holds it, faded."""
    sensitivity = rng.dirichlet((1.5, 2.0, 1.5)).astype("float32")
    exposure = (rgb.astype("float32") / 255) ** 2.2 @ sensitivity
    lightness = 1.16 * np.cbrt(np.maximum(exposure, 0.008856)) - 0.16
    lightness = np.maximum(lightness, 1e-6) ** 2 ** rng.uniform(-0.5, 0.5)
    black, white = rng.uniform(0, 20), rng.uniform(75, 100)
    return black + (white - black) * lightness


def with_sharpness(
    rng: np.random.Generator, lightness: np.ndarray
) -> np.ndarray:
    """Makes it softer, sharper or grainy, or leaves it."""
    side, kind = len(lightness), rng.random()
    if kind < 0.55:
        soft = cv2.GaussianBlur(lightness, (0, 0), rng.uniform(0.6, 1.6))
        lightness = lightness + rng.uniform(0.3, 1.8) * (lightness - soft)
    if rng.random() < 0.35:
        grain = rng.standard_normal(lightness.shape, dtype="float32")
        lightness = lightness + grain * abs(rng.normal()) * 3
    share = SEEN if rng.random() < 0.6 else 1.0
    if kind > 0.8:
        share = rng.uniform(0.35, 0.9)
    if share < 1:
        sides = 2 * (int(share * side),)
        lightness = cv2.resize(lightness, sides, interpolation=cv2.INTER_AREA)
        lightness = cv2.resize(lightness, (side, side))
    return np.clip(lightness, 0, 100)


def draw_hints(rng: np.random.Generator, ab: torch.Tensor) -> torch.Tensor:
    """Draws hints as `keras_colorizer.hint_simulation` does."""
    hints, quarter = torch.zeros(len(ab), HINTS, 5), ab.shape[-1]
    for photo, rows in zip(ab, hints, strict=True):
        for row in rows[: rng.geometric(0.25) - 1]:
            x, y = (int(i) for i in rng.integers(quarter, size=2))
            color = photo[:, y, x] + torch.tensor(
                rng.normal(0, 8 / 110 * rng.random(), 2)
            )
            place = (np.array([x, y]) + 0.5) / quarter + rng.normal(0, 0.006, 2)
            place = torch.tensor(np.clip(place, 0, 1))
            row[:] = torch.cat([place, color, torch.ones(1)])
    return hints


class Examples(torch.utils.data.IterableDataset):
    """Endless batches of encoded lightness and ab."""

    def __init__(self, photos: Photos, seed: int, side: int) -> None:
        self.photos, self.seed, self.side = photos, seed, side

    def __iter__(self) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        cv2.setNumThreads(1)
        rng = np.random.default_rng(self.seed)
        while True:
            batch = [
                draw_example(rng, self.photos.draw(rng), self.side)
                for _ in range(32)
            ]
            lightness, ab = (
                torch.tensor(np.stack(x)) for x in zip(*batch, strict=True)
            )
            yield lightness[:, None] / 50 - 1, ab.permute(0, 3, 1, 2) / 110


class Graph(nn.Module):
    """A Keras generator up to its ab at a quarter, run by PyTorch.

    Norms of the encoder are part of the convolutions before them, and stay as
    they are.
    """

    def __init__(self, generator: keras.Model, *, bfloat16: bool) -> None:
        super().__init__()
        self.bfloat16 = bfloat16
        names = [layer.name for layer in generator.layers]
        self.layers = generator.layers[1 : names.index("hint_propagation")]
        self.parents = {
            layer.name: [
                tensor._keras_history.operation.name
                for tensor in layer._inbound_nodes[0].input_tensors
            ]
            for layer in generator.layers[1:]
        }
        first = f"encoder_block_{FROZEN_BLOCKS}_expand_conv"
        self.early = set(names[: names.index(first)])
        self.late = {n for n in names if n.startswith("encoder_")} - self.early
        self.hints = generator.get_layer("hint_propagation")
        self.of_hints = nn.ParameterList(w.value for w in self.hints.weights)
        self.norms, self.kernels = nn.ModuleDict(), nn.ParameterDict()
        self.biases = nn.ParameterDict()
        for layer in self.layers:
            if isinstance(layer, keras.layers.BatchNormalization):
                self.norms[layer.name] = _norm(layer)
            elif layer.weights:
                self.kernels[layer.name] = _kernel(layer)
                if layer.use_bias:
                    self.biases[layer.name] = layer.bias.value

    def forward(self, lightness: torch.Tensor) -> list[torch.Tensor]:
        """Returns ab, lightness and features, as hints are propagated by."""
        values = {"lightness": lightness}
        with torch.autocast("cpu", torch.bfloat16, enabled=self.bfloat16):
            for layer in self.layers:
                inputs = [values[name] for name in self.parents[layer.name]]
                is_late = layer.name not in self.early
                with torch.set_grad_enabled(
                    is_late and torch.is_grad_enabled()
                ):
                    values[layer.name] = self._run(layer, *inputs)
        return [values[n].float() for n in self.parents["hint_propagation"]]

    def with_hints(
        self, outputs: list[torch.Tensor], hints: torch.Tensor
    ) -> torch.Tensor:
        """Returns ab with hints, of what `forward` returns."""
        channels_last = [x.permute(0, 2, 3, 1) for x in outputs]
        return self.hints(channels_last, hints=hints).permute(0, 3, 1, 2)

    def _run(self, layer: keras.layers.Layer, *x: torch.Tensor) -> torch.Tensor:
        kind = type(layer).__name__
        if layer.name in self.kernels:
            return self._convolve(layer, *x)
        if kind == "ReLU":
            return functional.relu6(*x, inplace=not torch.is_grad_enabled())
        if layer.name in self.norms:
            folded = layer.name.startswith("encoder_")
            return x[0] if folded else self.norms[layer.name](*x)
        if kind == "AveragePooling2D":
            size, stride = layer.pool_size[0], layer.strides[0]
            edge = size // 2 if stride == 1 else 0
            return functional.avg_pool2d(*x, size, stride, edge, False, False)
        return RUN[kind](*x)

    def _convolve(
        self, layer: keras.layers.Layer, x: torch.Tensor
    ) -> torch.Tensor:
        kernel, bias = self.kernels[layer.name], None
        if layer.name in self.biases:
            bias = self.biases[layer.name]
        if layer.name.startswith("encoder_"):
            norm = self.norms[layer.name.replace("_conv", "_norm")]
            scale = norm.weight * torch.rsqrt(norm.running_var + norm.eps)
            kernel = kernel * scale[:, None, None, None]
            bias = norm.bias - norm.running_mean * scale
        size, stride = layer.kernel_size[0], layer.strides[0]
        before, odd = divmod(size - stride, 2)  # TensorFlow's "same".
        if odd:
            x = functional.pad(x, (before, before + 1) * 2)
            before = 0
        groups = x.shape[1] if kernel.shape[1] == 1 < x.shape[1] else 1
        return functional.conv2d(x, kernel, bias, stride, before, groups=groups)

    def write(self, generator: keras.Model) -> None:
        """Sets the weights of the Keras generator."""
        for layer in self.layers:
            if layer.name in self.kernels:
                kernel = self.kernels[layer.name].data
                is_depthwise = "depthwise" in layer.name
                kernel = kernel.permute(
                    (2, 3, 0, 1) if is_depthwise else (2, 3, 1, 0)
                )
                bias = [self.biases[layer.name]] if layer.use_bias else []
                values = [kernel, *bias]
            elif layer.name in self.norms:
                norm = self.norms[layer.name]
                values = [norm.weight, norm.bias]
                values += [norm.running_mean, norm.running_var]
            else:
                continue
            target = generator.get_layer(layer.name)
            target.set_weights([v.detach().numpy() for v in values])
        generator.get_layer("hint_propagation").set_weights(
            [w.detach().numpy() for w in self.of_hints]
        )


def _kernel(layer: keras.layers.Layer) -> nn.Parameter:
    kernel = layer.kernel.value.data
    is_depthwise = isinstance(layer, keras.layers.DepthwiseConv2D)
    order = (2, 3, 0, 1) if is_depthwise else (3, 2, 0, 1)
    return nn.Parameter(kernel.permute(order).contiguous())


def _norm(layer: keras.layers.Layer) -> nn.BatchNorm2d:
    norm = nn.BatchNorm2d(layer.gamma.shape[0], layer.epsilon, momentum=0.05)
    norm.weight.data[:], norm.bias.data[:] = layer.gamma.value, layer.beta.value
    norm.running_mean[:] = layer.moving_mean.value
    norm.running_var[:] = layer.moving_variance.value
    return norm


RUN = {
    "Add": torch.add,
    "Readout": lambda x: x,
    "Activation": lambda x: torch.tanh(x.float()),
    "DoublePixels": lambda x: functional.interpolate(x, scale_factor=2.0),
    "GlobalAveragePooling2D": lambda x: x.mean((2, 3), keepdim=True),
}


def distance(errors: torch.Tensor) -> torch.Tensor:
    """Mean distance in the plane of a* and b*, smooth at 0."""
    return (errors.square().sum(1) + SMOOTH**2).sqrt().mean()


class Run:
    """One of the processes that train together.

    Attributes:
        network: Trained.
        average: Its moving average, in the first process.
        step: How many steps are done.
    """

    def __init__(self, options: Train, rank: int) -> None:
        self.options, self.rank = options, rank
        self.generator = load_generator(options.init).generator
        self.network = Graph(self.generator, bfloat16=options.bfloat16).to(
            memory_format=torch.channels_last
        )
        self.network.hints.build = lambda *_: None  # It is, also in a copy.
        self.first = [v.clone() for v in self.state()]
        self.average = [v.clone() for v in self.state()]
        self.step = 0
        groups = [(self.late_kernels(), 0.3, 1e-4)]
        groups += [(self.late_depthwise(), 0.3, 0.0)]
        groups += [(self.decoder_weights(), 1.0, 1e-4)]
        groups += [(list(self.network.of_hints), 1.0, 0.0)]
        self.optimizer = torch.optim.AdamW(
            [
                {"params": params, "scale": scale, "weight_decay": decay}
                for params, scale, decay in groups
            ],
            betas=(0.9, 0.99),
        )
        self.checkpoint = options.output / "checkpoint.pt"
        if self.checkpoint.exists():
            self.restore()
        self.started = self.saved = time.monotonic()

    def state(self) -> list[torch.Tensor]:
        """Returns all that is learnt."""
        values = [*self.network.parameters(), *self.network.buffers()]
        return [v.data for v in values if v.is_floating_point()]

    def late_kernels(self) -> list[nn.Parameter]:
        """Returns those of the encoder that are trained.

        Gradients of depthwise ones cost as much as all others together.
        """
        kernels = self.network.kernels.items()
        return [
            kernel
            for name, kernel in kernels
            if name in self.network.late and "depthwise" not in name
        ]

    def late_depthwise(self) -> list[nn.Parameter]:
        """The other kernels of those blocks, and all their biases."""
        network = self.network
        late = [n for n in network.kernels if n in network.late]
        kernels = [network.kernels[n] for n in late if "depthwise" in n]
        norms = [n for n in network.norms if n in network.late]
        return [*kernels, *(network.norms[n].bias for n in norms)]

    def decoder_weights(self) -> list[nn.Parameter]:
        """Weights of all that is not the encoder's."""
        network = self.network
        weights = [*network.kernels.items(), *network.biases.items()]
        weights += [
            (name, weight)
            for name, norm in network.norms.items()
            for weight in norm.parameters()
        ]
        return [w for name, w in weights if not name.startswith("encoder_")]

    def train(self) -> None:
        """Runs all steps that are left."""
        options = self.options
        photos = Photos(options.photos, options.output / "photos.u8")
        seed = 100_003 * self.step + self.rank
        rng = np.random.default_rng(seed)
        loader = torch.utils.data.DataLoader(
            Examples(photos, seed, options.side),
            None,
            num_workers=1,
            prefetch_factor=6,
        )
        losses = []
        for lightness, ab in loader:
            losses.append(
                self.train_step(lightness, ab, draw_hints(rng, ab[:16]))
            )
            if self.step % EVERY == 0:
                self.meet()
            if self.step % 100 == 0 and self.rank == 0:
                print(
                    f"step {self.step}: ab off by {110 * np.mean(losses):.2f}",
                    flush=True,
                )
                losses.clear()
            if self.step >= options.steps:
                break
        self.meet()
        self.save()

    def train_step(
        self, lightness: torch.Tensor, ab: torch.Tensor, hints: torch.Tensor
    ) -> float:
        """Trains with a batch, half of it with hints, too; returns the loss."""
        trained: list[nn.Parameter] = []
        if self.step >= self.options.frozen_steps:
            trained += self.late_kernels()
            if self.step % DEPTHWISE_EVERY == 0:
                trained += self.late_depthwise()
        for name, weight in self.network.named_parameters():
            if ".encoder_" in name:
                weight.requires_grad_(any(weight is each for each in trained))
        for group in self.optimizer.param_groups:
            group["lr"] = group["scale"] * self.rate()
        outputs = self.network(
            lightness.contiguous(memory_format=torch.channels_last)
        )
        hinted = self.network.with_hints([x[:16] for x in outputs], hints)
        loss = distance(outputs[0] - ab)
        total = loss + 0.5 * distance(hinted - ab[:16])
        self.optimizer.zero_grad()
        total.backward()
        nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self.optimizer.step()
        self.step += 1
        return loss.item()

    def rate(self) -> float:
        """Warms up at the start of both stages, then follows a cosine."""
        options = self.options
        if self.step < options.frozen_steps:
            return options.learning_rate * min(1, (self.step + 1) / 100)
        done = self.step - options.frozen_steps
        share = done / max(1, options.steps - options.frozen_steps)
        cosine = 0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * share))
        return options.learning_rate * min(1, (done + 1) / 200) * cosine

    def meet(self) -> None:
        """Averages the weights of all processes, and over time."""
        state = self.state()
        flat = torch.cat([v.reshape(-1) for v in state])
        dist.all_reduce(flat)
        parts = (flat / self.options.processes).split(
            [v.numel() for v in state]
        )
        decay = min(DECAY**EVERY, (1 + self.step) / (10 + self.step))
        for value, part, mean in zip(state, parts, self.average, strict=True):
            value.copy_(part.view_as(value))
            mean.lerp_(value, 1 - decay)
        if time.monotonic() - self.saved > 180:
            self.save()

    def save(self) -> None:
        """Writes checkpoint and generator, in the first process."""
        self.saved = time.monotonic()
        if self.rank:
            return
        temporary = self.checkpoint.with_suffix(".tmp")
        torch.save(
            [
                self.state(),
                self.average,
                self.optimizer.state_dict(),
                self.step,
            ],
            temporary,
        )
        temporary.replace(self.checkpoint)
        live = [v.clone() for v in self.state()]
        pairs = zip(self.first, self.average, strict=True)
        self.set_state([a.lerp(b, self.options.blend) for a, b in pairs])
        self.network.write(self.generator)
        self.set_state(live)
        save_generator(
            self.generator,
            self.options.output / "generator.keras",
            preset="small",
            render_size=RENDER_SIZE,
        )

    def restore(self) -> None:
        """Reads the checkpoint."""
        state, self.average, optimizer, self.step = torch.load(
            self.checkpoint,
            weights_only=False,  # Its own.
        )
        self.set_state(state)
        self.optimizer.load_state_dict(optimizer)

    def set_state(self, state: list[torch.Tensor]) -> None:
        """Sets all that is learnt."""
        for value, other in zip(self.state(), state, strict=True):
            value.copy_(other)


def _process(rank: int, options: Train) -> None:
    torch.set_num_threads(1)
    torch.manual_seed(rank)
    address = f"file://{(options.output / 'processes').resolve()}"
    dist.init_process_group(
        "gloo", address, rank=rank, world_size=options.processes
    )
    Run(options, rank).train()


def main() -> int:
    """Parses the command line, trains, returns the exit code."""
    return run_command(_train)


def _train() -> None:
    options = tyro.cli(Train, prog="train_small.py")
    options.output.mkdir(parents=True, exist_ok=True)
    Photos(options.photos, options.output / "photos.u8")
    (options.output / "processes").unlink(missing_ok=True)
    torch.multiprocessing.spawn(_process, (options,), options.processes)


if __name__ == "__main__":
    sys.exit(main())
