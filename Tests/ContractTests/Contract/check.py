"""Checks openapi/openapi.yaml without a server, and tells what is in it.

check.py validate   is it OpenAPI 3.1?
check.py examples   does every example fit its schema, and has every answer one?
check.py describe   the operations and problem codes, as JSON
"""

import json
import re
import sys

from jsonschema import Draft202012Validator, FormatChecker
from openapi_spec_validator import OpenAPIV31SpecValidator

import document as contract

PROBLEM = "application/problem+json"
# Told by the server whatever the operation is, and so described in the introduction.
WITHOUT_OPERATION = {"expectation_failed", "internal_error", "method_not_allowed"}


def validate(document):
    for error in OpenAPIV31SpecValidator(document).iter_errors():
        yield f"{'/'.join(map(str, error.absolute_path))}: {error.message}"


def mismatches(where, schema, value):
    validator = Draft202012Validator(schema, format_checker=FormatChecker())
    for error in validator.iter_errors(value):
        yield f"{where}/{'/'.join(map(str, error.absolute_path))}: {error.message}"


def closed(value):
    """A schema that lets no member through that it does not describe."""
    if isinstance(value, list):
        return [closed(item) for item in value]
    if not isinstance(value, dict):
        return value
    value = {key: closed(item) for key, item in value.items()}
    if value.get("type") == "object":
        value.setdefault("additionalProperties", False)
    return value


def content_examples(where, media_types):
    for media_type, media in media_types.items():
        if not media.get("examples"):
            yield f"{where}: no example of {media_type}"
        for name, example in media.get("examples", {}).items():
            yield from mismatches(f"{where}/{name}", closed(media["schema"]), example["value"])


def response_examples(where, status, response):
    content = response.get("content", {})
    yield from content_examples(where, content)
    if PROBLEM not in content:
        return
    for name, example in content[PROBLEM]["examples"].items():
        value = example["value"]
        if value["code"] != name:
            yield f"{where}/{name}: the code is {value['code']}"
        if str(value["status"]) != status:
            yield f"{where}/{name}: the status is {value['status']}"


def examples(raw):
    document = contract.resolved(raw)
    told = set()
    for method, path, operation, parameters in contract.operations(document):
        where = f"{method} {path}"
        for parameter in parameters:
            for value in (parameter.get("example"), parameter["schema"].get("default")):
                if value is not None:
                    yield from mismatches(f"{where} {parameter['name']}", parameter["schema"], value)
        if "requestBody" in operation:
            yield from content_examples(f"{where} request", operation["requestBody"]["content"])
        for status, response in operation["responses"].items():
            yield from response_examples(f"{where} {status}", status, response)
            told |= set(response.get("content", {}).get(PROBLEM, {}).get("examples", {}))
        samples = operation.get("x-codeSamples", [])
        if not samples or not all("curl " in sample["source"] for sample in samples):
            yield f"{where}: no shell examples with curl"
    if "```" in contract.PATH.read_text(encoding="utf-8"):
        # Only those in x-codeSamples are run.
        yield "an example in a description"
    codes = codes_of(document)
    for code in sorted(set(codes) ^ told - WITHOUT_OPERATION):
        if code not in WITHOUT_OPERATION:
            yield f"{code}: not both a code and told by an operation"
    for name, example in document["components"]["examples"].items():
        value = example["value"]
        if "code" in value and str(value["status"]) != codes.get(name):
            yield f"{name}: the table says {codes.get(name)}, the example {value['status']}"
    table, enum = set(codes), set(document["components"]["schemas"]["ProblemCode"]["enum"])
    for code in sorted(table ^ enum):
        yield f"{code}: not both in the enum and in the table"


def codes_of(document):
    """The problem codes and their statuses, from the table that people read."""
    text = document["components"]["schemas"]["ProblemCode"]["description"]
    return dict(re.findall(r"^\| `(\w+)` \| (\d+) \|", text, re.MULTILINE))


def describe(raw):
    document = contract.resolved(raw)
    waiting = contract.pending()
    return {
        "operations": [f"{method} {path}" for method, path, _, _ in contract.operations(document)],
        "pendingOperations": waiting["operations"],
        "codes": codes_of(document),
        "pendingCodes": waiting["codes"],
    }


def main(command):
    document = contract.load()
    if command == "describe":
        print(json.dumps(describe(document)))
        return 0
    problems = list({"validate": validate, "examples": examples}[command](document))
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
