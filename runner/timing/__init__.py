"""The experiment: who runs when, in which process, under which conditions."""
