"""What has to be done, in which order, under which content key. Pure."""
