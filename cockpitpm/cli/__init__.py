"""The command line: parses, renders, exits. It has no rule of its own."""
