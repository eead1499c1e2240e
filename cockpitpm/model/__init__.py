"""Values: frozen, without I/O, clock or environment. Everything else passes these to and fro."""
