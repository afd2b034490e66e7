"""Grounding the nouns of narratives in videos: a mask and a score for each noun and frame."""
