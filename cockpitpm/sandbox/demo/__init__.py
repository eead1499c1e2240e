"""The demo: real commands on a machine of its own, told in scenes; each scene proves what it says.

Two processes. `outside` is the forge and the owner of the machine; the demo holds its line and tells the story. When
the line is cut, in whatever way the demo ends, `outside` stops every process and removes the folder.
"""

from cockpitpm.sandbox.demo.kept import stop_demo
from cockpitpm.sandbox.demo.ledger import Mark, Row
from cockpitpm.sandbox.demo.proof import Auditor, run_proof
from cockpitpm.sandbox.demo.run import run_demo
from cockpitpm.sandbox.demo.stage import Teller

__all__ = ["Auditor", "Mark", "Row", "Teller", "run_demo", "run_proof", "stop_demo"]
