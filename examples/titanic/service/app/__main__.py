"""`python -m app`: the service as it runs in production."""

from app.server import serve

serve()
