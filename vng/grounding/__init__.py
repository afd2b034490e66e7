"""A video and a sentence become a mask for every noun in every frame, as files and as pictures."""
