#!/usr/bin/env python3
"""Makes backbones.json: what torchvision's networks answer when every weight is filled by a formula.

Run with Debian 12's python3-torch (1.13) and python3-torchvision (0.14):

    /usr/bin/python3 Tests/Oracle/backbones.py [SHARED_WEIGHTS_FOLDER] > Tests/Oracle/backbones.json

No weights are stored. Element i of the tensor called NAME is a function of u(NAME, i) in [-1, 1):

    h = FNV-1a 32 of NAME;  x = h + i * 0x9E3779B9 (mod 2^32);  x = murmur3's 32-bit finaliser of x;  u = (x >> 8) / 2^23 - 1

    convolution    u * sqrt(6 / fan_in)       its bias          0.1 u
    BN weight      0.5 + 0.1 u                BN bias           0.1 u
    running_mean   0.1 u                      running_var       1 + 0.25 u
    input          u, called "input", of shape [2, 3, 65, 97]: odd sizes show every rounding

Numbers: the feature map's shape, mean, 2-norm and 16 elements, evenly spaced over the flattened map. "train" is one pass in training
mode: the same of the map, the 2-norm of d(mean of map^2)/d(first weight), and one running mean afterwards. All in float64.
"""
import json
import math
import os
import re
import sys

import numpy as np
import torch
import torchvision

CASES = [("resnet18", 2), ("resnet18", 3), ("resnet18", 4), ("resnet34", 4), ("resnet50", 2), ("resnet50", 3), ("resnet50", 4),
         ("resnet101", 3), ("squeezenet1_1", 4)]
TRAINED = [("resnet18", 4), ("resnet50", 3), ("squeezenet1_1", 4)]


def uniform(name, count):
    h = 0x811C9DC5
    for byte in name.encode():
        h = ((h ^ byte) * 0x01000193) & 0xFFFFFFFF
    x = (np.uint64(h) + np.arange(count, dtype=np.uint64) * np.uint64(0x9E3779B9)) & np.uint64(0xFFFFFFFF)
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35), (16, 1)):
        x = ((x ^ (x >> np.uint64(shift))) * np.uint64(factor)) & np.uint64(0xFFFFFFFF)
    return (x >> np.uint64(8)).astype(np.float64) / 2**23 - 1


def fill(name, shape):
    u = uniform(name, math.prod(shape))
    if name.endswith("running_var"):
        v = 1 + 0.25 * u
    elif name.endswith("running_mean") or name.endswith("bias"):
        v = 0.1 * u
    elif len(shape) == 4:
        v = u * math.sqrt(6 / math.prod(shape[1:]))
    else:
        v = 0.5 + 0.1 * u
    return torch.from_numpy(v.astype(np.float32)).reshape(shape)


def build(name, stage):
    if name == "squeezenet1_1":
        return torchvision.models.squeezenet1_1().features
    net = torchvision.models.__dict__[name]()
    return torch.nn.Sequential(net.conv1, net.bn1, net.relu, net.maxpool, *[getattr(net, f"layer{s}") for s in range(1, stage + 1)])


def torchvision_name(architecture, name):
    if architecture == "squeezenet1_1":
        return "features." + name
    first, rest = name.split(".", 1)
    return {"0": "conv1", "1": "bn1"}.get(first, f"layer{int(first) - 3}") + "." + rest


def numbers(x):
    flat = x.detach().double().flatten()
    return {"shape": list(x.shape), "mean": flat.mean().item(), "norm": flat.norm().item(),
            "samples": [flat[k * (len(flat) - 1) // 15].item() for k in range(16)]}


def case(name, stage):
    net = build(name, stage)
    for key, value in net.state_dict().items():
        if value.is_floating_point():
            value.copy_(fill(torchvision_name(name, key), list(value.shape)))
    image = torch.from_numpy(uniform("input", 2 * 3 * 65 * 97).astype(np.float32)).reshape(2, 3, 65, 97)
    net.double().eval()
    image = image.double()
    with torch.no_grad():
        result = {"architecture": name, "stage": stage, **numbers(net(image))}
    if (name, stage) not in TRAINED:
        return result
    net.train()
    out = net(image)
    (out**2).mean().backward()
    result["train"] = {**numbers(out), "gradient_norm": next(net.parameters()).grad.double().norm().item()}
    if name != "squeezenet1_1":
        result["train"]["running_mean"] = net[1].running_mean[:4].tolist()
    return result


def real(folder):
    """The same input through the real weights beside this checkout, where there are any."""
    image = torch.from_numpy(uniform("input", 2 * 3 * 65 * 97).astype(np.float32)).reshape(2, 3, 65, 97)
    for file, name, stage in (("resnet18_stage3.safetensors", "resnet18", 3), ("squeezenet1_1.safetensors", "squeezenet1_1", 4)):
        raw = open(os.path.join(folder, file), "rb").read()
        length = int.from_bytes(raw[:8], "little")
        header = json.loads(raw[8:8 + length])
        net = build(name, stage).eval()
        for key, value in net.state_dict().items():
            begin, end = header[torchvision_name(name, key)]["data_offsets"]
            dtype = np.float32 if value.is_floating_point() else np.int64
            value.copy_(torch.from_numpy(np.frombuffer(raw[8 + length + begin:8 + length + end], dtype).copy()).reshape(value.shape))
        net.double()
        with torch.no_grad():
            yield {"file": file, **numbers(net(image.double()))}


if __name__ == "__main__":
    torch.manual_seed(0)
    answer = {"made_with": f"torch {torch.__version__}, torchvision {torchvision.__version__}", "cases": [case(*c) for c in CASES]}
    answer["real"] = list(real(sys.argv[1])) if len(sys.argv) > 1 else []
    text = json.dumps(answer, indent=1)
    # One row of numbers a line.
    print(re.sub(r"\[\s+([^\[\]{}]*?)\s+\]", lambda m: "[" + re.sub(r"\s+", " ", m.group(1)) + "]", text))
