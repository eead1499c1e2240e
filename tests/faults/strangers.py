"""Bundle files that somebody may send who means no good, or who has a broken editor. One base, one thing wrong each.

The files below tests/examples/bad show authors' mistakes; these show what nobody writes by accident.
"""

from __future__ import annotations

from collections.abc import Iterator

HEAD = "# yaml-language-server: $schema=../../schema/bundle.schema.json\n"
BASE = (
    HEAD
    + """name: hero_notes
title: Notes
summary: Short texts, found again.
category: tool
repo: hero_notes
targets: [linux-musl-x86_64, linux-gnu-x86_64]
binaries:
  - name: hero_notes_server
    kind: server
    args: [--quiet]
    env:
      - {var: HERO_NOTES_LEVEL, default: info, desc: How much it tells.}
    sockets: [{name: rpc, path: hero_notes/rpc.sock}]
    probe: {kind: http, socket: rpc, path: /health}
"""
)
DEEP, MANY = 5_000, 60_000

WHOLE_FILES: dict[str, bytes] = {
    "empty": b"",
    "only a newline": b"\n",
    "only spaces": b" " * 5_000,
    "only a comment": HEAD.encode(),
    "only nul bytes": b"\0" * 4_096,
    "a nul inside": BASE.replace("Notes", "No\0tes").encode(),
    "not UTF-8": b"\xff\xfe" + BASE.encode("utf-16-le"),
    "UTF-16 with its mark": BASE.encode("utf-16"),
    "UTF-32": BASE.encode("utf-32"),
    "Latin-1": BASE.replace("Notes", "N\u00f6tes").encode("latin-1"),
    "cut inside a character": BASE.replace("Notes", "\u20ac").encode()[:120] + b"\xe2\x82",
    "overlong UTF-8": BASE.encode() + b"\xc0\xaf",
    "a surrogate in UTF-8": BASE.encode() + b"# \xed\xa0\x80\n",
    "a byte order mark": b"\xef\xbb\xbf" + BASE.encode(),
    "too big": BASE.encode() + b"# " + b"x" * 300_000,
    "too big by one line": BASE.encode() + b"#\n" * 140_000,
    "many brackets": b"[" * MANY,
    "many braces": b"{" * MANY,
    "brackets that close": b"[" * DEEP + b"]" * DEEP,
    "deep flow mappings": b"{a: " * DEEP + b"1" + b"}" * DEEP,
    "deep blocks": "".join(f"{' ' * n}a:\n" for n in range(700)).encode(),
    "deep lists": (b"- " * DEEP) + b"x",
    "many question marks": b"? " * DEEP,
    "many keys": "".join(f"k{n}: 1\n" for n in range(MANY // 4)).encode(),
    "many documents": b"---\n" * DEEP,
    "many directives": b"%TAG ! tag:x,2000:\n" * DEEP + b"--- a\n",
    "many quotes": b'"' * MANY,
    "an open quote": BASE.replace("Notes", '"Notes').encode(),
    "an open flow list": BASE.replace("linux-gnu-x86_64]", "linux-gnu-x86_64").encode(),
    "tabs for indentation": BASE.replace("  - name", "\t- name").encode(),
    "carriage returns alone": BASE.replace("\n", "\r").encode(),
    "a program": b"\x7fELF" + bytes(range(256)) * 16,
    "a script": b"#!/bin/sh\nrm -rf /\n",
    "JSON of another kind": b'{"jsonrpc": "2.0", "method": "x", "id": 1}',
    "a number": b"1e999\n",
    "a list": b"- hero_notes\n- hero_books\n",
    "a string": b"hero_notes\n",
    "null": b"null\n",
    "a merge key at the top": b"<<: {name: x}\n",
    "an alias bomb": b"a: &a [x,x,x,x,x,x,x,x,x]\n"
    + b"".join(b"%c: &%c [%s]\n" % (n, n, b",".join([b"*%c" % (n - 1)] * 9)) for n in range(98, 110)),
    "an alias of itself": b"a: &a [*a]\n",
    "a Python object": b"!!python/object/apply:os.system ['true']\n",
    "a Python name": b"!!python/name:os.system ''\n",
    "a binary tag": b"name: !!binary aGVybw==\n",
    "a tag that is a place": b"name: !<tag:yaml.org,2002:str> hero\n",
    "conflict marks": BASE.replace("title:", "<<<<<<< HEAD\ntitle:").encode(),
    "a long line": BASE.replace("Short texts", "S" * 100_000).encode(),
    "a long key": BASE.encode() + b"k" * 100_000 + b": 1\n",
    "a long number": BASE.encode() + b"n: " + b"9" * 100_000 + b"\n",
    "a long exponent": BASE.encode() + b"n: 1e" + b"9" * 1_000 + b"\n",
    "a long comment with an escape": BASE.encode() + b"# \x1b]0;owned\x07\n",
}
"""What is wrong with the whole file."""

CHARACTERS = {
    "an escape": r"\e]0;owned\a",
    "a bell": r"\a",
    "a backspace": r"root\b\b\b\buser",
    "a delete": r"\x7f",
    "C1 control": r"\x9b31m",
    "a nul": r"\0",
    "a carriage return": r"safe\rrm -rf",
    "a vertical tab": r"\v",
    "turned writing": r"\u202egnp.exe",
    "an isolate": r"\u2066x\u2069",
    "a zero width space": r"he\u200bro",
    "a zero width joiner": r"he\u200dro",
    "a soft hyphen": r"he\u00adro",
    "a line separator": r"a\u2028b",
    "a paragraph separator": r"a\u2029b",
    "next line": r"a\Nb",
    "a byte order mark": r"\uFEFFhero",
    "tags of Unicode": r"\U000E0041",
    "a lone surrogate": r"\ud800",
    "beyond Unicode": r"\U00110000",
}
"""What no text may hold, written with the escapes of YAML, so that the file itself looks harmless."""

VALUES = {
    "a name that climbs": ("name: hero_notes", "name: ../../etc/passwd"),
    "a name with a newline": ("name: hero_notes", 'name: "hero_notes\\n"'),
    "a name of the kernel": ("name: hero_notes", "name: ."),
    "a name with a slash": ("name: hero_notes", "name: hero/notes"),
    "a name in capitals": ("name: hero_notes", "name: HERO_NOTES"),
    "a name of letters that look alike": ("name: hero_notes", "name: her\u043e_notes"),
    "a name that is too long": ("name: hero_notes", "name: " + "h" * 5_000),
    "a name that is an option": ("name: hero_notes", "name: --root"),
    "a name that is a number": ("name: hero_notes", "name: 0123"),
    "a name that is true": ("name: hero_notes", "name: true"),
    "a title in HTML": ("title: Notes", "title: {script: alert(1)}"),
    "a binary that climbs": ("hero_notes_server", "../../bin/sh"),
    "a binary that is a path": ("hero_notes_server", "/bin/sh"),
    "a binary with a newline": ("name: hero_notes_server", 'name: "hero_notes_server\\n"'),
    "a binary of no name": ("name: hero_notes_server", 'name: ""'),
    "a binary with a star": ("hero_notes_server", "hero_*"),
    "a binary with a shell in it": ("hero_notes_server", "hero;reboot"),
    "a repository elsewhere": ("repo: hero_notes", "repo: https://evil.example/x"),
    "a repository that climbs": ("repo: hero_notes", "repo: ../../../admin"),
    "a repository with a query": ("repo: hero_notes", "repo: hero_notes?token=1"),
    "a repository with a user": ("repo: hero_notes", "repo: a@b/c"),
    "a repository three deep": ("repo: hero_notes", "repo: a/b/c"),
    "a socket that climbs": ("path: hero_notes/rpc.sock", "path: ../../run/docker.sock"),
    "a socket with a root": ("path: hero_notes/rpc.sock", "path: /var/run/docker.sock"),
    "a socket that is too long": ("path: hero_notes/rpc.sock", "path: " + "a/" * 200 + "rpc.sock"),
    "a socket with a nul": ("path: hero_notes/rpc.sock", 'path: "hero\\0/rpc.sock"'),
    "a port below": ("path: hero_notes/rpc.sock", "port: 0"),
    "a port above": ("path: hero_notes/rpc.sock", "port: 65536"),
    "a port that is huge": ("path: hero_notes/rpc.sock", "port: 1180591620717411303424"),
    "a port in words": ("path: hero_notes/rpc.sock", "port: eighty"),
    "a port that is half": ("path: hero_notes/rpc.sock", "port: 80.5"),
    "a port that is true": ("path: hero_notes/rpc.sock", "port: true"),
    "a port and a path": ("path: hero_notes/rpc.sock", "path: hero_notes/rpc.sock, port: 80"),
    "a probe at another host": ("path: /health", "path: //evil.example/"),
    "a probe with a header in it": ("path: /health", r'path: "/health\r\nX: 1"'),
    "a probe with a space": ("path: /health", "path: /he alth"),
    "a probe of no socket": ("socket: rpc", "socket: web"),
    "a probe that waits for ever": ("path: /health}", "path: /health, ready_within: 1e300}"),
    "a probe that waits backwards": ("path: /health}", "path: /health, ready_within: -1}"),
    "a probe that never was": ("path: /health}", "path: /health, ready_within: .nan}"),
    "a probe without an end": ("path: /health}", "path: /health, ready_within: .inf}"),
    "a probe of another kind": ("kind: http", "kind: icmp"),
    "a variable with an equals sign": ("HERO_NOTES_LEVEL", '"A=B"'),
    "a variable with a nul": ("HERO_NOTES_LEVEL", '"A\\0"'),
    "a variable that is no name": ("HERO_NOTES_LEVEL", "1A"),
    "a variable twice": (
        "    sockets:",
        "      - {var: HERO_NOTES_LEVEL, default: x, desc: Again.}\n    sockets:",
    ),
    "an argument that is a list": ("args: [--quiet]", "args: [[--quiet]]"),
    "an argument that is a number": ("args: [--quiet]", "args: [1]"),
    "an argument with a newline": ("args: [--quiet]", r'args: ["a\nb"]'),
    "very many arguments": ("args: [--quiet]", "args: [" + "a," * 4_000 + "]"),
    "very many targets": ("targets: [", "targets: [" + "linux-musl-x86_64, " * 2_000),
    "a target that climbs": ("linux-musl-x86_64", "../x86_64"),
    "a category in capitals": ("category: tool", "category: TOOL"),
    "a layer of its own": ("category: tool", "category: tool\nlayer: admin"),
    "a role of its own": ("category: tool", "category: tool\nrole: admin"),
    "a forge of its own": ("category: tool", "category: tool\nforges: {default: {url: 'http://evil.example'}}"),
    "a trust of its own": ("category: tool", "category: tool\nrequire: none"),
    "a key twice": ("category: tool", "category: tool\ncategory: tool"),
    "a key twice in other quotes": ("category: tool", "category: tool\n'category': tool"),
    "a key that is a list": ("category: tool", "category: tool\n? [a]\n: b"),
    "a key that is null": ("category: tool", "category: tool\n~: b"),
    "a key of the language": ("category: tool", "category: tool\n__class__: b"),
    "a channel that climbs": ("category: tool", "category: tool\nchannel: ../latest"),
    "a channel that is an option": ("category: tool", "category: tool\nchannel: --help"),
    "a link elsewhere": ("category: tool", "category: tool\nlinks: [{title: X, path: 'https://evil.example'}]"),
    "a link without a scheme": ("category: tool", "category: tool\nlinks: [{title: X, path: //evil.example}]"),
    "a link that runs": ("category: tool", "category: tool\nlinks: [{title: X, path: 'javascript:alert(1)'}]"),
    "an app that needs itself": ("category: tool", "category: tool\nrequires: [{app: hero_notes, need: hard}]"),
    "an app that replaces itself": ("category: tool", "category: tool\nreplaced_by: hero_notes"),
    "a wrapper that climbs": (
        "category: tool",
        "category: tool\nrestart_only: [{name: x, runs: hero_notes_server, wrapper: ../../etc/rc.local}]",
    ),
    "a wrapper elsewhere": (
        "category: tool",
        "category: tool\nrestart_only: [{name: x, runs: hero_notes_server, wrapper: /etc/rc.local}]",
    ),
    "a service that runs nothing of ours": (
        "category: tool",
        "category: tool\nrestart_only: [{name: x, runs: bash}]",
    ),
    "a service with a section in it": ("category: tool", 'category: tool\nrestart_only: [{name: "x]\\n[program:y"}]'),
    "no binaries": ("kind: server", "kind: nothing"),
    "an asset that climbs": ("kind: server", "kind: server\n    asset: ../../{name}"),
    "an asset of format strings": ("kind: server", 'kind: server\n    asset: "{name.__class__}-{target}"'),
    "a member that climbs": ("kind: server", "kind: server\n    member: ../../x"),
    "a member with a root": ("kind: server", "kind: server\n    member: /x"),
}
"""What is wrong with one value: the text of the base that is replaced, and by what."""


def files() -> Iterator[tuple[str, bytes]]:
    """Every file by the name of what is wrong with it; none of them may become a bundle."""
    yield from WHOLE_FILES.items()
    for name, escape in CHARACTERS.items():
        for key, old in (("title", "Notes"), ("name", "hero_notes_server")):
            quoted = BASE.replace(f"{key}: {old}", f'{key}: "{old}{escape}"', 1)
            yield f"{name} in a {key}", quoted.encode()
    for name, (old, new) in VALUES.items():
        assert old in BASE, name
        yield name, BASE.replace(old, new, 1).encode()
