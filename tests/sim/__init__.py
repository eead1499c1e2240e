"""A world made of values: a forge, a supervisor, processes, probes and a clock that a test can bend.

Supervisor, processes and clock keep their state in one small file outside the machine's root. A test can therefore
kill the process that is changing the machine at any line, and the world goes on exactly as that process left it.
"""
