"""The pages: made on the server, complete without a script, live with one. No rule of their own."""

from cockpitpm.web.hub import Hub
from cockpitpm.web.routes import routes
from cockpitpm.web.rows import render_app

__all__ = ["Hub", "render_app", "routes"]
