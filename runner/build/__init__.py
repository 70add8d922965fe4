"""Data, training and conversion: the only room that imports TensorFlow, in worker processes."""
