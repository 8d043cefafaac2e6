"""The score service. Importing it sets the threads of the numeric libraries, which read that only once."""

from app.threads import limit_threads

limit_threads()
