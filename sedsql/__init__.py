"""Ask in SQL what the sources of a catalogue are, from the shape of their SEDs."""
