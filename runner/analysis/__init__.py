"""Numbers in, numbers out: statistics and verdicts."""
