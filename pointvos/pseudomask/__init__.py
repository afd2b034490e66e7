"""Masks predicted from points or mouse traces, by exchangeable backends."""
