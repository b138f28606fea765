"""Documents made to be slow, large or broken: each is read within seconds and a bounded memory, and says in a word what was left out."""

import ctypes
import gc
import json
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from tripper_assets.domain.activities import Extraction
from tripper_assets.extract import extract_activities
from tripper_assets_tests.extract.conftest import NOW
from tripper_assets_tests.waiting import AT_ONCE

MOST_MEGABYTES = 400
BODY = "<html><body>"
EVENT = '{"@type":"Event","name":"Story time","startDate":"2026-05-12T10:00"'
EXCEPTED = "\r\nEXDATE:20260502T100000"
Make = Callable[[], str | bytes]


def block(text: str) -> str:
    return f'{BODY}<script type="application/ld+json">{text}</script><h1>x</h1>'


def ring(count: int) -> str:
    nodes = (
        f'{{"@id":"#{one}","@type":"Event","name":"Event number {one}","startDate":"2026-05-12",'
        f'"subEvent":{{"@id":"#{(one + 1) % count}"}},"superEvent":{{"@id":"#{(one - 1) % count}"}}}}'
        for one in range(count)
    )
    return f'{{"@graph":[{",".join(nodes)}]}}'


def calendar(rule: str, start: str = "20260501T100000", count: int = 50) -> str:
    events = (
        f"BEGIN:VEVENT\r\nUID:{one}\r\nSUMMARY:Event {one}\r\nDTSTART:{start}\r\n{rule}\r\nEND:VEVENT\r\n"
        for one in range(count)
    )
    return f"BEGIN:VCALENDAR\r\n{''.join(events)}END:VCALENDAR\r\n"


def shared_rows() -> str:
    """Return a flattened table of a kilobyte, of which each list holds the next one fifty times."""
    table: list[object] = [{"title": 1, "start": 2, "location": 1, "description": 3}, "Foo bar", "2026-06-01T10:00:00"]
    for level in range(3, 13, 2):
        table += [[level + 1] * 50, {"name": level + 2}]
    return f'<html><script type="application/json" id="__NUXT_DATA__">{json.dumps([*table, None])}</script>'


def flight(rows: int) -> str:
    """Return a stream of rows that all refer to one that is large."""
    stream = "0:[" + ",".join(["{}"] * rows) + "]\n" + "".join(f'{one:x}:["$0"]\n' for one in range(1, rows))
    return f"<html><script>self.__next_f.push([1,{json.dumps(stream)}])</script><p>event startDate"


def same_names(count: int) -> str:
    """Return one activity at many starts."""
    return block(
        json.dumps(
            [
                {
                    "@type": "Event",
                    "name": "Open day",
                    "startDate": f"2026-{1 + one // 28 % 12:02}-{1 + one % 28:02}T{one % 24:02}:00",
                }
                for one in range(count)
            ]
        )
    )


