"""Is what is known about the downloaded bytes enough for the place that they came from?"""

from __future__ import annotations

from collections.abc import Iterable

from cockpitpm.model.plan import Reason, Refused, Staged
from cockpitpm.model.settings import Require


def unproven(staged: Iterable[Staged]) -> Refused | None:
    """The refusal of the first asset that must be proven and is not. A proof that is wrong never comes this far."""
    lacking = [s for s in staged if s.require is Require.CHECKSUM and not s.proofs]
    if not lacking:
        return None
    name = lacking[0].asset.name
    return Refused(
        reason=Reason.MISSING_PROOF,
        evidence=f"this machine requires a checksum from that forge, and nothing in the release proves {name}",
        way_out=f"Publish SHA256SUMS or {name}.sha256 beside it, or set require to none for that forge in machine.yaml",
    )
