"""The pipeline's steps, each joining rooms that do not know each other."""
