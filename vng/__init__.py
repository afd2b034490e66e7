"""Video narrative grounding: from the nouns of a narrative to masks, built on pointvos."""
