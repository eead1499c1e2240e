"""Becomes the program of a definition; run by supervisord as `python -I -S launch.py <service>.conf`.

supervisord's configuration files cannot hold every value: a variable with both kinds of quotes, a line break, an
argument with ` #`. A service with such a value is started through this program, which reads the definition itself.
It must not import cockpitpm: it runs once per start and only to call exec.
"""

import errno
import json
import os
import sys

PREFIX = "; definition: "


def main(path: str) -> None:
    """Replace this process by the program; says why on stderr and exits 127 if that cannot be done."""
    with open(path, encoding="utf-8") as file:  # noqa: PTH123 - pathlib costs 10 ms at every start
        line = next(line for line in file if line.startswith(PREFIX))
    definition = json.loads(line.removeprefix(PREFIX))
    command = definition["command"]
    try:
        os.chdir(definition["directory"])
        for name, value in definition["env"]:
            os.putenv(name, value)
        os.execvp(command[0], command)
    except OSError as error:
        code = errno.errorcode.get(error.errno or 0, str(error.errno))
        sys.stderr.write(f"supervisor: couldn't exec {command[0]}: {code}\n")
        os._exit(127)


if __name__ == "__main__":
    main(sys.orig_argv[-1])  # this file is a program of its own, started by nobody but supervisord
