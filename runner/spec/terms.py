"""Words that several parts of the language share."""

from __future__ import annotations

# Modes that look at images to learn the range of activations.
CALIBRATED_MODES = ("int8", "int8_io", "int16x8")
TFLITE_SUFFIX = ".tflite"
