# SPDX-License-Identifier: Apache-2.0
"""Rules of the house that no compiler or formatter enforces, held by reading the source.

tidy.py --list names the rules; tidy.py RULE checks one, prints each breach as file:line, and exits
1 when there is any; without an argument all are checked. Only the standard library is needed.
"""
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
COLUMNS = 100
FUNCTION_LINES = 70
TAB = 8

# Where a banned word is right, and why.
ALLOWED = {
    # The terminal is written by the command line alone, and by the bench's table.
    "print(": ("Sources/apus/", "Sources/CLI/", "Sources/apus-bench/"),
    # A violated invariant of our own ends the process; only precondition says so.
    "fatalError(": (),
    "try!": (),
    "Task {": (),
    "Foundation": (),
}


def tracked(*suffixes):
    """Files of the repository with one of the suffixes, committed or about to be."""
    names = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, check=True, capture_output=True, text=True).stdout.splitlines()
    return [ROOT / name for name in sorted(set(names))
            if (ROOT / name).is_file() and (not suffixes or name.endswith(suffixes))]


def short(path):
    return str(path.relative_to(ROOT))


def text_of(path):
    return path.read_text(encoding="utf-8", errors="replace")


def sources():
    return [path for path in tracked(".swift") if short(path).startswith("Sources/")]


def code_of(line):
    """A Swift line without its comment and the contents of its strings."""
    line = re.sub(r'"(\\.|[^"\\])*"', '""', line)
    return line.split("//")[0]


def module_order():
    """Module names in the order in which Package.swift lists them."""
    package = text_of(ROOT / "Package.swift")
    return re.findall(r'(?:\.systemLibrary|\.target|\.executableTarget|module)\(\s*'
                      r'(?:name:\s*)?"([\w-]+)"', package)


def rule_imports():
    """A module imports only modules that stand above it in Package.swift."""
    order = module_order()
    rank = {name: place for place, name in enumerate(order)}
    for path in sources():
        module = short(path).split("/")[1]
        if module not in rank:
            yield path, 1, f"module {module} is not in Package.swift"
            continue
        for number, line in enumerate(text_of(path).splitlines(), 1):
            found = re.match(r"\s*(?:@\w+\s+)*(?:\w+\s+)?import\s+(?:\w+\s+)?(\w+)", line)
            if found and rank.get(found[1], -1) >= rank[module]:
                yield path, number, f"{module} imports {found[1]}, which stands below it"


def rule_order():
    """Package.swift gives each module only dependencies that stand above it."""
    package = text_of(ROOT / "Package.swift")
    rank = {name: place for place, name in enumerate(module_order())}
    for found in re.finditer(r'module\(\s*"(\w+)",\s*\[(.*?)\]\s*\)', package, re.DOTALL):
        for name in re.findall(r'"(\w+)"', found[2]):
            if rank.get(name, -1) >= rank[found[1]]:
                number = package[:found.start()].count("\n") + 1
                yield ROOT / "Package.swift", number, f"{found[1]} depends on {name} below it"


def rule_words():
    """Words that Sources may not say outside the places listed."""
    for path in sources():
        for number, line in enumerate(text_of(path).splitlines(), 1):
            code = code_of(line)
            for word, places in ALLOWED.items():
                pattern = (r"(?<![\w.])" if word[0].isalpha() else "") + re.escape(word)
                if re.search(pattern, code) and not short(path).startswith(places or ("\0",)):
                    yield path, number, f"{word} is not used here"


def rule_columns():
    """No line is longer than a hundred columns."""
    for path in tracked(".swift", ".c", ".cc", ".h", ".py", ".sh", ".yaml", ".md", "Makefile"):
        if short(path).startswith("Tests/Fixtures/"):
            continue
        for number, line in enumerate(text_of(path).split("\n"), 1):
            width = len(line.expandtabs(TAB))
            # A table row or a link in Markdown cannot be broken.
            fixed = path.suffix == ".md" and re.match(r"\s*\||.*https?://", line)
            if width > COLUMNS and not fixed:
                yield path, number, f"{width} columns"


def rule_leftovers():
    """Nothing is left for later in the source."""
    words = "|".join(("TO" + "DO", "FIX" + "ME", "XX" + "X:"))
    for path in tracked(".swift", ".c", ".h", ".py", ".sh", ".yaml", "Makefile"):
        for number, line in enumerate(text_of(path).splitlines(), 1):
            if re.search(rf"\b(?:{words})", line):
                yield path, number, "unfinished business"


