"""What is kept on disk: artifacts, runs, locks."""
