# SPDX-License-Identifier: Apache-2.0
"""summary.py RESULTS ALLOWED: counts what the layers of scripts/test.sh ran, and judges the skips.

A layer NAME left NAME.status (its exit code), NAME.log, and maybe JUnit files NAME*.xml. Without
one, its log ends with "NAME: N passed, N failed, N skipped" and names skips as "SKIP NAME: why".
"""
import fnmatch
import pathlib
import re
import sys
import xml.etree.ElementTree as xml

COUNTS = re.compile(r"^(?:[\w -]+: )?(\d+) passed, (\d+) failed, (\d+) skipped$")
SKIP = re.compile(r"^SKIP ([^:\s]+): (.+)$")


def from_junit(paths):
    """(passed, failed, {skipped test: reason}) of JUnit files."""
    passed, failed, skips = 0, 0, {}
    for path in paths:
        for case in xml.parse(path).iter("testcase"):
            skip = case.find("skipped")
            if skip is not None:
                skips[f"{case.get('classname')}.{case.get('name')}"] = skip.get("message") or ""
            elif case.find("failure") is not None or case.find("error") is not None:
                failed += 1
            else:
                passed += 1
    return passed, failed, skips


def from_log(lines):
    """The same from a log; None when it has no count."""
    counts = [found for line in lines if (found := COUNTS.match(line))]
    if not counts:
        return None
    skips = {found[1].split("/")[-1]: found[2] for line in lines if (found := SKIP.match(line))}
    passed, failed, skipped = (int(number) for number in counts[-1].groups())
    for number in range(len(skips), skipped):
        skips[f"unnamed-{number}"] = "no reason given"
    return passed, failed, skips


def layer_result(results, name):
    status = int((results / f"{name}.status").read_text() or 1)
    lines = (results / f"{name}.log").read_text(errors="replace").splitlines()
    files = [path for path in sorted(results.glob(f"{name}*.xml")) if path.stat().st_size]
    passed, failed, skips = from_junit(files)
    if passed + failed + len(skips) == 0:
        passed, failed, skips = from_log(lines) or (0, 0, {})
    if status and not failed:
        # It broke before or after its tests.
        failed = 1
        print(f"{name}: exit code {status} without a failed test")
    if not status and passed + failed + len(skips) == 0:
        # A layer that counts nothing is one test; one that said nothing ran nothing.
        passed, failed = (1, 0) if any(lines) and not files else (0, 1)
        if failed:
            print(f"{name}: ran nothing")
    return passed, failed, skips


def main(results, allowed):
    results = pathlib.Path(results)
    rules = pathlib.Path(allowed).read_text().splitlines()
    patterns = [rule.split(":")[0].strip() for rule in rules if rule.strip() and rule[0] != "#"]
    total = [0, 0, 0]
    print("== summary")
    for path in sorted(results.glob("*.status"), key=lambda path: path.stat().st_mtime):
        passed, failed, skips = layer_result(results, path.stem)
        for test, reason in skips.items():
            known = any(fnmatch.fnmatch(f"{path.stem}/{test}", pattern) for pattern in patterns)
            failed += not known
            print(f"{path.stem}: skipped {test}: {reason}"
                  + ("" if known else " (NOT ALLOWED by Tests/allowed-skips.txt: a failure)"))
        # A skip that is not allowed counts as a failure, not as a skip.
        skipped = sum(any(fnmatch.fnmatch(f"{path.stem}/{test}", pattern) for pattern in patterns)
                      for test in skips)
        print(f"{path.stem}: {passed} passed, {failed} failed, {skipped} skipped")
        total = [total[0] + passed, total[1] + failed, total[2] + skipped]
    print(f"{total[0]} passed, {total[1]} failed, {total[2]} skipped", flush=True)
    return 1 if total[1] or not total[0] else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:3]))
