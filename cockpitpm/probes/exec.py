"""Runs a command and compares its exit status."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess

from cockpitpm.model.service import Health, Healthy, ProbeTarget, Unhealthy


def probe(target: ProbeTarget, timeout: float) -> Health:
    """Healthy if the command ends with the expected status in time. No shell; its environment is the target's only.

    What the command started and left in its process group is killed with it.
    """
    if not target.probe.command:
        return Unhealthy(answer="cannot be executed: there is no command")
    try:
        process = subprocess.Popen(
            target.probe.command,
            env=dict(target.env),
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        return Unhealthy(answer=f"cannot be executed: {getattr(error, 'strerror', None) or error}")
    try:
        return _judge(process.wait(timeout), target.probe.expect)
    except subprocess.TimeoutExpired:
        return Unhealthy(answer="no answer in time")
    finally:
        _end_group(process)


def _judge(status: int, expected: int) -> Health:
    if status == expected:
        return Healthy(answer=f"exit status {status}")
    if status < 0:
        return Unhealthy(answer=f"ended by signal {-status}")
    return Unhealthy(answer=f"exit status {status}")


def _end_group(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
