"""Metrics: pure functions over batches of 8-bit images, one topic a file, one METRICS table."""
