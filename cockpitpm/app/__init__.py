"""One function per verb: wires the ports and calls the rooms in order. Shared by every face."""
