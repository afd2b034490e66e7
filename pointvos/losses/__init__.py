"""Losses as pure functions of tensors: point, bootstrapped and Huberised cross-entropy, dice."""
