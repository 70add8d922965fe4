"""Is this machine fit to measure? What is looked at, how it is judged, what to do about it."""
