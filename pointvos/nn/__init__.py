"""Networks: STCN and its parts, memory reading, soft aggregation, weight key maps."""
