"""Configuration of the usual routers, by the same law. Pure text.

They ask nobody who they are: they belong behind something that does, or on a port that only its own user reaches.
What a guest claims to be (X-Hero-*, X-Forwarded-*) goes no further than here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping

from attrs import frozen

from cockpitpm.errors import MachineError, UsageError
from cockpitpm.router.entrance import HOME
from cockpitpm.router.law import Door, door_of

CLAIMS = (
    *("X-Hero-User", "X-Hero-Context", "X-Hero-Claims"),
    *("Forwarded", "X-Real-IP", "X-Forwarded-Port", "X-Forwarded-Server"),
    *("X-Forwarded-User", "X-Forwarded-Groups", "X-Forwarded-Email", "X-Forwarded-Preferred-Username"),
)
"""What services believe; nginx can only take away fields by name."""
_PLAIN = re.compile(r"[^\x00-\x1f\x7f\"'\\{}$;#]+")
_HOST = re.compile(r"[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\]")


@frozen(kw_only=True)
class Listen:
    """Where the router listens: a name or an address (IPv6 in brackets), and a port."""

    host: str
    port: int


def listen_at(text: str) -> Listen:
    """`127.0.0.1:9988` as a value. Raises UsageError."""
    host, _, port = text.rpartition(":")
    if not _HOST.fullmatch(host) or not re.fullmatch(r"[0-9]{1,5}", port) or not 0 < int(port) < 65536:
        raise UsageError(f"{text!r} is no place to listen", "Say an address and a port, such as 127.0.0.1:9988")
    return Listen(host=host, port=int(port))


def doors(sockets: Iterable[str]) -> tuple[Door, ...]:
    """The doors of all sockets that have one, in the order of their prefixes."""
    found = {door_of(socket) for socket in sockets}
    return tuple(sorted((door for door in found if door), key=lambda door: door.prefix))


def render(kind: str, listen: Listen, socket_root: str, sockets: Iterable[str]) -> str:
    """The configuration for `kind`, which is a key of `KINDS`. Raises MachineError for a root no file can name."""
    if not _PLAIN.fullmatch(socket_root):
        hint = "Set socket_root in machine.yaml to a path without quotes, braces, backslash, $, ; and #"
        raise MachineError(f"The socket root {socket_root!r} cannot be written into a configuration", hint)
    return KINDS[kind](listen, socket_root, doors(sockets))


def nginx(listen: Listen, socket_root: str, found: tuple[Door, ...]) -> str:
    """For the `http` block: a file in `/etc/nginx/conf.d`. Its workers must be the user who owns the sockets."""
    upstreams = [f'upstream {_upstream(door)} {{ server "unix:{socket_root}/{door.socket}"; }}' for door in found]
    return _NGINX.format(
        upstreams="\n".join(upstreams),
        listen=f"{listen.host}:{listen.port}",
        claims="\n".join(f'    proxy_set_header {name} "";' for name in CLAIMS),
        home=f"    location = / {{ return 303 {HOME}; }}\n" if _has_home(found) else "",
        doors="\n".join(_nginx_door(door) for door in found),
    )


_NGINX = """\
# For the http block of nginx. Written by `cockpitpm router config --for nginx`; write it again when apps come or go.
# It asks nobody who they are, and its workers must be the user who owns the sockets.

map $http_upgrade $cockpitpm_connection {{ default upgrade; "" ""; }}

{upstreams}

server {{
    listen {listen};
    absolute_redirect off;
    client_max_body_size 0;

    # Events and uploads pass in pieces, as they come. A stream may be silent for as long as the read timeout.
    proxy_http_version 1.1;
    proxy_buffering off;
    proxy_request_buffering off;
    proxy_connect_timeout 5s;
    proxy_send_timeout 60s;
    proxy_read_timeout 300s;
    proxy_next_upstream off;

    # What a guest claims to be goes no further than here.
{claims}
    proxy_set_header Host $http_host;
    proxy_set_header Upgrade $http_upgrade;
    proxy_set_header Connection $cockpitpm_connection;
    proxy_set_header X-Forwarded-For $remote_addr;
    proxy_set_header X-Forwarded-Host $http_host;
    proxy_set_header X-Forwarded-Proto $scheme;
    proxy_set_header X-Forwarded-Prefix $cockpitpm_prefix;

{home}{doors}
    location / {{ return 404; }}
}}
"""


def _nginx_door(door: Door) -> str:
    prefix, to = door.prefix, f"set $cockpitpm_prefix {door.prefix}; proxy_pass http://{_upstream(door)}"
    bare = f"{to}/rpc;" if door.word == "rpc" else f"return 308 {prefix}/;"
    return f"    location = {prefix} {{ {bare} }}\n    location {prefix}/ {{ {to}/; }}"


def _upstream(door: Door) -> str:
    return f"cockpitpm_{door.service}.{door.word}"


def _has_home(found: tuple[Door, ...]) -> bool:
    return any(f"{door.prefix}/" == HOME for door in found)


def caddy(listen: Listen, socket_root: str, found: tuple[Door, ...]) -> str:
    """A Caddyfile, or a file to import into one. It must run as the user who owns the sockets."""
    return _CADDY.format(
        port=listen.port,
        host=listen.host.strip("[]"),
        home=f"\tredir / {HOME} 303\n" if _has_home(found) else "",
        doors="\n".join(_caddy_door(door, socket_root) for door in found),
    )


_CADDY = """\
# A Caddyfile. Written by `cockpitpm router config --for caddy`; write it again when apps come or go.
# It asks nobody who they are, and must run as the user who owns the sockets.

(cockpitpm_door) {{
	# What a guest claims to be goes no further than here.
	request_header -X-Hero-*
	request_header -X_Hero_*
	request_header -X-Forwarded-*
	request_header -X_Forwarded_*
	request_header -Forwarded
	request_header -X-Real-IP
	reverse_proxy unix/{{args.0}} {{
		header_up X-Forwarded-Prefix {{args.1}}
		# Events pass as they come, other streams soon. (With -1, a service would not learn that a guest left.)
		flush_interval 50ms
		# Only the beginning of an answer has a deadline.
		transport http {{
			dial_timeout 5s
			response_header_timeout 60s
		}}
	}}
}}

http://:{port} {{
	bind {host}
{home}{doors}
	handle {{
		error 404
	}}
}}
"""


def _caddy_door(door: Door, socket_root: str) -> str:
    prefix = door.prefix
    to = f'import cockpitpm_door "{socket_root}/{door.socket}" {prefix}'
    bare = (
        f"\thandle {prefix} {{\n\t\trewrite * /rpc\n\t\t{to}\n\t}}"
        if door.word == "rpc"
        else f"\tredir {prefix} {prefix}/ 308"
    )
    return f"{bare}\n\thandle_path {prefix}/* {{\n\t\t{to}\n\t}}"


KINDS: Mapping[str, Callable[[Listen, str, tuple[Door, ...]], str]] = {"caddy": caddy, "nginx": nginx}
"""The routers for which there is a text."""
