"""Narratives, expressions and masks of Video Narrative Grounding."""
