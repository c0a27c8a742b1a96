"""The product's web application with the points of ``points``, for granian to load."""

from portal.wsgi import application
from tests.faults import points

points.hurry()
points.watch_web()
points.listen()

__all__ = ["application"]
