"""Puts the faces on sockets: who may ask, sessions, live events, and the servers of one process."""
