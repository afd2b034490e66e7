"""Scores of predicted masks against the expressions of a VNG set."""
