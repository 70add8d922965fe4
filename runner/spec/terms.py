"""Words that several parts of the language share."""

from __future__ import annotations

# Modes that look at images to learn the range of activations.
CALIBRATED_MODES = ("int8", "int8_io", "int16x8")
# Those of them that can leave layers in float, and that quantization-aware training is for.
SELECTIVE_MODES = ("int8", "int8_io")
# Modes that an optional package makes out of a float file.
WEIGHT_MODES = ("weight_only_int8", "weight_only_int4", "dynamic_int4")
# Functions that mean the same in Keras 3 and in tf-keras, which compresses.
TWIN_ACTIVATIONS = ("linear", "relu", "relu6", "elu", "gelu", "silu", "sigmoid", "tanh", "softmax")
TFLITE_SUFFIX = ".tflite"
# How the names of files end that Keras reads weights from.
WEIGHT_SUFFIXES = (".weights.h5", ".h5", ".hdf5", ".keras")
