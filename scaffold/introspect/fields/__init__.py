"""The fields of requests and responses: from the values, the annotations and what the model says."""