CUT: dict[str, tuple[str, Make]] = {
    "a tag with a million attributes": (
        "too_many_attributes",
        lambda: f"{BODY}<div {' '.join(f'a{one}' for one in range(1_000_000))}>x</div>",
    ),
    "quoted attributes": (
        "too_many_attributes",
        lambda: f'{BODY}<div x=">" {" ".join(f"a{one}={one}" for one in range(500_000))}>x</div>',
    ),
    "hundreds of tags with thousands of attributes": (
        "too_many_attributes",
        lambda: BODY + f"<div {' '.join(f'a{one}' for one in range(4_000))}>x</div>" * 200,
    ),
    "list items without end": ("too_many_tags", lambda: f"{BODY}<ul>" + "<li>" * 2_000_000),
    "cells without end": ("too_many_tags", lambda: f"{BODY}<table>" + "<tr><td>May 5, 2026<td>Story time" * 200_000),
    "100,000 nested elements": ("too_deep", lambda: BODY + "<div>" * 100_000),
    "100,000 nested tables": ("too_deep", lambda: BODY + "<table><tr><td>" * 100_000),
    "misnested formatting": ("too_deep", lambda: BODY + "<b><i><p>" * 60_000),
    "a million links": ("links_cut", lambda: BODY + "".join(f"<a href=/{one}>{one}</a>" for one in range(150_000))),
    "a list that goes on without end": (
        "links_cut",
        lambda: BODY + "".join(f"<a rel=next href=?page={one}>Next</a>" for one in range(100_000)),
    ),
    "brackets 5,000 deep": ("jsonld_broken", lambda: block("[" * 5_000 + "]" * 5_000)),
    "objects a million deep": ("jsonld_broken", lambda: block('{"a":' * 1_000_000)),
    "commas without end": ("jsonld_broken", lambda: block(f"[{',' * 9_000_000}]")),
    "a string without end": ("jsonld_broken", lambda: f"<html><script type=application/ld+json>{EVENT},'d':'{'x' * 9_000_000}"),
    "comments without end": ("jsonld_broken", lambda: block("/*" * 4_000_000)),
    "100,000 broken blocks": ("jsonld_broken", lambda: BODY + "<script type=application/ld+json>{</script>" * 100_000),
    "a block of 50,000 events": (
        "too_many_activities",
        lambda: block(f"[{','.join(EVENT.replace('Story', f'Story {one}') + '}' for one in range(50_000))}]"),
    ),
    "JSON a million deep": ("json_broken", lambda: "[" * 1_000_000),
    "days that never come": ("calendar_rules_left_out", lambda: calendar("RRULE:FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30")),
    "weeks that never come": ("calendar_rules_left_out", lambda: calendar("RRULE:FREQ=YEARLY;BYWEEKNO=53;BYMONTH=6")),
    "rules from the year 1": (
        "calendar_rules_left_out",
        lambda: calendar("RRULE:FREQ=DAILY;BYMONTH=5", "00010101T100000"),
    ),
    "a text in place of a page": ("not_a_document", lambda: b"\x28\xb5\x2f\xfd" + bytes(1_000_000)),
}  # fmt: skip
WHOLE: dict[str, Make] = {
    "a comment without end": lambda: f"{BODY}<!--{'-' * 10_000_000}",
    "one line of 20 MB": lambda: f"{BODY}<p>{'May 5 2026 10am ' * 1_250_000}</p>",
    "digits": lambda: f"{BODY}<p>{'1' * 10_000_000}</p>",
    "numbers": lambda: f"{BODY}<p>{'1,' * 5_000_000}</p>",
    "times": lambda: f"{BODY}<p>{'1:' * 5_000_000}</p>",
    "ranges": lambda: f"{BODY}<p>{'May 1-' * 1_500_000}</p>",
    "weekdays": lambda: f"{BODY}<p>{'Monday ' * 1_400_000}</p>",
    "recurrences": lambda: f"{BODY}<p>{'every 1st and ' * 700_000}</p>",
    "prices": lambda: f"{BODY}<p>{'£1,' * 3_000_000}</p>",
    "ages": lambda: f"{BODY}<p>{'ages 3-' * 1_400_000}</p>",
    "spaces": lambda: f"{BODY}<p>{' ' * 10_000_000}</p>",
    "entities": lambda: f"{BODY}<p>{'&nbsp;&amp;' * 1_000_000}</p>",
    "styles": lambda: f"<html><style>{'a{}' * 3_000_000}</style>",
    "state without end": lambda: '<html><script id=__NEXT_DATA__ type="application/json">' + '{"a":[' * 200_000,
    "functions without end": lambda: "<html><script>window.__NUXT__=" + "(function(a){return " * 100_000,
    "bytes that are no text": lambda: b"<html><body>" + b"\xff\xfe\xc3(" * 2_000_000,
    "zeros": lambda: b"<html><body>" + bytes(10_000_000),
    "the wrong encoding": lambda: ("<html><meta charset=utf-8><body>" + "<p>May 5 2026 Story time" * 20_000).encode("utf-16"),
    "100,000 meta elements": lambda: "<html><head>" + "".join(f"<meta name=n{one} content=c>" for one in range(100_000)),
    "100,000 canonical links": lambda: "<html><head>" + "".join(f"<link rel=canonical href=/{one}>" for one in range(100_000)),
    "items that refer in circles": lambda: BODY + "".join(
        f'<div id=r{one} itemscope itemtype=https://schema.org/Event itemref="r{(one + 1) % 5_000}"><i itemprop=name>n{one}</i></div>'
        for one in range(5_000)
    ),
    "one item of 20,000 references": lambda: (
        f'{BODY}<div itemscope itemtype=https://schema.org/Event itemref="{" ".join(f"r{one}" for one in range(20_000))}"></div>'
        + "".join(f"<p id=r{one} itemprop=name>n{one}</p>" for one in range(20_000))
    ),
    "rows that hold one another": shared_rows,
    "rows that all refer to a large one": lambda: flight(3_000),
    "2,000 starts of one name": lambda: same_names(2_000),
    "lists within lists": lambda: f"<html><script>startDate; var events = {'[{events: ' * 500}{'1,' * 50_000}",
    "nested names of 20,000 values": lambda: f"{BODY}<div class=h-event>{'<p class=p-name>' * 1_800}{'<i class=value>x</i>' * 20_000}",
    "a calendar of 20,000 events": lambda: calendar("CLASS:PUBLIC", count=20_000),
    "a calendar of 10,000 broken events": lambda: calendar("DTEND:2026", start="2026", count=10_000),
    "a calendar folded without end": lambda: "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nSUMMARY:x" + "\r\n y" * 2_000_000,
    "a calendar without an end": lambda: "BEGIN:VCALENDAR\r\n" + "BEGIN:VEVENT\r\n" * 100_000,
    "33,000 excepted days": lambda: calendar(f"RRULE:FREQ=DAILY{EXCEPTED * 33_000}", count=1),
    "a feed of 200,000 entries": lambda: "<rss><channel>" + "<item><link>http://e.org/x</link></item>" * 200_000,
}  # fmt: skip
EVENTS: dict[str, str] = {
    "NaN and Infinity": EVENT + ',"offers":{"price":NaN},"x":-Infinity}',
    "a number of 5,000 digits": EVENT + f',"offers":{{"price":{"9" * 5_000}}}}}',
    "a number in quotes of 5,000 digits": EVENT
    + f',"offers":{{"price":"{"9" * 5_000}"}},"location":{{"latitude":"{"1" * 5_000}"}}}}',
    "the same key twice": EVENT + ',"name":"Story time"}',
    "control characters": EVENT.replace("Story time", "Story\x01 time") + "}",
    "a lone surrogate": EVENT.replace("Story time", "\\ud800Story time") + "}",
    "a trailing comma": EVENT + ",}",
    "quotes without end": EVENT + f',"description":"{chr(92)}"{chr(92) * 2_000_000}"}}',
    "itself as its part": EVENT + ',"@id":"#1","subEvent":{"@id":"#1"}}',
}


