"""Training of the interactive segmenter: simulated prompts, corrections in rounds, mask losses."""
