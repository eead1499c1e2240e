"""What somebody chooses to go past, and for which app that counts."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from cockpitpm.model.codec import decode, encode
from cockpitpm.model.job import Order
from cockpitpm.model.plan import NAMED, OLDER, Reason, Request
from cockpitpm.model.receipt import Verb
from cockpitpm.model.request import going_past

ASKED = st.builds(
    Request,
    verb=st.sampled_from(Verb),
    names=st.lists(st.sampled_from("abc"), unique=True).map(tuple),
    allow=st.lists(st.sampled_from(Reason), unique=True).map(tuple),
)
OLD_ORDER = {
    "request": {
        "verb": "upgrade",
        "names": ["hero_books"],
        "services": [],
        "to": None,
        "actor": "mik",
        "reason": "the fix",
        "allow": ["downgrade", "diverged", "unknown_commit", "stale_asset"],
        "on_failure": "continue",
    },
    "apps": ["hero_books"],
    "key": "k",
    "plan": "",
    "asked_from": "",
    "until": "",
}
"""As the first version wrote it."""


def test_each_word_allows_its_own_and_nothing_else() -> None:
    every = {"older": OLDER, "hold": (Reason.HOLD,), "failed": (Reason.BLOCKED_BUILD,)}
    for count in range(len(every) + 1):
        for words in itertools.combinations(every, count):
            said = going_past(**dict.fromkeys(words, True))
            assert said == tuple(reason for word in words for reason in every[word])
    assert not set(OLDER) & set(NAMED)


@given(request=ASKED, app=st.sampled_from("abc"))
def test_a_hold_and_a_failure_are_gone_past_only_where_the_app_was_named(request: Request, app: str) -> None:
    allowed = request.allowed_for(app)
    assert set(allowed) <= set(request.allow)
    if app in request.names:
        assert allowed == request.allow
    else:
        assert set(allowed) == set(request.allow) - set(NAMED)


@given(request=ASKED)
def test_an_order_keeps_what_it_goes_past(request: Request) -> None:
    order = Order(request=request, apps=("a",))
    assert decode(Order, encode(order)) == order


def test_an_order_of_the_first_version_is_read() -> None:
    assert encode(decode(Order, OLD_ORDER)) == OLD_ORDER
