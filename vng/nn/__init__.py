"""RF-VNG: a network that segments every marked noun of a narrative in a clip."""
