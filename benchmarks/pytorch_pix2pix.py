"""pix2pix's two networks and training step in PyTorch, for comparison only.

Structure after junyanz/pytorch-CycleGAN-and-pix2pix, models/networks.py and
models/pix2pix_model.py: U-Net with nested skip connections, 70 x 70 PatchGAN,
binary cross entropy on logits, L1 weight 100, Adam at 2e-4 and beta_1 0.5.

    python benchmarks/pytorch_pix2pix.py 4 6 float32 channels_last

prints times as `keras_pix2pix` does. It needs PyTorch alone.
"""

import json
import sys

import torch
from measuring import seconds
from torch import nn

WARM_UP, MATMUL_SIDE, MATMULS = 3, 2048, 5

UNET_256_WIDTHS = (64, 128, 256, 512, 512, 512, 512, 512)
PATCHGAN_WIDTHS = (64, 128, 256, 512)


class Level(nn.Module):
    """One level of the U-Net with all coarser levels inside it."""

    def __init__(self, inputs, outputs, width, inner=None, *, dropout=False):
        super().__init__()
        outermost, innermost = inputs == 1, inner is None
        self.outermost = outermost
        down = [] if outermost else [nn.LeakyReLU(0.2)]
        down += [nn.Conv2d(inputs, width, 4, 2, 1, bias=False)]
        if not (outermost or innermost):
            down += [nn.BatchNorm2d(width)]
        up_inputs = width if innermost else 2 * width
        up = [nn.ReLU()]
        up += [nn.ConvTranspose2d(up_inputs, outputs, 4, 2, 1, bias=outermost)]
        up += [nn.Tanh()] if outermost else [nn.BatchNorm2d(outputs)]
        up += [nn.Dropout(0.5)] if dropout else []
        self.down, self.up = nn.Sequential(*down), nn.Sequential(*up)
        self.inner = inner or nn.Identity()

    def forward(self, x):
        y = self.up(self.inner(self.down(x)))
        return y if self.outermost else torch.cat([x, y], 1)


def build_generator(widths=UNET_256_WIDTHS, *, dropout_blocks=3):
    """Returns a U-Net from `(batch, 1, h, w)` to `(batch, 2, h, w)`."""
    level = Level(widths[-2], widths[-2], widths[-1])
    pairs = list(zip(widths[:-2], widths[1:-1], strict=True))[::-1]
    for number, (outer, inner) in enumerate(pairs):
        level = Level(
            outer, outer, inner, level, dropout=number < dropout_blocks
        )
    return Level(1, 2, widths[0], level)


def build_discriminator(widths=PATCHGAN_WIDTHS):
    """Returns a PatchGAN from `(batch, 3, h, w)` to a patch map of logits."""
    layers = [nn.Conv2d(3, widths[0], 4, 2, 1), nn.LeakyReLU(0.2)]
    for inputs, width in zip(widths[:-1], widths[1:], strict=True):
        stride = 1 if width == widths[-1] else 2
        layers += [nn.Conv2d(inputs, width, 4, stride, 1, bias=False)]
        layers += [nn.BatchNorm2d(width), nn.LeakyReLU(0.2)]
    return nn.Sequential(*layers, nn.Conv2d(widths[-1], 1, 4, 1, 1))


class Pix2Pix:
    """The two networks, their optimizers and one step of training."""

    def __init__(self, *, l1_weight=100.0):
        self.generator = build_generator()
        self.discriminator = build_discriminator()
        self.l1_weight = l1_weight
        self.optimizers = {
            network: torch.optim.Adam(network.parameters(), 2e-4, (0.5, 0.999))
            for network in (self.generator, self.discriminator)
        }
        self.cross_entropy = nn.BCEWithLogitsLoss()

    def train_step(self, lightness, real_ab):
        """Updates the discriminator, then the generator against it."""
        fake_ab = self.generator(lightness)
        real_logits = self._judged(lightness, real_ab)
        fake_logits = self._judged(lightness, fake_ab.detach())
        loss = self._against(fake_logits, 0) + self._against(real_logits, 1)
        self._descend(self.discriminator, loss / 2)
        self.discriminator.requires_grad_(False)
        adversarial = self._against(self._judged(lightness, fake_ab), 1)
        l1 = nn.functional.l1_loss(fake_ab, real_ab)
        self._descend(self.generator, adversarial + self.l1_weight * l1)
        self.discriminator.requires_grad_(True)

    def _judged(self, lightness, ab):
        return self.discriminator(torch.cat([lightness, ab], 1))

    def _against(self, logits, label):
        return self.cross_entropy(logits, torch.full_like(logits, label))

    def _descend(self, network, loss):
        self.optimizers[network].zero_grad()
        loss.backward()
        self.optimizers[network].step()


def main(batch_size: str, steps: str, precision: str, layout: str) -> None:
    """Prints the seconds of every step and of a plain multiplication.

    Args:
        batch_size: Squares of 256 x 256 pixels per step.
        steps: Steps that are timed, after three to warm up.
        precision: "float32" or "bfloat16".
        layout: Memory format: "contiguous_format" or "channels_last".
    """
    step = _train_step(int(batch_size), precision, layout)
    for _ in range(WARM_UP):
        step()
    taken = [seconds(step) for _ in range(int(steps))]
    matmuls = matmul_seconds(precision)
    print(json.dumps({"step": taken, "matmul": matmuls, "side": MATMUL_SIDE}))


def _train_step(batch_size, precision, layout):
    layout = getattr(torch, layout)
    pix2pix = Pix2Pix()
    shapes = [(batch_size, channels, 256, 256) for channels in (1, 2)]
    noise = [(2 * torch.rand(s) - 1).to(memory_format=layout) for s in shapes]
    for network in pix2pix.optimizers:
        network.to(memory_format=layout)

    def step():
        with torch.autocast("cpu", torch.bfloat16, precision == "bfloat16"):
            pix2pix.train_step(*noise)

    return step


def matmul_seconds(precision: str) -> list[float]:
    """Times the multiplication of two squares of `MATMUL_SIDE`."""
    square = torch.rand(MATMUL_SIDE, MATMUL_SIDE)
    square = square.to(getattr(torch, precision))
    return [seconds(lambda: square @ square) for _ in range(MATMULS)]


if __name__ == "__main__":
    main(*sys.argv[1:])
