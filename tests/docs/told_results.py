"""What docs/formats.md says of the results.json of each tool."""

import re
from collections.abc import Iterable

from pointvos.core.run_facts import RunFacts
from tests.docs.code_blocks import CHECKOUT

PAGE = (CHECKOUT / "docs" / "formats.md").read_text(encoding="utf-8")
ALWAYS = set(RunFacts(None).as_dict())


def told_rows() -> dict[str, tuple[set[str], set[str]]]:
    """Tool -> the keys of its results.json, and those of the elements in brackets."""
    table = PAGE.partition("\n| tool | keys |\n")[2].partition("\n\n")[0]
    found = {}
    for tool, told in re.findall(r"^\| (.*?) \| (.*) \|$", table, re.M):
        inner = "".join(re.findall(r"\(each (.*?)\)", told))
        outer = re.sub(r"\(.*?\)", "", told.partition("; beside it")[0])
        found[tool] = set(re.findall(r"`(\w+)`", outer)), set(re.findall(r"`(\w+)`", inner))
    return found


def check_results(tool: str, results: dict, of: Iterable[str] = ()) -> None:
    """Compare a results.json with the row of a tool, and its lists `of` with the brackets."""
    outer, inner = told_rows()[tool]
    assert set(results) - ALWAYS == outer, tool
    for name in of:
        assert all(set(one) == inner for one in results[name]), f"{tool}: {name}"
