"""Masks of whole corpora in one Parquet folder."""
