"""Fails when a test was skipped for want of data that is there. Reads the JUnit file of a test run; prints every skip with its reason."""

import os
import re
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

VARIABLE = "TUNESMITH_DATA"


def skips(report: Path) -> list[tuple[str, str]]:
    """Name and reason of every skipped test."""
    cases = ET.parse(report).getroot().iter("testcase")
    return [(f"{case.get('classname')}.{case.get('name')}", mark.get("message", "")) for case in cases for mark in case.iter("skipped")]


def main() -> int:
    """0 when no test was skipped for want of data, or there is none; 1 otherwise."""
    found = skips(Path(sys.argv[1]))
    for name, reason in found:
        print(f"skipped: {name}: {reason}")
    wanting = [name for name, reason in found if re.search(rf"{VARIABLE}|\bdata\b", reason, flags=re.IGNORECASE)]
    if not os.environ.get(VARIABLE) or not wanting:
        return 0
    print(f"{len(wanting)} tests were skipped for want of data, and {VARIABLE} is {os.environ[VARIABLE]}.", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
