"""`python -m benchmarks [name ...]`: measure all or some, print the table; exit 1 if a goal is missed."""

from __future__ import annotations

import sys

from benchmarks import install, serving, startup
from benchmarks.measure import HEAD, report

BENCHMARKS = {"version": startup.version, "status": startup.status, "install": install.rows, "serving": serving.rows}


def main(names: list[str]) -> int:
    """Measure the named benchmarks, all without a name; the exit status."""
    unknown = [name for name in names if name not in BENCHMARKS]
    if unknown:
        print(f"There is no benchmark {unknown[0]}; there are: {', '.join(BENCHMARKS)}")
        return 2
    print(HEAD)
    met = [report(name, BENCHMARKS[name]) for name in names or BENCHMARKS]
    return 0 if all(met) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
