"""The spec that `retime init` writes: a small, whole experiment with a word on every part. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePath

from runner.spec.architectures import ARCHITECTURES
from runner.spec.plain import as_yaml
from runner.spec.terms import TFLITE_SUFFIX

_NOT_A_NAME = re.compile(r"[^A-Za-z0-9]+")
_LONGEST_NAME = 64

_HEADER = """\
# yaml-language-server: $schema={schema}
#
# {what} See what it would do with `retime plan {file}`,
# and answer its question with `retime bench {file}`.
# `retime schema --where` names the schema above, with which editors explain every key.
spec: 1
name: {name}
question: {question}
"""

_OF_ARCHITECTURE = """
# The images: digits come with Retime. Your own: a folder with a subfolder a class,
#   source: {{folder: {{path: my-images}}}}
data:
  source: digits
  image_size: {size} # height and width; the input of the network
  test_fraction: 20% # kept for evaluation

# The network: a base of keras.applications and a head.
model:
  base:
    architecture: {architecture}{alpha}
    weights: none # random; imagenet starts from pretrained ones (downloaded once)
    batch_norm_momentum: 0.9 # a short training from scratch settles faster
  trainable: all # with pretrained weights: none, {{last: 20}} or {{from: a layer's name}}

train:
  epochs: 2
  batch_size: 32
  optimizer: {{adam: {{learning_rate: 1.0e-3}}}} # YAML takes 1e-3, without a point, for text
  seed: 1

# What varies. Every combination of these alternatives is a variant that is built and timed.
matrix:
  model.head:
    stock: [global_average_pooling, classifier]
    wide: [global_average_pooling, {{dense: {{units: 1024}}}}, classifier]
  quantize: [float32, int8] # also float16, dynamic, int8_io, int16x8, weight_only_int8

# The variant that the others are compared with.
baseline: {{model.head: stock, quantize: float32}}
"""

_OF_FILES = """
# Finished networks: nothing is trained.
model: {{}}

# What varies: the file. The names are yours.
matrix:
  model.file:
{files}

# The one that the others are compared with.
baseline: {{model.file: {first}}}
"""

_OF_TFLITE = """
# A finished network: nothing is trained, and it is timed as it is.
model:
  file: {path}

# What varies: threads. To compare it with a retrained one, make the file the axis instead:
#   matrix:
#     model.file: {{before: {path}, after: retrained.tflite}}
#   baseline: {{model.file: before}}
matrix:
  runtime.threads: [1, 2]

baseline: {{runtime.threads: 1}}
"""

_OF_KERAS = """
# A finished network: nothing is trained, it is only converted.
model:
  file: {path}

# What varies: how it is converted. int8 needs images to calibrate with: add data.
matrix:
  quantize: [float32, float16, dynamic]

baseline: {{quantize: float32}}
"""

_TAIL = """
# What runs the models.
runtime:
  library: tflite
  delegate: xnnpack # or none: the built-in kernels
  threads: 1

# How latency is measured: a change of less than this counts as none. A finer question takes longer.
measure:
  effect: 5%
  max_time: 2m

# Promises; the command fails (exit code 1) when one is broken. For example:
# expect:
#   - latency_ratio: {max: 1.1}
"""


def starter(file: str, schema: str, architecture: str) -> str:
    """A spec that trains two heads on an architecture and converts them in two modes."""
    known = ARCHITECTURES[architecture]
    size = max(96, known.smallest_size)
    alpha = ""
    if known.has_alpha:
        narrowest = known.imagenet_alphas[0]
        alpha = f"\n    alpha: {narrowest:g} # the share of the usual width"
    return _spec(
        file,
        schema,
        what="A first experiment.",
        question=f"Does a 1024-unit head slow {architecture} down, and does int8 win it back?",
        body=_OF_ARCHITECTURE.format(size=[size, size], architecture=architecture, alpha=alpha),
    )


def starter_of_files(file: str, schema: str, models: Sequence[str]) -> str:
    """A spec that times finished networks: against each other, or one in several ways.

    Args:
        models: their paths, read from the spec's folder.
    """
    path = as_yaml(models[0])
    if len(models) > 1:
        names = alternative_names(models)
        pairs = zip(names, models, strict=True)
        lines = [f"    {as_yaml(name)}: {as_yaml(path)}" for name, path in pairs]
        question = f"Is {names[1]} slower than {names[0]}?"
        body = _OF_FILES.format(files="\n".join(lines), first=as_yaml(names[0]))
    elif models[0].endswith(TFLITE_SUFFIX):
        question = f"Does {PurePath(models[0]).name} gain from a second thread?"
        body = _OF_TFLITE.format(path=path)
    else:
        question = f"What does quantization change for {PurePath(models[0]).name}?"
        body = _OF_KERAS.format(path=path)
    what = "An experiment with finished networks."
    return _spec(file, schema, what=what, question=question, body=body)


def comparison(models: Sequence[str]) -> str:
    """The spec of a comparison of finished networks, as short as can be.

    Args:
        models: two paths or more; the first one is the baseline.
    """
    names = alternative_names(models)
    pairs = zip(names, models, strict=True)
    return (
        f"spec: 1\nname: {as_yaml(as_name('-vs-'.join(names)))}\n"
        f"question: {as_yaml(f'Is {names[-1]} slower than {names[0]}?')}\nmodel: {{}}\n"
        f"matrix:\n  model.file:\n"
        + "".join(f"    {as_yaml(name)}: {as_yaml(path)}\n" for name, path in pairs)
        + f"baseline: {{model.file: {as_yaml(names[0])}}}\n"
    )


def alternative_names(models: Sequence[str]) -> list[str]:
    """A short name for each file: its own, with a number where several are alike."""
    names: list[str] = []
    for path in models:
        name = as_name(PurePath(path).name.partition(".")[0])
        alike = sum(1 for known in names if known == name or known.startswith(f"{name}-"))
        names.append(f"{name}-{alike + 1}" if name in names else name)
    return names


def as_name(text: str) -> str:
    """A text as the name of a spec or an alternative."""
    return _NOT_A_NAME.sub("-", text).strip("-")[:_LONGEST_NAME].strip("-") or "model"


def _spec(file: str, schema: str, *, what: str, question: str, body: str) -> str:
    name = as_yaml(as_name(PurePath(file).stem))
    header = _HEADER.format(
        schema=schema, what=what, file=file, name=name, question=as_yaml(question)
    )
    return header + body + _TAIL
