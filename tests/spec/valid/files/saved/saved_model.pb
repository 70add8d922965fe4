only its name matters
