"""`python -m app`: run the service as in production. `uvicorn app.main:app` works too."""

import logging

import uvicorn
from pythonjsonlogger.json import JsonFormatter

from app.settings import settings

handler = logging.StreamHandler()
handler.setFormatter(JsonFormatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
logging.basicConfig(level=settings.log_level.upper(), handlers=[handler])
uvicorn.run(
    "app.main:app",
    host=settings.bind_host,
    port=settings.port,
    log_config=None,
    access_log=settings.access_log,
    timeout_graceful_shutdown=settings.shutdown_s,
)
