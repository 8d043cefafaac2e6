"""The score service. Importing it sets the threads of the numeric libraries, before they load."""

from app.threads import limit_threads

limit_threads()
