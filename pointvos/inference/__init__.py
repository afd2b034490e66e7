"""Segmentation of videos: memory, one propagation step, whole videos."""
