#!/usr/bin/env python3
"""Writes into tests/golden/kubectl.jsonl how kubectl reads each snippet of it.

    tests/testenv/build.sh client && tests/golden/kubectl.py

Each line of the file is a JSON object. `yaml` is the rest of a document after HEADER, and `read` are the
fields that it adds; `stream` is a whole input, and `read` its objects. `error` is kubectl's message if it
refuses the input. `kubectl annotate --local` reads like every other command, and needs no server.
"""

import json
import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
KUBECTL = ROOT / "target/testenv/bin/kubectl"
SNIPPETS = ROOT / "tests/golden/kubectl.jsonl"
HEADER = "apiVersion: golden/v1\nkind: Golden\nmetadata: {name: golden}\n"
ANNOTATION = "golden"
NOTHING = "no objects passed"
PARSING = "error parsing STDIN: "


def answer(text):
    """The objects that kubectl reads from a text, and its error."""
    command = [KUBECTL, "annotate", "--local", "-f", "-", "-o", "json", f"{ANNOTATION}=1"]
    run = subprocess.run(command, input=text.encode(), capture_output=True, check=False)
    output, objects = run.stdout.decode().lstrip(), []
    while output:
        read, end = json.JSONDecoder().raw_decode(output)
        objects.append(read)
        output = output[end:].lstrip()
    for read in objects:
        del read["metadata"]["annotations"][ANNOTATION]
        if not read["metadata"]["annotations"]:
            del read["metadata"]["annotations"]
    error = run.stderr.decode().strip().removeprefix("error: ").removeprefix(PARSING)
    if run.returncode == 0 or NOTHING in error:
        error = None
    return objects, error


def answered(snippet):
    """A snippet with kubectl's answer."""
    stream = snippet.get("stream")
    objects, error = answer(HEADER + snippet["yaml"] if stream is None else stream)
    question = {"yaml": snippet["yaml"]} if stream is None else {"stream": stream}
    if error is not None:
        return question | {"error": error}
    if stream is not None:
        return question | {"read": objects}
    header = {"apiVersion", "kind", "metadata"}
    return question | {"read": {key: objects[0][key] for key in objects[0] if key not in header}}


def main():
    """Answers every snippet."""
    snippets = [json.loads(line) for line in SNIPPETS.read_text().splitlines()]
    lines = [json.dumps(answered(snippet), ensure_ascii=True) + "\n" for snippet in snippets]
    SNIPPETS.write_text("".join(lines))


if __name__ == "__main__":
    main()
