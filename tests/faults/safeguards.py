"""``python -m tests.faults.safeguards [NAME ...]``: each safeguard is taken away, and its tests must turn red.

Prints a table. Exit status 1 where tests stayed green without their safeguard (a hole), where they are not green with
it, or where a run did not come to an end by itself. All in all at most half an hour on two quiet cores.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from time import monotonic

from tests.faults.mutations import ALL, BY_NAME, VARIABLE
from tests.faults.taking import Safeguard

ROOT = Path(__file__).resolve().parents[2]
LIMIT = 180
"""Seconds for the tests of one safeguard."""
WHOLE = 1800
"""Seconds for everything; what did not run by then is reported as such."""
FAILED, PASSED = 1, 0  # pytest's exit codes; all others mean that nothing was learnt


class Verdict(StrEnum):
    RED = "red"
    GREEN = "GREEN"  # a hole: nobody noticed
    BROKEN = "BROKEN"  # the tests could not be run, or are red with the safeguard in place


@dataclass(frozen=True, slots=True)
class Result:
    safeguard: Safeguard
    verdict: Verdict
    seconds: float
    said: str


def run(tests: tuple[str, ...], safeguard: str, limit: float, processes: int = 0) -> tuple[int | None, str]:
    """The exit code of pytest, None where it took too long, and its last line. ``processes``: 0 is this one alone."""
    command = [sys.executable, "-m", "pytest", "-x", "-q", "--no-header", "-p", "no:cacheprovider"]
    command += ["-n", str(processes), "-p", "tests.faults.mutations", "-o", "faulthandler_timeout=0", *tests]
    environment = {**os.environ, VARIABLE: safeguard}
    try:
        done = subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=limit, check=False
        )
    except subprocess.TimeoutExpired:
        return None, f"no end after {limit:.0f} s"
    lines = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
    failed = [match[1] for line in lines if (match := re.match(r"(?:FAILED|ERROR) \S*::(\S+)", line))]
    return done.returncode, failed[0] if failed else (lines[-1] if lines else "")


def judge(safeguard: Safeguard, until: float) -> Result:
    start = monotonic()
    left = min(LIMIT, until - start)
    if left <= 0:
        return Result(safeguard, Verdict.BROKEN, 0, "no time left")
    code, said = run(safeguard.tests, safeguard.name, left)
    verdict = {FAILED: Verdict.RED, PASSED: Verdict.GREEN}.get(-1 if code is None else code, Verdict.BROKEN)
    return Result(safeguard, verdict, monotonic() - start, said)


def show(result: Result) -> None:
    one = result.safeguard
    print(f"{result.verdict:7}{result.seconds:5.0f} s  {one.name:24} {one.lives}")
    print(f"{'':16}{one.says}; {len(one.tests)} test{'s' * (len(one.tests) > 1)}: {result.said}", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description="Take away one safeguard at a time: its tests must turn red.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="only these safeguards")
    parser.add_argument("--jobs", type=int, default=2, help="runs at a time (default: 2)")
    parser.add_argument("--list", action="store_true", help="name the safeguards and stop")
    chosen = parser.parse_args()
    if unknown := set(chosen.names) - BY_NAME.keys():
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    wanted = [one for one in ALL if one.name in chosen.names or not chosen.names]
    if chosen.list:
        print("\n".join(one.name for one in wanted))
        return 0
    start = monotonic()
    tests = tuple(dict.fromkeys(test for one in wanted for test in one.tests))
    code, said = run(tests, "", WHOLE, chosen.jobs)
    if code != PASSED:
        print(f"With every safeguard in place the tests must be green first: {said}")
        return 1
    print(f"With every safeguard in place: green, {monotonic() - start:.0f} s\n", flush=True)
    results = []
    with ThreadPoolExecutor(chosen.jobs) as pool:
        for result in pool.map(lambda one: judge(one, start + WHOLE), wanted):
            show(result)
            results.append(result)
    holes = [one.safeguard.name for one in results if one.verdict is not Verdict.RED]
    print(f"\n{len(results) - len(holes)} of {len(results)} red, {monotonic() - start:.0f} s")
    if holes:
        print(f"Nobody noticed, or nothing was learnt: {', '.join(holes)}")
    return 1 if holes else 0


if __name__ == "__main__":
    sys.exit(main())
