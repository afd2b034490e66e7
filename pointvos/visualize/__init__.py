"""Pictures of results: overlays, strips of frames, charts."""
