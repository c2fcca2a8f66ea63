"""Any of our generators in PyTorch, with its weights, for comparison only.

    python benchmarks/pytorch_generator.py FOLDER 1 eager

It needs PyTorch alone. `latency` starts it, writes layers and weights into the
folder, and talks to it by lines, see `main`.

Convolutions pad as TensorFlow's do, and take over the batch norm that follows.
"""

import functools
import json
import math
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import torch
from measuring import median_seconds, use_cores
from pytorch_pix2pix import matmul_seconds
from torch import fx, nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_weights

ACTIVATIONS = {
    "linear": nn.Identity,
    "relu": nn.ReLU,
    "relu6": nn.ReLU6,
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
    "hard_sigmoid": nn.Hardsigmoid,
    "silu": nn.SiLU,
    "hard_silu": nn.Hardswish,
}
# Of options that a layer may have; others are refused.
SUPPORTED = {
    "activation": tuple(ACTIVATIONS),
    "axis": (-1, 3),
    "data_format": ("channels_last", None),
    "output_padding": (None,),
    "threshold": (0,),
}
# Keras' names of a batch norm's weights, and PyTorch's.
NORM = {
    "gamma": "weight",
    "beta": "bias",
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
}


def main(folder: str, cores: str, way: str) -> None:
    """Answers every line of standard input with a line of JSON.

    "predict 128" writes what becomes of `128/lightness.npy` into
    `128/predicted.npy`, "seconds 128" tells how long that takes, and
    "matmul 2048" how long a plain multiplication of squares does. It says
    "ready" before.

    Args:
        folder: Holds the network and, for each side, the lightness.
        cores: How many to use.
        way: "eager" or "compiled".
    """
    use_cores(int(cores))
    torch.set_num_threads(int(cores))
    answers = Answers(Path(folder), compiled=way == "compiled")
    print("ready", flush=True)
    for line in sys.stdin:
        question, side = line.split()
        answer = getattr(answers, question)(int(side))
        print(json.dumps(answer), flush=True)


class Answers:
    """To the questions of `main`.

    Args:
        folder: Holds the network and, for each side, the lightness.
        compiled: By `torch.compile`.
    """

    def __init__(self, folder: Path, *, compiled: bool):
        self.folder = folder
        self.about = json.loads((folder / "network.json").read_text())
        weights = np.load(folder / "network.npz")
        network = build_network(self.about["layers"], weights).eval()
        network = network.to(memory_format=torch.channels_last)
        self.network = _compiled(network) if compiled else network

    def predict(self, side: int) -> None:
        """Writes the encoded ab of a square."""
        ab = self._predict_ab(self._lightness(side))
        path = self.folder / f"{side}" / "predicted.npy"
        np.save(path, ab / self.about["ab_limit"])

    def seconds(self, side: int) -> float:
        """Times the prediction of a square, from L* to ab in NumPy."""
        lightness = self._lightness(side)
        return median_seconds(lambda: self._predict_ab(lightness))

    def matmul(self, _side: int) -> float:
        """Times a multiplication; its side is always the same."""
        return min(matmul_seconds("float32"))

    @torch.inference_mode()
    def _predict_ab(self, lightness):
        encoded = torch.from_numpy(lightness) / self.about["lightness_half"] - 1
        ab = self.network(encoded.permute(0, 3, 1, 2)) * self.about["ab_limit"]
        return ab.permute(0, 2, 3, 1).contiguous().numpy()

    def _lightness(self, side):
        return np.load(self.folder / f"{side}" / "lightness.npy")


def _compiled(network):
    from torch._inductor import config

    config.freezing = True  # Weights are constants, packed once and for all.
    config.compile_threads = 1  # No processes that stay when it is done.
    return torch.compile(network, dynamic=False)


def build_network(layers: list[dict], weights) -> fx.GraphModule:
    """Builds the network as straight code, as if written by hand.

    Args:
        layers: Of a functional model of Keras, each after those it takes as
            inputs, the one that yields ab last: `kind`, `name`, `inputs`
            (names), `channels` (of its output) and `config`.
        weights: Arrays by names such as "up_1_conv/kernel".

    Returns:
        A module from `(n, 1, h, w)` to `(n, 2, h, w)`.
    """
    layers = _without_dropout(layers)
    uses = Counter(name for layer in layers for name in layer["inputs"])
    graph, modules, values = fx.Graph(), {}, {}
    for layer in layers:
        name, inputs = layer["name"], layer["inputs"]
        if layer["kind"] == "InputLayer":
            values[name] = graph.placeholder(name)
            continue
        sole = all(uses[other] == 1 for other in inputs)
        module = _module(layer, _weights_of(name, weights), sole=sole)
        before = modules.get(inputs[0])
        if sole and _can_fold(module, before):
            before.fold(module)
            values[name] = values[inputs[0]]
        else:
            modules[name] = module
            values[name] = graph.call_module(
                name, tuple(values[other] for other in inputs)
            )
    graph.output(values[name])
    return fx.GraphModule(modules, graph)


