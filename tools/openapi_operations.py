"""The operations of the OpenAPI document: what is asked, and what may be answered."""

from . import license_file, payload
from .openapi_examples import EXAMPLES, LICENSE, TOKEN
from .openapi_schemas import get_kind_schema

#: Sentences of the refusals that are not of one call alone, by HTTP status.
REFUSALS = {
    400: "A field, or the body, is not what it should be; `message` names it.",
    401: "No API key, or a wrong one.",
    403: "The user has no right to this.",
    404: "No license has this key.",
    409: "It is not possible as things stand; `error` says why.",
    413: "The body is larger than 64 KiB.",
    422: "The Idempotency-Key was used for another request.",
    429: "Too many unknown keys from this address. Wait for `Retry-After` seconds.",
    503: "The server is busy. Try again after `Retry-After` seconds.",
}


def get_public_operation(name, summary, body, answers, *refusals):
    """Return the operation of a call that shipped software makes, by its fields."""
    given = {status for refusal in refusals for status in refusal}
    common = {str(it): _ref_response(it) for it in (400, 413, 429, 503)}
    common = {status: it for status, it in common.items() if status not in given}
    responses = {**answers, **common}
    for refusal in refusals:
        responses.update(refusal)
    return {
        "operationId": name,
        "summary": summary,
        "tags": ["Public"],
        "security": [],
        "requestBody": _body(body),
        "responses": responses,
    }


def get_open_operation(name, summary, description, schema, example=None, **more):
    """Return the operation of a document that everybody may read."""
    content = _json(schema)
    if example:
        content["application/json"]["example"] = example
    return {
        "operationId": name,
        "summary": summary,
        "tags": ["Public"],
        "security": [],
        "responses": {
            "200": {"description": description, "content": content},
            "503": {"$ref": "#/components/responses/503"},
            **more,
        },
    }


def get_managed_operation(name, summary, answers, *refusals, body=None, parameters=()):
    """Return an operation that takes an API key; ``refusals`` are HTTP statuses."""
    statuses = {401, 403, 503, *refusals, *([413] if body else [])}
    operation = {
        "operationId": name,
        "summary": summary,
        "tags": ["Managed"],
        "security": [{"apiKey": []}],
        "responses": {**answers, **{str(it): _ref_response(it) for it in statuses}},
    }
    if parameters:
        operation["parameters"] = [*parameters]
    if body:
        operation["requestBody"] = _body(body)
    return operation


def _body(schema):
    fields = {name: get_kind_schema(name, kind) for name, kind in schema.items()}
    required = [
        name
        for name, kind in schema.items()
        if kind.required and schema is not payload.UPDATE
    ]
    example = {name: EXAMPLES[name] for name in schema if name in EXAMPLES}
    body = {"type": "object", "properties": fields}
    if "trial" in schema:  # its policy says when a trial ends
        both = {"trial": {"const": True}, "expiresAt": {"type": "string"}}
        body["not"] = {"properties": both, "required": list(both)}
    if required:
        body["required"] = required
    return {
        "required": True,
        "content": {"application/json": {"schema": body, "example": example}},
    }


def get_query_parameter(name, kind):
    """Return the parameter of a query that a kind of ``tools/payload.py`` reads."""
    return {
        "name": name,
        "in": "query",
        "schema": get_kind_schema(name, kind, is_nullable=False),
    }


def get_path_parameter(name, example, description):
    """Return the parameter that a part of the address is."""
    return {
        "name": name,
        "in": "path",
        "required": True,
        "description": description,
        "schema": {"type": "string", "minLength": 1},
        "example": example,
    }


def get_answers(schema, status=200, links=None, **examples):
    """Return the response of a call that went well, ``{status: response}``."""
    ref = {"$ref": f"#/components/schemas/{schema}"}
    named = {name: {"value": value} for name, value in examples.items()}
    response = {
        "description": "The answer.",
        "content": {"application/json": {"schema": ref, "examples": named}},
    }
    if links:
        response["links"] = links
    return {str(status): response}


def get_links():
    """Return what can be done with a license that was issued."""
    key = "$response.body#/licenseKey"
    links = {
        name: {"operationId": name, "parameters": {"key": key}}
        for name in (
            "readLicense",
            "updateLicense",
            "listActivations",
            "readFile",
            "rotateKey",
            "deleteLicense",
        )
    }
    body = {"licenseKey": key, "deviceId": EXAMPLES["deviceId"]}
    for name in ("verify", "validate", "validateInstance"):
        links[name] = {"operationId": name, "requestBody": body}
    return links


def get_list_answer(schema, example):
    """Return the response that is a list, ``{status: response}``."""
    ref = {"type": "array", "items": {"$ref": f"#/components/schemas/{schema}"}}
    return {
        "200": {
            "description": "The answer.",
            "content": {"application/json": {"schema": ref, "example": [example]}},
        }
    }


def get_file_answer():
    """Return the response that is a license file, ``{status: response}``."""
    text = license_file.armor(TOKEN)
    content = {"schema": {"type": "string"}, "example": text}
    return {
        "200": {
            "description": "The file: the token, in lines of 64 characters.",
            "content": {"text/plain": content},
        }
    }


def get_page_answer():
    """Return the response that is a page of licenses, ``{status: response}``."""
    response = get_list_answer("License", LICENSE)["200"]
    headers = {
        "X-Total-Count": {
            "description": "How many licenses there are on all pages.",
            "required": True,
            "schema": {"type": "integer"},
        },
        "Link": {
            "description": "Where first, prev, next and last are (RFC 8288).",
            "required": True,
            "schema": {"type": "string"},
        },
    }
    return {"200": {**response, "headers": headers}}


def get_refusal_response(status, schema="Error"):
    """Return the response of a refusal that is not of one call alone."""
    response = {
        "description": REFUSALS[status],
        "content": _json({"$ref": f"#/components/schemas/{schema}"}),
    }
    if status in (429, 503):
        response["headers"] = {
            "Retry-After": {
                "description": "Seconds.",
                "required": True,
                "schema": {"type": "integer"},
            }
        }
    return response


def get_error_answer(status, schema, description=None):
    """Return the response of a refusal of one call, ``{status: response}``."""
    ref = {"$ref": f"#/components/schemas/{schema}"}
    described = description or REFUSALS[status]
    return {str(status): {"description": described, "content": _json(ref)}}


def _ref_response(status):
    return {"$ref": f"#/components/responses/{status}"}


def _json(schema):
    return {"application/json": {"schema": schema}}
