"""Training of RF-VNG on the loop of pointvos."""
