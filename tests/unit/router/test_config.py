"""The texts for other routers: whole, pure, and refused where they could be misread."""

from __future__ import annotations

import pytest

from cockpitpm.errors import MachineError, UsageError
from cockpitpm.router.config import KINDS, Listen, doors, listen_at, render
from tests.unit.cli.conftest import Cli

SOCKETS = ("hero_db/resp.sock", "hero_cockpit/web.sock", "hero_cockpit/rpc.sock", "hero_books/web_reader.sock")
HERE = Listen(host="127.0.0.1", port=9988)


def test_nginx() -> None:
    text = render("nginx", HERE, "/hero/var/sockets", SOCKETS)
    for line in (
        'upstream cockpitpm_hero_cockpit.web { server "unix:/hero/var/sockets/hero_cockpit/web.sock"; }',
        "    listen 127.0.0.1:9988;",
        "    proxy_buffering off;",
        "    location = / { return 303 /hero_cockpit/web/; }",
        "    location = /hero_cockpit/web { return 308 /hero_cockpit/web/; }",
        "    location /hero_cockpit/web/ { set $cockpitpm_prefix /hero_cockpit/web; "
        "proxy_pass http://cockpitpm_hero_cockpit.web/; }",
        "    location = /hero_cockpit/rpc { set $cockpitpm_prefix /hero_cockpit/rpc; "
        "proxy_pass http://cockpitpm_hero_cockpit.rpc/rpc; }",
        "    proxy_set_header X-Forwarded-Prefix $cockpitpm_prefix;",
        '    proxy_set_header X-Hero-User "";',
        "    location / { return 404; }",
    ):
        assert line in text.splitlines()
    assert "hero_db" not in text
    assert text.count("{") == text.count("}")


def test_caddy() -> None:
    text = render("caddy", Listen(host="[::1]", port=80), "/hero/var/sockets", SOCKETS)
    for line in (
        "http://:80 {",
        "\tbind ::1",
        "\tredir / /hero_cockpit/web/ 303",
        "\thandle_path /hero_cockpit/web/* {",
        '\t\timport cockpitpm_door "/hero/var/sockets/hero_cockpit/web.sock" /hero_cockpit/web',
        "\thandle_path /hero_books/reader/* {",
        "\t\tflush_interval 50ms",
        "\trequest_header -X-Hero-*",
        "\t\terror 404",
    ):
        assert line in text.splitlines()
    assert "hero_db" not in text
    assert text.count("{") == text.count("}")


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_the_text_follows_from_its_values(kind: str) -> None:
    text = render(kind, HERE, "/hero/var/sockets", SOCKETS)
    assert text == render(kind, HERE, "/hero/var/sockets", reversed(SOCKETS))
    assert text == render(kind, HERE, "/hero/var/sockets", SOCKETS * 2)
    bare = render(kind, HERE, "/hero/var/sockets", ())
    assert "hero_" not in bare and "404" in bare


@pytest.mark.parametrize("kind", sorted(KINDS))
@pytest.mark.parametrize("root", ['/a"; include /etc/passwd; "', "/a\nb", "/a{b", "/a}b", "/$a", "/a\\", "/a;b", ""])
def test_a_root_that_could_be_misread_is_refused(kind: str, root: str) -> None:
    with pytest.raises(MachineError, match="cannot be written into a configuration"):
        render(kind, HERE, root, SOCKETS)


def test_doors_are_in_order() -> None:
    assert [d.prefix for d in doors(SOCKETS)] == ["/hero_books/reader", "/hero_cockpit/rpc", "/hero_cockpit/web"]


@pytest.mark.parametrize("text", ["127.0.0.1:9988", "localhost:1", "[::1]:65535"])
def test_places_to_listen(text: str) -> None:
    found = listen_at(text)
    assert f"{found.host}:{found.port}" == text


@pytest.mark.parametrize("text", ["", "9988", "127.0.0.1", "127.0.0.1:0", "a:65536", "a b:1", "a:1;b", "::1:80", "a:٣"])
def test_no_place_to_listen(text: str) -> None:
    with pytest.raises(UsageError, match="no place to listen"):
        listen_at(text)


def test_the_command_names_what_the_role_sees(cli: Cli) -> None:
    tester = cli("router", "config", "--for", "nginx")
    assert tester.code == 0 and "/hero_books/web/" in tester.out
    assert "deployer" not in tester.out and "compute" not in tester.out
    admin = cli("router", "config", "--for", "caddy", "--listen", "127.0.0.1:7", COCKPIT_MACHINE_ROLE="admin")
    assert "http://:7 {" in admin.out and "handle_path /hero_tfgrid_deployer/admin/* {" in admin.out
    assert cli("router", "config", "--for", "nginx", "--json").json["config"] == tester.out


def test_the_command_tells_what_is_wrong(cli: Cli) -> None:
    wrong = cli("router", "config", "--for", "nginx", "--listen", "nowhere")
    assert (wrong.code, wrong.err) == (
        2,
        "cockpitpm: 'nowhere' is no place to listen. Say an address and a port, such as 127.0.0.1:9988.\n",
    )
