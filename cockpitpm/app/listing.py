"""The catalog and the services of a machine as lists for other programs: an entry for each app, a row a service."""

from __future__ import annotations

from typing import Any

from cockpitpm.app import status
from cockpitpm.app.engine import View
from cockpitpm.app.host import Host
from cockpitpm.decide.pages import page_of
from cockpitpm.declare.shape import bundle_json
from cockpitpm.model.bundle import Bundle
from cockpitpm.model.status import AppReport, ChannelTruth, FileTruth, Note

Json = dict[str, Any]
DECLARED = ("title", "summary", "category", "layer", "repo", "forge", "targets", "links")


def catalog_list(view: View) -> Json:
    """`{role, digest, apps: [{app, title, ..., installed, partial, channel, notes}]}`, sorted by name."""
    reports = {report.name: report for report in view.report.apps}
    told = _told(view)
    apps = [_entry(bundle, reports[bundle.name], told[bundle.name]) for bundle in view.catalog.bundles]
    return {"role": view.catalog.role.value, "digest": view.catalog.digest, "apps": apps}


def _told(view: View) -> dict[str, Json]:
    return {app["name"]: app for app in status.to_json(view.report)["apps"]}


def _entry(bundle: Bundle, report: AppReport, told: Json) -> Json:
    declared = bundle_json(bundle)
    return {
        "app": bundle.name,
        **{key: declared[key] for key in DECLARED},
        "binaries": [one.name for one in bundle.binaries],
        "restart_only": [one.name for one in bundle.restart_only],
        "services": [one.name for one in bundle.services],
        "requires": [one.app for one in bundle.requires if one.hard],
        "installed": told["installed"],
        "partial": bool(report.gone or report.missing) or any(s.file is FileTruth.MISSING for s in report.services),
        "generation": told["generation"],
        "channel": told["channel"],
        "notes": told["notes"],
    }


def service_list(host: Host, view: View) -> list[Json]:
    """A row for each service of each installed app: what it is, what runs, what is recorded, what is published."""
    installed, told = host.facts().installed, _told(view)
    return [
        row
        for report in view.report.apps
        if (bundle := installed.get(report.name))
        for row in _rows(bundle, report, told[report.name])
    ]


def _rows(bundle: Bundle, report: AppReport, told: Json) -> list[Json]:
    kinds = {one.name: one.kind.value for one in bundle.binaries}
    pages = {one.name: page_of(one) for one in bundle.services}
    runs = {one.name: one.binary for one in bundle.services}
    held = any(remark.note is Note.HELD for remark in report.remarks)
    return [
        {
            "name": one.name,
            "app": report.name,
            "kind": kinds.get(runs.get(one.name) or ""),
            "binary": runs.get(one.name),
            "url": pages.get(one.name),
            "channel": report.channel,
            "generation": report.generation,
            "held": held,
            "update_available": one.channel is ChannelTruth.BEHIND,
            **{key: value for key, value in row.items() if key != "name"},
        }
        for one, row in zip(report.services, told["services"], strict=True)
    ]
