"""Container registries: references, logging in, manifests and blobs."""
