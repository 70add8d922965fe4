"""Where (block, arm) jobs run. A target takes a job and returns what was measured."""
