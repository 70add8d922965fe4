"""The spec language: YAML with line marks in, frozen variants out."""
