"""The contract in openapi/openapi.yaml, as the checks need it."""

import json
from pathlib import Path

import yaml

HERE = Path(__file__).resolve().parent
PATH = HERE.parents[2] / "openapi" / "openapi.yaml"
METHODS = ("get", "head", "post", "put", "delete", "patch", "options", "trace")


class StrictLoader(yaml.CSafeLoader):
    """YAML 1.2 forbids a key that is there twice; PyYAML takes the last one."""

    def construct_mapping(self, node, deep=False):
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        twice = {str(key) for key in keys if keys.count(key) > 1}
        if twice:
            raise yaml.constructor.ConstructorError(
                None, None, f"more than once: {', '.join(sorted(twice))}", node.start_mark
            )
        return super().construct_mapping(node, deep)


def load():
    return yaml.load(PATH.read_text(encoding="utf-8"), StrictLoader)


def pending():
    """What is described already and not built yet; each entry goes when its code comes."""
    return json.loads((HERE / "pending.json").read_text(encoding="utf-8"))


def resolved(document, value=None):
    """The document, or a part of it, with every reference replaced by what it leads to.

    What stands beside a reference is kept: OpenAPI 3.1 allows it in schemas.
    """
    value = document if value is None else value
    if isinstance(value, list):
        return [resolved(document, item) for item in value]
    if not isinstance(value, dict):
        return value
    result = {key: resolved(document, item) for key, item in value.items() if key != "$ref"}
    if "$ref" in value:
        target = document
        for step in value["$ref"].removeprefix("#/").split("/"):
            target = target[step.replace("~1", "/").replace("~0", "~")]
        result = {**resolved(document, target), **result}
    return result


def operations(document):
    """(method, path, operation, all its parameters), in the order of the document."""
    for path, item in document["paths"].items():
        shared = item.get("parameters", [])
        for method, operation in item.items():
            if method in METHODS:
                yield method.upper(), path, operation, shared + operation.get("parameters", [])


def built(document):
    """The resolved document without what is pending, and with closed answers.

    Answers may get further members, so the document leaves its schemas open. What this gateway
    answers today has to be described all the same: here every object is closed.
    """
    waiting = pending()
    document = resolved(document)
    del document["components"]["schemas"]
    for method, path, operation, parameters in list(operations(document)):
        item = document["paths"][path]
        if f"{method} {path}" in waiting["operations"]:
            del item[method.lower()]
            continue
        operation["parameters"] = [p for p in parameters if p["name"] not in waiting["parameters"]]
        for response in operation["responses"].values():
            for name in waiting["headers"]:
                response.get("headers", {}).pop(name, None)
    for path, item in list(document["paths"].items()):
        item.pop("parameters", None)
        if not any(method in item for method in METHODS):
            del document["paths"][path]
    document.pop("components")
    return _close(document, waiting)


def _close(value, waiting):
    if isinstance(value, list):
        return [_close(item, waiting) for item in value]
    if not isinstance(value, dict):
        return value
    value = {key: _close(item, waiting) for key, item in value.items()}
    if value.get("type") == "object" and isinstance(value.get("properties"), dict):
        value.setdefault("additionalProperties", False)
        value["required"] = [
            name for name in value.get("required", []) if name not in waiting["members"]
        ]
    if isinstance(value.get("enum"), list):
        value["enum"] = [word for word in value["enum"] if word not in waiting["choices"]]
    return value
