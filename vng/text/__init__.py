"""From the characters of a narrative to features of its nouns."""
