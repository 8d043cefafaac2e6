"""Container registries: references, login, manifests and blobs."""
