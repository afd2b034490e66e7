"""Training samples: a reader says what exists, a sampler picks a clip, augmentation, collation."""
