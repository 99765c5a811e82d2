"""The OpenAPI 3.1 document of the HTTP API, made of what the server itself reads by.

Request fields come of ``tools/payload.py``, refusals of ``tools/errors.py``, reasons
of ``tools/verdict.py``: what they don't know is not in the document.
"""

from . import license_file, payload
from .openapi_examples import (
    ACTIVATION,
    EXAMPLES,
    INSTANCE,
    INVALID,
    JWK,
    KEY,
    LICENSE,
    SEATS,
    TOKEN,
    VALID,
)
from .openapi_schemas import get_kind_schema, get_schemas

IDEMPOTENCY = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "The same key and body again, within a day, do nothing twice: "
    "the answer is the license.",
    "schema": {"type": "string", "pattern": payload.IDEMPOTENCY_KEY},
    "example": "order-7",
}
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


def document(http_errors, version):
    """Return the document; ``http_errors`` are the codes {status: (code, sentence)}."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Software License API",
            "version": version,
            "summary": "Is a license key good, and may this device run?",
            "description": "JSON in and out, UTF-8. Moments are ISO 8601 in UTC. Ids "
            "are opaque strings. Fields may be added to an answer; none goes away.",
            "license": {"name": "LGPL-3.0-only", "identifier": "LGPL-3.0-only"},
        },
        "tags": [
            {"name": "Public", "description": "What shipped software asks."},
            {"name": "Managed", "description": "With an API key of an Odoo user."},
        ],
        "paths": _get_paths(),
        "components": {
            "securitySchemes": {
                "apiKey": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "An API key of Odoo (Preferences, Security).",
                }
            },
            "schemas": get_schemas(http_errors),
            "responses": {str(status): _refusal(status) for status in REFUSALS},
        },
    }


def _get_paths():
    return {
        "/api/licenses/verify": {
            "post": _public(
                "verify",
                "Is a key good? Reads only: registers and writes nothing.",
                payload.VERIFY,
                _answers("Verdict", valid=VALID, expired=INVALID),
                _ref_error(404, "UnknownKey"),
            )
        },
        "/api/licenses/validate": {
            "post": _public(
                "validate",
                "Is a key good, and may this device run? Activates the device.",
                payload.VALIDATE,
                _answers(
                    "Validation",
                    activated={
                        **VALID,
                        **SEATS,
                        "activation": ACTIVATION,
                        "token": TOKEN,
                    },
                    full={
                        **INVALID,
                        "status": "active",
                        "error": "activation_limit_reached",
                        "message": "All seats of this license are taken.",
                        "currentActivations": 5,
                        "maxActivations": 5,
                    },
                ),
                _ref_error(404, "UnknownKey"),
            )
        },
        "/api/licenses/deactivate": {
            "post": _public(
                "deactivate",
                "Free the seat of a device.",
                payload.DEACTIVATE,
                _answers("Freed", freed={"success": True, **SEATS}),
                _ref_error(403, "Error", "The policy does not let devices do this."),
                _ref_error(404, "Error", "No such license, or no such device on it."),
            )
        },
        "/api/v1/licensing/validate": {
            "post": _public(
                "validateInstance",
                "Is the key of a self-hosted instance good?",
                payload.INSTANCE,
                _answers("Instance", valid=INSTANCE),
                _ref_error(400, "InstanceError", "`licenseKey` is missing."),
                _ref_error(401, "InstanceError", "The key is unknown or revoked."),
                _ref_error(
                    403,
                    "InstanceError",
                    "The customer is inactive, the license has expired, the instance "
                    "is blocked, or instances take seats and all are taken.",
                ),
            )
        },
        "/api/licenses": {
            "get": _managed(
                "listLicenses",
                "List licenses.",
                _page(),
                400,
                parameters=[_query(name, kind) for name, kind in payload.LIST.items()],
            ),
            "post": _managed(
                "createLicense",
                "Issue a license.",
                _answers("License", 201, _get_links(), issued=LICENSE),
                400,
                404,
                409,
                422,
                body=payload.CREATE,
                parameters=[IDEMPOTENCY],
            ),
        },
        "/api/licenses/{key}": {
            "parameters": [_in_path("key", KEY, "A license key, in any spelling.")],
            "get": _managed(
                "readLicense",
                "Read a license.",
                _answers("License", license=LICENSE),
                404,
            ),
            "put": _managed(
                "updateLicense",
                "Change a license: only what is sent changes, null clears.",
                _answers("License", changed={**LICENSE, "status": "suspended"}),
                400,
                404,
                409,
                body=payload.UPDATE,
            ),
            "delete": _managed(
                "deleteLicense",
                "Delete a license; what was billed is archived.",
                _answers("Success", deleted={"success": True}),
                404,
            ),
        },
        "/api/licenses/{key}/activations": {
            "parameters": [_in_path("key", KEY, "A license key, in any spelling.")],
            "get": _managed(
                "listActivations",
                "List the devices that hold a seat.",
                _list("Activation", {**ACTIVATION, "ipAddress": "203.0.113.7"}),
                404,
            ),
        },
        "/api/licenses/{key}/activations/{deviceId}": {
            "parameters": [
                _in_path("key", KEY, "A license key, in any spelling."),
                _in_path("deviceId", "3f9c2b7e", "The device, as it named itself."),
            ],
            "delete": _managed(
                "freeActivation",
                "Free the seat of a device.",
                _answers("Freed", freed={"success": True, **SEATS}),
                404,
            ),
        },
        "/api/licenses/{key}/rotate": {
            "parameters": [_in_path("key", KEY, "A license key, in any spelling.")],
            "post": _managed(
                "rotateKey",
                "Give a license a new key; the old one answers `license_revoked`.",
                _answers("License", replaced=LICENSE),
                400,
                404,
                409,
                413,
                422,
                parameters=[IDEMPOTENCY],
            ),
        },
        "/api/licenses/{key}/file": {
            "parameters": [_in_path("key", KEY, "A license key, in any spelling.")],
            "get": _managed(
                "readFile",
                "Make a license file, for software that can't ask. With a `deviceId` "
                "it is good on that device only, which takes a seat.",
                _file(),
                400,
                404,
                409,
                parameters=[_query(name, kind) for name, kind in payload.FILE.items()],
            ),
        },
        "/api/licenses/health": {
            "get": _open(
                "health",
                "Can this server answer? It looks at its database and signing keys.",
                "It can.",
                {"$ref": "#/components/schemas/Health"},
                {"status": "pass"},
                **{"503": _refusal(503, "NoHealth")},
            )
        },
        "/api/licenses/jwks.json": {
            "get": _open(
                "jwks",
                "The public keys that verify tokens and license files (RFC 7517).",
                "Keep them for 5 minutes. Ask again, past caches, when a token names a "
                "key that is not among them.",
                {"$ref": "#/components/schemas/KeySet"},
                {"keys": [JWK]},
                **{"304": {"description": "They are as `If-None-Match` names them."}},
            )
        },
        "/api/licenses/openapi.json": {
            "get": _open(
                "openapi",
                "This document.",
                "An OpenAPI document.",
                {"type": "object"},
            )
        },
    }


# === OPERATIONS === #


def _public(name, summary, body, answers, *refusals):
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


def _open(name, summary, description, schema, example=None, **more):
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


def _managed(name, summary, answers, *refusals, body=None, parameters=()):
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


def _query(name, kind):
    return {
        "name": name,
        "in": "query",
        "schema": get_kind_schema(name, kind, is_nullable=False),
    }


def _in_path(name, example, description):
    return {
        "name": name,
        "in": "path",
        "required": True,
        "description": description,
        "schema": {"type": "string", "minLength": 1},
        "example": example,
    }


def _answers(schema, status=200, links=None, **examples):
    """Return the response of a call that went well."""
    ref = {"$ref": f"#/components/schemas/{schema}"}
    named = {name: {"value": value} for name, value in examples.items()}
    response = {
        "description": "The answer.",
        "content": {"application/json": {"schema": ref, "examples": named}},
    }
    if links:
        response["links"] = links
    return {str(status): response}


def _get_links():
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


def _list(schema, example):
    ref = {"type": "array", "items": {"$ref": f"#/components/schemas/{schema}"}}
    return {
        "200": {
            "description": "The answer.",
            "content": {"application/json": {"schema": ref, "example": [example]}},
        }
    }


def _file():
    """Return the response that is a license file."""
    text = license_file.armor(TOKEN)
    content = {"schema": {"type": "string"}, "example": text}
    return {
        "200": {
            "description": "The file: the token, in lines of 64 characters.",
            "content": {"text/plain": content},
        }
    }


def _page():
    response = _list("License", LICENSE)["200"]
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


def _refusal(status, schema="Error"):
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


def _ref_error(status, schema, description=None):
    ref = {"$ref": f"#/components/schemas/{schema}"}
    described = description or REFUSALS[status]
    return {str(status): {"description": described, "content": _json(ref)}}


def _ref_response(status):
    return {"$ref": f"#/components/responses/{status}"}


def _json(schema):
    return {"application/json": {"schema": schema}}
