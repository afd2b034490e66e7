"""Losses of RF-VNG as functions of tensors: boxes, matching, the sum over decoder layers."""