def _without_dropout(layers):
    behind, kept = {}, []
    for layer in layers:
        inputs = [behind.get(name, name) for name in layer["inputs"]]
        if layer["kind"] == "Dropout":
            behind[layer["name"]] = inputs[0]
        else:
            kept.append({**layer, "inputs": inputs})
    return kept


def _weights_of(name, weights):
    names = [key for key in weights if key.rpartition("/")[0] == name]
    return {
        key.rpartition("/")[2]: torch.from_numpy(weights[key]) for key in names
    }


def _can_fold(module, before):
    return (
        isinstance(module, nn.BatchNorm2d)
        and isinstance(before, Convolution)
        and isinstance(before.activation, nn.Identity)
    )


def _module(layer, weights, *, sole):
    """Returns what computes a layer.

    Args:
        layer: See `build_network`.
        weights: Its own, by name.
        sole: Whether nothing else needs what it takes: it may overwrite it.
    """
    kind, config = layer["kind"], layer["config"]
    options = {key: config[key] for key in SUPPORTED if key in config}
    strange = {k: v for k, v in options.items() if v not in SUPPORTED[k]}
    if strange or kind not in MODULES:
        what = f"{kind} with {strange}" if strange else kind
        raise SystemExit(
            f"PyTorch's twin knows no {what}, which `{layer['name']}` is: add "
            f"it to {Path(__file__).name}."
        )
    facts = {"channels": layer["channels"], "sole": sole}
    return MODULES[kind]({**config, **facts}, weights)


class Convolution(nn.Module):
    """Conv2D, padded as TensorFlow does.

    With padding "same" that is as little as yields a pixel for every stride
    and, where it is odd, the one more pixel behind: with a stride of 2, a 3 x 3
    kernel sees nothing above and to the left of an even side.

    Args:
        config: Of the layer.
        weights: PyTorch's `(outputs, inputs / groups, height, width)` kernel,
            and bias or None.
        groups: Of channels.
    """

    transposed = False

    def __init__(self, config, weights, *, groups=1):
        super().__init__()
        self.kernel, self.bias = map(_constant, weights)
        self.strides = config["strides"]
        self.dilation = config["dilation_rate"]
        self.is_padded = config["padding"] == "same"
        self.groups = groups
        self.activation = ACTIVATIONS[config["activation"]]()

    def fold(self, norm: nn.BatchNorm2d) -> None:
        """Takes over the batch norm that follows."""
        statistics = (norm.running_mean, norm.running_var, norm.eps)
        self.kernel, self.bias = fuse_conv_bn_weights(
            self.kernel,
            self.bias,
            *statistics,
            norm.weight,
            norm.bias,
            transpose=self.transposed,
        )

    def forward(self, x):
        (top, bottom), (left, right) = map(self._padding, (0, 1), x.shape[2:])
        padding = (top, left)
        if padding != (bottom, right):
            x = functional.pad(x, (left, right, top, bottom))
            padding = (0, 0)
        shape = (self.strides, padding, self.dilation, self.groups)
        y = functional.conv2d(x, self.kernel, self.bias, *shape)
        return self.activation(y)

    def _padding(self, axis, side):
        if not self.is_padded:
            return 0, 0
        reach = (self.kernel.shape[2 + axis] - 1) * self.dilation[axis] + 1
        return _same_padding(side, reach, self.strides[axis])


class TransposedConvolution(Convolution):
    """Conv2DTranspose, cropped as TensorFlow does.

    With padding "same" it loses what a Conv2D from its output would pad.
    """

    transposed = True

    def forward(self, x):
        (top, further_down), (left, further_right) = map(self._crop, (0, 1))
        y = functional.conv_transpose2d(
            x,
            self.kernel,
            self.bias,
            self.strides,
            (top, left),
            (further_down, further_right),
        )
        height, width = (
            side * stride
            for side, stride in zip(x.shape[2:], self.strides, strict=True)
        )
        return self.activation(y[..., :height, :width])

    def _crop(self, axis):
        """Pixels to lose at both ends, and to get back behind."""
        size, stride = self.kernel.shape[2 + axis], self.strides[axis]
        before, _ = _halves(max(0, size - stride))
        return before, max(0, stride - size + 2 * before)


class Step(nn.Module):
    """A layer without weights.

    Args:
        function: Computes it.
    """

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, *inputs):
        return self.function(*inputs)


class Dense(nn.Module):
    """Dense, over channels."""

    def __init__(self, config, weights):
        super().__init__()
        self.kernel = _constant(weights["kernel"].T.contiguous())
        self.bias = _constant(weights.get("bias"))
        self.activation = ACTIVATIONS[config["activation"]]()

    def forward(self, x):
        y = functional.linear(_channels_last(x), self.kernel, self.bias)
        return self.activation(_channels_first(y))


