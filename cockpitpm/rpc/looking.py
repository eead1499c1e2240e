"""The methods that look: catalog, services, receipts, history, logs."""

from __future__ import annotations

from typing import Any

from cockpitpm.app import explain, listing, records, services, verify
from cockpitpm.app.engine import View
from cockpitpm.app.names import apps_of
from cockpitpm.rpc import faults
from cockpitpm.rpc.envelope import spelled
from cockpitpm.rpc.method import Asker, Example, Method, Param, Params
from cockpitpm.rpc.schemas import COUNT, NAME, NUMBER, SHA256, YES_NO, maybe, record, ref, several, text
from cockpitpm.rpc.words import ONE_OR_ALL, SERVICE, Json

LIST_CATALOG, LIST_SERVICES = "cockpit.list_catalog", "cockpit.list_services"
UNREADABLE = (faults.MACHINE, faults.BUNDLE, faults.STORE)
NAMED = (*UNREADABLE, faults.UNKNOWN_NAME)


def _names(params: Params) -> tuple[str, ...]:
    return (params["service"],) if "service" in params else ()


def _catalog(asker: Asker, _params: Params) -> bytes:
    view = asker.engine.view()
    return _kept(asker, LIST_CATALOG, view) or asker.kept.put(
        LIST_CATALOG, view.number, spelled(listing.catalog_list(view))
    )


def _services(asker: Asker, _params: Params) -> bytes:
    view = asker.engine.view()
    return _kept(asker, LIST_SERVICES, view) or asker.kept.put(
        LIST_SERVICES, view.number, spelled(listing.service_list(asker.host, view))
    )


def _kept(asker: Asker, name: str, view: View | None) -> bytes | None:
    return asker.kept.get(name, view.number) if view else None


def _receipts(asker: Asker, params: Params) -> Any:
    return records.receipts(asker.host, _names(params), params.get("every", False))


def _history(asker: Asker, params: Params) -> Any:
    return records.history_json(records.history(asker.host, _names(params))[: params.get("limit", 100)])


def _logs(asker: Asker, params: Params) -> Any:
    found = services.logs(asker.host, params["service"], params.get("lines", 20))
    return {"logs": [{"service": name, "lines": written.splitlines()} for name, written in found.items()]}


def _verify(asker: Asker, params: Params) -> Any:
    return verify.to_json(verify.verify(asker.host, _names(params)))


def _explain(asker: Asker, params: Params) -> Any:
    return explain.to_json(explain.explain(asker.host, params["service"]))


def _refresh(asker: Asker, params: Params) -> Json:
    from cockpitpm.app.refresh import refresh

    host = asker.host
    missed = refresh(host, apps_of(host, _names(params)))
    return {"unavailable": [{"app": app, "message": why.message, "hint": why.hint} for app, why in missed.items()]}


EXPLAINED = record(
    "The app that a name leads to, and which line of its file says what.",
    **{"name": NAME, "is": several(text()), "app": record("", name=NAME), "services": several(record("", name=NAME))},
    assets={"type": "object"},
    channel=record("", app=NAME, channel=text(), decided_by=text()),
    values=several({"type": "object"}),
)
CHECKED = record(
    "",
    app=text("Empty for the history."),
    kind=text(),
    path=text(),
    verdict={"type": "string", "enum": [one.value for one in verify.Verdict]},
    sha256=text(),
    told=text(),
    next_step=text(),
)

METHODS = (
    Method(
        name=LIST_CATALOG,
        summary="The apps that this machine's role may have, and which of them are installed.",
        result=record("", role=text(), digest=SHA256, apps=several(ref("CatalogApp"))),
        answer=_catalog,
        quick=lambda asker: _kept(asker, LIST_CATALOG, asker.engine.seen()),
        errors=UNREADABLE,
    ),
    Method(
        name=LIST_SERVICES,
        summary="A row for each service of each installed app: state, build, channel and the four truths.",
        result=several(ref("Service")),
        answer=_services,
        quick=lambda asker: _kept(asker, LIST_SERVICES, asker.engine.seen()),
        errors=UNREADABLE,
    ),
    Method(
        name="cockpit.explain",
        summary="Where a name leads: the app, what the name is in it, and which line of its file says what.",
        params=(SERVICE,),
        result=EXPLAINED,
        answer=_explain,
        errors=(*NAMED, faults.PLAN),
        examples=(Example(name="a service", params={"service": "hero_books_web"}),),
    ),
    Method(
        name="cockpit.receipts",
        summary="The receipts in force: what was really installed, and when.",
        params=(
            ONE_OR_ALL,
            Param(name="every", summary="Those of all kept generations.", schema={**YES_NO, "default": False}),
        ),
        result=record("", receipts=several(ref("Receipt"))),
        answer=_receipts,
        errors=NAMED,
        examples=(Example(name="one app", params={"service": "hero_db"}),),
    ),
    Method(
        name="cockpit.history",
        summary="What happened on this machine, newest first; the whole chain is checked.",
        params=(
            ONE_OR_ALL,
            Param(
                name="limit", summary="The newest so many lines.", schema={**NUMBER, "maximum": 10_000, "default": 100}
            ),
        ),
        result=record("", history=several(ref("Activation"))),
        answer=_history,
        errors=NAMED,
        examples=(Example(name="the last line", params={"limit": 1}),),
    ),
    Method(
        name="cockpit.logs",
        summary="The last lines that a service wrote, or every service of an app.",
        params=(
            SERVICE,
            Param(
                name="lines", summary="How many of each service.", schema={**NUMBER, "maximum": 10_000, "default": 20}
            ),
        ),
        result=record("", logs=several(record("", service=NAME, lines=several(text())))),
        answer=_logs,
        errors=(*NAMED, faults.PLAN, faults.SUPERVISOR),
        examples=(Example(name="one service", params={"service": "hero_db_server", "lines": 5}),),
    ),
    Method(
        name="cockpit.verify",
        summary="Hash every installed binary again, and check every record and the chain of the history.",
        params=(ONE_OR_ALL,),
        result=record("", differs=COUNT, files=several(CHECKED)),
        answer=_verify,
        errors=(*NAMED, faults.PLAN),
        examples=(Example(name="one app", params={"service": "hero_db"}),),
    ),
    Method(
        name="cockpit.refresh",
        summary="Read the channels of installed apps anew. Nothing is downloaded and nothing restarts.",
        params=(ONE_OR_ALL,),
        result=record("", unavailable=several(record("", app=NAME, message=text(), hint=maybe(text())))),
        answer=_refresh,
        errors=(*NAMED, faults.LOCKED),
        examples=(Example(name="every app"),),
    ),
)
