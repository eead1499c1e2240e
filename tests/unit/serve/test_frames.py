"""Who may show the pages in a frame: nobody, unless the machine's file says so."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.serve.test_run import Served, get

pytestmark = pytest.mark.real


@pytest.mark.parametrize(
    ("said", "ancestors", "options"),
    [
        ("", "'none'", "DENY"),
        ("cockpit: {frames: none}", "'none'", "DENY"),
        ("cockpit: {frames: self}", "'self'", "SAMEORIGIN"),
    ],
    ids=["unsaid", "none", "self"],
)
def test_who_may_frame_the_pages(root: Path, said: str, ancestors: str, options: str) -> None:
    home = root / "m"
    settings = home / "cfg" / "cockpitpm" / "machine.yaml"
    settings.parent.mkdir(parents=True)
    settings.write_text(f"{said}\n")
    with Served(home) as server:
        for path in ("/services", "/nowhere", "/session"):
            headers = get(server.sockets / "web.sock", path).headers
            policy = headers["content-security-policy"]
            assert policy.endswith(f"; frame-ancestors {ancestors}") and headers["x-frame-options"] == options, path
            assert "default-src 'none'" in policy and "unsafe" not in policy
