"""Ports and disk become Facts. Reads only; changes nothing and decides nothing."""
