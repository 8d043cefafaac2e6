"""The fields of requests and responses.

They are described from the sample (`_inputs`, `_outputs`), then refined by annotations, metadata of the model
and the user's options.
"""
