"""Building sets of Video Narrative Grounding from point annotations and narratives."""
