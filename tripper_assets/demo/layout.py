"""The frame of every page of the sample sites: head, navigation, footer and the style sheet."""

from collections.abc import Sequence
from html import escape

STYLE = """:root{--ink:#22303a;--soft:#6b7a85;--paper:#fdfbf7;--line:#e6e0d6;--leaf:#3f8f5b}
*{box-sizing:border-box}body{margin:0;font:17px/1.55 Georgia,serif;color:var(--ink);background:var(--paper)}
header,main,footer{max-width:58rem;margin:auto;padding:1rem 1.5rem}header{display:flex;gap:1rem;align-items:center;flex-wrap:wrap}
header strong{font-size:1.3rem}nav a,footer a{margin-right:1rem;color:var(--leaf)}footer{color:var(--soft);border-top:1px solid var(--line)}
.cards{display:grid;grid-template-columns:repeat(auto-fill,minmax(15rem,1fr));gap:1.2rem;padding:0;list-style:none}
.cards li{background:#fff;border:1px solid var(--line);border-radius:.6rem;overflow:hidden}.cards a{display:block;padding:.8rem 1rem;font-weight:bold;text-decoration:none}.cards a:hover{text-decoration:underline}
.cards h2{font-size:1rem;margin:0}.cards p{margin:-.5rem 1rem .9rem;color:var(--soft);font-size:.88rem}
.cards img{width:100%;height:9rem;object-fit:cover;display:block}a{color:var(--leaf)}article img,.show img{display:block;width:100%;height:auto;max-height:24rem;object-fit:cover;border-radius:.6rem}
dt{color:var(--soft);font-size:.9rem}dd{margin:0 0 .6rem}h1{line-height:1.15}.pages a{padding:.4rem .8rem;border:1px solid var(--line)}"""


def page(
    *,
    site: str,
    base: str,
    title: str,
    body: str,
    lang: str,
    description: str = "",
    head: str = "",
    nav: Sequence[tuple[str, str]] = (),
) -> str:
    """Return a whole page; ``base`` is the site's root with a slash at its end."""
    links = "".join(f'<a href="{escape(url)}">{escape(text)}</a>' for url, text in nav)
    meta = f'<meta name="description" content="{escape(description)}">' if description else ""
    return f"""<!doctype html>
<html lang="{lang}"><head><meta charset="utf-8"><title>{escape(title)} | {escape(site)}</title>{meta}
<meta name="viewport" content="width=device-width,initial-scale=1"><link rel="stylesheet" href="{base}style.css">
{head}</head><body>
<header><img src="{base}images/logo.png" alt="{escape(site)}" width="120" height="40"><strong>{escape(site)}</strong><nav>{links}</nav></header>
<main>{body}</main>
<footer><a href="{base}about">About</a><a href="{base}contact">Contact</a><a href="{base}legal">Legal notice</a>
<img src="{base}pixel.png" alt="" width="1" height="1"></footer></body></html>
"""