def _memory(line: str) -> float:
    status = Path("/proc/self/status").read_text()
    return int(status.partition(f"{line}:")[2].split()[0]) / 1024


def read(document: str | bytes) -> Extraction:
    """Read a document with its time and its memory measured."""
    body = document if isinstance(document, bytes) else document.encode()
    kind = "text/calendar" if body.startswith(b"BEGIN") else "application/json" if body[:1] in b"[{" else "text/html"
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5")
    before, started = _memory("VmRSS"), time.process_time()
    found = extract_activities(body, url="https://town.example/x", content_type=kind, now=NOW)
    assert time.process_time() - started < AT_ONCE
    assert _memory("VmHWM") - before < MOST_MEGABYTES
    assert len(found.problems) < 100
    return found


SLOW = frozenset({
    "list items without end", "cells without end", "a million links", "a list that goes on without end", "100,000 broken blocks",
    "days that never come", "rules from the year 1", "a calendar of 20,000 events", "a calendar without an end",
    "a calendar of 10,000 broken events", "a calendar folded without end", "33,000 excepted days",
})  # fmt: skip
"""Documents that take seconds each; the short run has quicker ones of each of their kinds."""


def _slow_ones_marked(documents: Iterable[str]) -> list[Any]:
    return [pytest.param(how, marks=pytest.mark.long if how in SLOW else ()) for how in documents]


@pytest.mark.parametrize("how", _slow_ones_marked(CUT))
def test_what_was_left_out_of_a_document_is_said(how: str) -> None:
    code, make = CUT[how]

    assert code in {problem.code for problem in read(make()).problems}


@pytest.mark.parametrize("how", _slow_ones_marked(WHOLE))
def test_a_document_without_sense_is_read_in_no_time(how: str) -> None:
    read(WHOLE[how]())


@pytest.mark.parametrize("how", EVENTS)
def test_an_event_with_one_broken_value_is_still_one(how: str) -> None:
    assert [one.name for one in read(block(EVENTS[how])).activities] == ["Story time"]


def test_events_that_refer_in_circles_are_each_read() -> None:
    assert len({one.name for one in read(block(ring(500))).activities}) == 500


def test_what_stands_before_a_cut_is_read() -> None:
    found = read(block(f"{EVENT}}}") + "<div>" * 100_000)

    assert [one.name for one in found.activities] == ["Story time"]


def test_a_long_attribute_is_no_tag_of_many_attributes() -> None:
    picture = f'<img alt="{"a b " * 20_000}" src="data:image/png;base64,{"A" * 200_000}">'

    assert read(block(f"{EVENT}}}") + picture).problems == []


def test_each_slow_document_is_one_that_is_read() -> None:
    assert {*CUT, *WHOLE} >= SLOW
