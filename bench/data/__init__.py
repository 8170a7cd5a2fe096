"""Collections become manifests, splits and batches."""
