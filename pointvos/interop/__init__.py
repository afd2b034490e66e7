"""Handing annotations to other people's frameworks."""
