"""pix2pix's two networks and training step in PyTorch, for comparison only.

Structure after junyanz/pytorch-CycleGAN-and-pix2pix, models/networks.py and
models/pix2pix_model.py. `python benchmarks/pytorch_pix2pix.py BATCH STEPS
PRECISION LAYOUT` prints the seconds of every step as JSON; it needs PyTorch
alone.
"""

import json
import sys
import time

import torch
from torch import nn

WARM_UP = 3
UNET_256 = (64, 128, 256, 512, 512, 512, 512, 512)
PATCHGAN_70 = (64, 128, 256, 512)


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


def unet_256():
    """Returns a U-Net from `(batch, 1, h, w)` to `(batch, 2, h, w)`."""
    level = Level(512, 512, 512)
    pairs = list(zip(UNET_256[:-2], UNET_256[1:-1], strict=True))[::-1]
    for number, (outer, inner) in enumerate(pairs):
        level = Level(outer, outer, inner, level, dropout=number < 3)
    return Level(1, 2, UNET_256[0], level)


def patchgan_70():
    """Returns a PatchGAN from `(batch, 3, h, w)` to a patch map of logits."""
    layers = [nn.Conv2d(3, PATCHGAN_70[0], 4, 2, 1), nn.LeakyReLU(0.2)]
    for inputs, width in zip(PATCHGAN_70[:-1], PATCHGAN_70[1:], strict=True):
        stride = 1 if width == PATCHGAN_70[-1] else 2
        layers += [nn.Conv2d(inputs, width, 4, stride, 1, bias=False)]
        layers += [nn.BatchNorm2d(width), nn.LeakyReLU(0.2)]
    return nn.Sequential(*layers, nn.Conv2d(PATCHGAN_70[-1], 1, 4, 1, 1))


class Pix2Pix:
    """The two networks, their optimizers and one step of training."""

    def __init__(self, layout):
        self.generator = unet_256().to(memory_format=layout)
        self.discriminator = patchgan_70().to(memory_format=layout)
        self.optimizers = {
            network: torch.optim.Adam(network.parameters(), 2e-4, (0.5, 0.999))
            for network in (self.generator, self.discriminator)
        }

    def train_step(self, lightness, real_ab):
        """Updates the discriminator, then the generator against it."""
        fake_ab = self.generator(lightness)
        fake_loss = self._loss(lightness, fake_ab.detach(), 0)
        real_loss = self._loss(lightness, real_ab, 1)
        self._descend(self.discriminator, (fake_loss + real_loss) / 2)
        self.discriminator.requires_grad_(False)
        l1_loss = nn.functional.l1_loss(fake_ab, real_ab)
        loss = self._loss(lightness, fake_ab, 1) + 100 * l1_loss
        self._descend(self.generator, loss)
        self.discriminator.requires_grad_(True)

    def _loss(self, lightness, ab, label):
        logits = self.discriminator(torch.cat([lightness, ab], 1))
        labels = torch.full_like(logits, label)
        return nn.functional.binary_cross_entropy_with_logits(logits, labels)

    def _descend(self, network, loss):
        self.optimizers[network].zero_grad()
        loss.backward()
        self.optimizers[network].step()


def main(batch: str, steps: str, precision: str, layout: str) -> None:
    """Prints the seconds of every step after three to warm up."""
    memory_format = getattr(torch, layout)
    pix2pix, taken = Pix2Pix(memory_format), []
    shapes = [(int(batch), channels, 256, 256) for channels in (1, 2)]
    noise = [
        (2 * torch.rand(shape) - 1).to(memory_format=memory_format)
        for shape in shapes
    ]
    for _ in range(WARM_UP + int(steps)):
        start = time.perf_counter()
        with torch.autocast("cpu", torch.bfloat16, precision == "bfloat16"):
            pix2pix.train_step(*noise)
        taken.append(time.perf_counter() - start)
    print(json.dumps(taken[WARM_UP:]))


if __name__ == "__main__":
    main(*sys.argv[1:])