def _constant(tensor):
    return None if tensor is None else nn.Parameter(tensor, requires_grad=False)


def _same_padding(side, reach, stride):
    """How many pixels TensorFlow adds before and behind."""
    last = (math.ceil(side / stride) - 1) * stride
    return _halves(max(0, last + reach - side))


def _halves(total):
    return total // 2, total - total // 2


def _convolution(config, weights):
    kernel = weights["kernel"].permute(3, 2, 0, 1).contiguous()
    return Convolution(
        config, (kernel, weights.get("bias")), groups=config["groups"]
    )


def _depthwise_convolution(config, weights):
    height, width, inputs, multiplier = weights["kernel"].shape
    kernel = weights["kernel"].permute(2, 3, 0, 1)
    kernel = kernel.reshape(inputs * multiplier, 1, height, width)
    return Convolution(config, (kernel, weights.get("bias")), groups=inputs)


def _transposed_convolution(config, weights):
    if config["padding"] != "same" or config["dilation_rate"] != [1, 1]:
        raise SystemExit("PyTorch's twin knows no such transposed convolution.")
    kernel = weights["kernel"].permute(3, 2, 0, 1).contiguous()
    return TransposedConvolution(config, (kernel, weights.get("bias")))


def _batch_norm(config, weights):
    norm = nn.BatchNorm2d(config["channels"], eps=config["epsilon"])
    held = {NORM[name]: weight for name, weight in weights.items()}
    norm.load_state_dict(held, strict=False)
    return norm.requires_grad_(False)


def _rectifier(config, _weights):
    inplace = config["sole"]
    if config["negative_slope"]:
        if config.get("max_value") is not None:
            raise SystemExit("PyTorch's twin knows no clipped leaky ReLU.")
        return nn.LeakyReLU(config["negative_slope"], inplace=inplace)
    if config.get("max_value") is not None:
        return nn.Hardtanh(0.0, config["max_value"], inplace=inplace)
    return nn.ReLU(inplace=inplace)


def _depth_to_space(config, _weights):
    channels = config["channels"]

    def rearranged(x):
        # TensorFlow's channels are block by block. PyTorch's own pixel shuffle
        # wants the other order, and takes no less time.
        n, _, height, width = x.shape
        block = math.isqrt(x.shape[1] // channels)
        x = _channels_last(x).reshape(n, height, width, block, block, channels)
        x = x.transpose(2, 3)
        x = x.reshape(n, block * height, block * width, channels)
        return _channels_first(x)

    return Step(rearranged)


def _zero_padding(config, _weights):
    (top, bottom), (left, right) = config["padding"]
    return nn.ZeroPad2d((left, right, top, bottom))


def _average_pooling(config, _weights):
    shape = (config["pool_size"], config["strides"])
    if config["padding"] == "valid":
        return nn.AvgPool2d(*shape)

    def pooled(x):
        befores, afters = zip(
            *map(_same_padding, x.shape[2:], *shape), strict=True
        )
        if befores != afters:
            raise ValueError("PyTorch's twin pools no square that is uneven.")
        # Means are of true pixels only, as TensorFlow's.
        return functional.avg_pool2d(
            x, *shape, befores, count_include_pad=False
        )

    return Step(pooled)


def _global_average(config, _weights):
    return Step(lambda x: x.mean((2, 3), keepdim=config["keepdims"]))


def _reshape(config, _weights):
    shape = config["target_shape"]

    def reshaped(x):
        return _channels_first(_channels_last(x).reshape(len(x), *shape))

    return Step(reshaped)


def _channels_last(x):
    return x.permute(0, 2, 3, 1) if x.ndim == 4 else x


def _channels_first(x):
    return x.permute(0, 3, 1, 2) if x.ndim == 4 else x


def _folded(operation):
    return lambda _config, _weights: Step(
        lambda *inputs: functools.reduce(operation, inputs)
    )


# Of a layer's config and weights.
MODULES = {
    "Activation": lambda config, _: ACTIVATIONS[config["activation"]](),
    "Add": _folded(torch.add),
    "AveragePooling2D": _average_pooling,
    "BatchNormalization": _batch_norm,
    "Concatenate": lambda *_: Step(lambda *inputs: torch.cat(inputs, 1)),
    "Conv2D": _convolution,
    "Conv2DTranspose": _transposed_convolution,
    "Dense": Dense,
    "DepthToSpace": _depth_to_space,
    "DepthwiseConv2D": _depthwise_convolution,
    "DoublePixels": lambda *_: nn.Upsample(scale_factor=2, mode="nearest"),
    "GlobalAveragePooling2D": _global_average,
    "LeakyReLU": _rectifier,
    "Multiply": _folded(torch.mul),
    "ReLU": _rectifier,
    "Reshape": _reshape,
    "ZeroPadding2D": _zero_padding,
}


if __name__ == "__main__":
    main(*sys.argv[1:])
