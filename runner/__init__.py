"""Retime: does retraining a model change how long it takes to run, by how much, and why?"""

__version__ = "0.1.0"
