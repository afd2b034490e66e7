"""Video Localized Narratives: spoken captions and the mouse traces of their words."""
