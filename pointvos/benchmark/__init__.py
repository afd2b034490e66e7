"""Benchmarks: the point protocol, baselines, probes and reports."""
