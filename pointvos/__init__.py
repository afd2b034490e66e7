"""Video object segmentation from points: data, metrics, networks, training and inference."""

__version__ = "0.1.0"
