"""`python -m app`: run the service as in production."""

from app.serving.runner import serve
from app.settings import settings

serve("app.main:app", settings)
