"""A result as a real run writes it, to be changed by tests."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema

_SCHEMA = Path(__file__).parent.parent / "schemas" / "result.schema.json"
_SHA = "0123456789abcdef" * 4


def class_accuracy(name: str, **changes: Any) -> dict[str, Any]:
    """A class of 36 images of which conversion lost none."""
    record = {"name": name, "samples": 36, "keras": 0.75, "tflite": 0.75, "lost": 0, "gained": 0}
    return record | changes


def variant(head: str, mode: str, median_ns: float, **changes: Any) -> dict[str, Any]:
    spread = 0.01 * median_ns
    record = {
        "name": f"model.head={head},quantize={mode}",
        "axes": {"model.head": head, "quantize": mode},
        "recipe": f"model.head={head},quantize={mode}",
        "status": "done",
        "error": None,
        "data": {
            "classes": 10,
            "train_images": 1438,
            "test_images": 359,
            "left_out": 0,
            "left_out_names": [],
            "empty_classes": [],
            "class_counts": {str(digit): [144, 36] for digit in range(10)},
        },
        "model": {
            "path": "m.tflite",
            "bytes": 1_650_156,
            "sha256": _SHA,
            "parameters": 423_018,
            "trainable_parameters": 12_810,
            "multiply_adds": 11_245_312,
            "operations": 65,
        },
        "accuracy": {
            "keras": 0.9220,
            "tflite": 0.9192,
            "keras_top5": 0.998,
            "tflite_top5": 0.997,
            "samples": 359,
            "agreement": 0.99,
            "largest_difference": 0.02,
            "lost": 2,
            "gained": 1,
            "finite": True,
            "compression": None,
            "classes": [class_accuracy(str(digit)) for digit in range(10)],
        },
        "latency_ns": {
            "median": median_ns,
            "interval": [median_ns - spread, median_ns + spread],
            "p50": median_ns,
            "p90": 1.1 * median_ns,
            "p95": 1.2 * median_ns,
            "p99": 1.3 * median_ns,
            "percentile_intervals": {"p50": None},
            "min": int(0.9 * median_ns),
            "mean": median_ns,
            "processes": 12,
            "runs": 1200,
        },
        "initialization_ns": {"median": 1e7, "interval": [9e6, 1.1e7]},
        "first_inference_ns": {"median": 1e6, "interval": None},
        "peak_memory_bytes": 4_500_000,
        "throughput": None,
        "outliers": {"mild": 9, "extreme": 1},
        "runtime": {
            "library": "tflite",
            "version": "2.17.1",
            "path": "lib.so",
            "origin": "wheel",
            "sha256": _SHA,
            "delegate": "xnnpack",
            "nodes": 65,
            "delegated_nodes": 65,
            "partitions": 1,
            "threads": 1,
            "conditions": {},
        },
    }
    return record | changes


def comparison(
    head: str, mode: str, verdict: str, ratio: float, interval: list[float] | None, **changes: Any
) -> dict[str, Any]:
    record = {
        "variant": f"model.head={head},quantize={mode}",
        "baseline": "model.head=stock,quantize=float32",
        "ratio": ratio,
        "interval": interval,
        "family_interval": interval,
        "p_value": 0.001,
        "adjusted_p_value": 0.002,
        "permutation_p_value": 0.001,
        "verdict": verdict,
        "below_effect": False,
        "effect": 0.02,
        "blocks": 12,
        "needed_blocks": 10,
        "mean_ratio": ratio,
        "mean_verdict": verdict,
        "p90_ratio": ratio,
        "p90_verdict": verdict,
    }
    return record | changes


def quickstart() -> dict[str, Any]:
    """Four variants, three verdicts, both controls passed."""
    return {
        "format": 1,
        "name": "quickstart",
        "question": "Does a 1024-unit head slow MobileNetV2 down, and does int8 win it back?",
        "run_id": "20260101-000000-abcdef12",
        "started": "2026-01-01T00:00:00+00:00",
        "finished": "2026-01-01T00:03:00+00:00",
        "spec_sha256": _SHA,
        "retime": "0.1.0",
        "host": dict.fromkeys(
            json.loads(_SCHEMA.read_text())["properties"]["host"]["required"], None
        ),
        "same_content": {},
        "report": {"formats": ["html"], "percentiles": [], "sort": "spec"},
        "baseline": "model.head=stock,quantize=float32",
        "variants": [
            variant("stock", "float32", 305_000.0),
            variant("stock", "int8", 210_000.0),
            variant("wide", "float32", 321_000.0),
            variant("wide", "int8", 1_050_000.0),
        ],
        "comparisons": [
            comparison("stock", "int8", "faster", 0.689, [0.682, 0.697]),
            comparison("wide", "float32", "slower", 1.053, [1.047, 1.059]),
            comparison("wide", "int8", "inconclusive", 1.01, [0.99, 1.03], needed_blocks=52),
        ],
        "recipes": [],
        "controls": {
            "identical": {
                "ratio": 1.001,
                "interval": [0.996, 1.006],
                "expected": 1.0,
                "confidence": 0.99,
                "passed": True,
            },
            "delayed": {
                "ratio": 1.0203,
                "interval": [1.015, 1.025],
                "expected": 1.0199,
                "confidence": 0.95,
                "passed": True,
            },
        },
        "proven": True,
        "blocks": {
            "done": 12,
            "warmup_factor": 1,
            "redone": 1,
            "reasons": {"steal": 1},
            "stopped": "time",
            "elapsed_s": 108.0,
            "runs_per_process": 100,
            "delay_ns": 6100,
            "load_of_others": {"median": 0.04, "most": 0.3},
            "looks": 1,
            "processes": 72,
            "steady_processes": 71,
            "outliers": 3,
        },
        "design": {
            "effect": 0.02,
            "confidence": 0.95,
            "max_time_s": 120.0,
            "min_blocks": 10,
            "max_blocks": 1000,
            "sustained_s": None,
            "schedule_seed": 7,
            "settings": {
                "warmup_runs": 10,
                "warmup_time_s": 0.2,
                "inputs": "real",
                "run_gap_s": 0.0,
                "flush_caches": False,
            },
        },
        "expectations": [
            {
                "text": "model.head=wide,quantize=float32: latency ratio at most 1.1",
                "holds": True,
                "measured": 1.053,
            }
        ],
        "warnings": [
            {
                "kind": "blocks-redone",
                "message": "blocks thrown away and done again: 1 (steal 1x)",
                "remedy": "leave the machine alone while it measures",
                "variant": None,
            }
        ],
        "repaired": [],
        "retried": [],
        "samples": {"model.head=stock,quantize=float32": "samples/00.i64"},
    }


def with_recipe(**changes: Any) -> dict[str, Any]:
    """The same where the wide head was trained five times."""
    recipe = {
        "recipe": "model.head=wide,quantize=float32",
        "baseline": "model.head=stock,quantize=float32",
        "ratio": 1.05,
        "interval": [1.02, 1.08],
        "family_interval": [1.02, 1.08],
        "p_value": 0.01,
        "adjusted_p_value": 0.01,
        "verdict": "slower",
        "below_effect": False,
        "effect": 0.02,
        "seeds": 5,
        "needed_seeds": 9,
    }
    result = quickstart() | {"recipes": [recipe | changes]}
    check_result(result)
    return result


def check_result(result: dict[str, Any]) -> None:
    """Holds a result against its schema."""
    schema = json.loads(_SCHEMA.read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(schema).validate(result)