def rule_licences():
    """Every source file names its licence in its first lines."""
    for path in tracked(".swift", ".c", ".cc", ".h", ".py", ".sh", "Makefile", "run"):
        head = text_of(path).splitlines()[:3]
        if not any("SPDX-License-Identifier: " in line for line in head):
            yield path, 1, "no SPDX line"
        elif short(path).startswith("bpf/"):
            if not any("GPL-2.0-only OR BSD-2-Clause" in line for line in head):
                yield path, 1, "the kernel half is GPL-2.0-only OR BSD-2-Clause"
        elif not any("Apache-2.0" in line for line in head):
            yield path, 1, "the user half is Apache-2.0"


def swift_functions(lines):
    """(first line, length) of each function, by the indentation that the formatter guarantees."""
    for start, line in enumerate(lines):
        if not re.match(r"\s*(?:[@\w()]+\s+)*(?:func\s+\S|init[?(<]|deinit\b)", line):
            continue
        indent = line[:len(line) - len(line.lstrip())]
        for end in range(start, len(lines)):
            if end > start and lines[end].rstrip() == indent + "}":
                yield start + 1, end - start + 1
                break
            if end == start and line.rstrip().endswith("}"):
                break


def c_functions(lines):
    """The same for C in kernel style: the body's braces stand alone in the first column."""
    start = None
    for number, line in enumerate(lines):
        if line.rstrip() == "{":
            start = number
        elif line.rstrip() == "}" and start is not None:
            yield start, number - start + 2
            start = None


def rule_functions():
    """No function is longer than a screen."""
    for path in tracked(".swift", ".c", ".h"):
        lines = text_of(path).splitlines()
        find = swift_functions if path.suffix == ".swift" else c_functions
        for number, length in find(lines):
            if length > FUNCTION_LINES:
                yield path, number, f"a function of {length} lines"


def rule_probes():
    """Each kernel program is named by a row in Sources and by a test."""
    user = "\n".join(text_of(path) for path in sources())
    tests = "\n".join(text_of(path) for path in tracked(".swift", ".py", ".sh", ".c")
                      if short(path).startswith("Tests/") and path != pathlib.Path(__file__))
    for path in tracked(".bpf.c"):
        name = path.name.removesuffix(".bpf.c")
        if not re.search(rf'\b{name}\b', user):
            yield path, 1, f"no row in Sources names {name}"
        if not re.search(rf'\b{name}\b', tests):
            yield path, 1, f"no test names {name}"


def rule_scripts():
    """Each script can be run, is short, and is named by another file."""
    texts = {path: text_of(path) for path in tracked()
             if path.suffix in (".sh", ".md", ".py", ".swift", ".yaml") or path.name == "run"}
    for path in tracked(".sh"):
        if not path.stat().st_mode & 0o100:
            yield path, 1, "is not executable"
        lines = texts[path].splitlines()
        if len(lines) >= 60:
            yield path, 1, f"{len(lines)} lines"
        if lines[0] != "#!/bin/sh" or "set -eu" not in lines:
            yield path, 1, "is not POSIX sh with set -eu"
        if not any(path.name in text for other, text in texts.items() if other != path):
            yield path, 1, "nothing mentions it"


def rule_machine():
    """Nothing names a path of the machine on which it was written."""
    pattern = re.compile(r"(?<![\w.])/(?:work|tmp/wt|home/\w+|root/)(?![\w-])")
    for path in tracked():
        for number, line in enumerate(text_of(path).splitlines(), 1):
            if path != pathlib.Path(__file__) and pattern.search(line):
                yield path, number, "a path of one machine"


RULES = {name.removeprefix("rule_"): function for name, function in sorted(globals().items())
         if name.startswith("rule_")}


def main(arguments):
    if arguments == ["--list"]:
        print("\n".join(RULES))
        return 0
    unknown = [name for name in arguments if name not in RULES]
    if unknown:
        print(f"tidy: no rule named {unknown[0]}; known: {', '.join(RULES)}", file=sys.stderr)
        return 2
    breaches = 0
    for name in arguments or RULES:
        for path, number, message in RULES[name]():
            breaches += 1
            print(f"{short(path)}:{number}: {name}: {message}")
    return 1 if breaches else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
