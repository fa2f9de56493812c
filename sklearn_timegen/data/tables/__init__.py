"""Series with times and names, read from whatever holds them, and laid out alike."""
