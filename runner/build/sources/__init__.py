"""Sets of labelled images, whatever they are kept in, as one kind of record."""
