"""The OpenAPI 3.1 document of the HTTP API, made of what the server itself reads by.

Request fields come of ``tools/payload.py``, refusals of ``tools/errors.py``, reasons
of ``tools/verdict.py``: what they don't know is not in the document.
"""

from . import payload
from .openapi_examples import (
    ACTIVATION,
    INSTANCE,
    INVALID,
    JWK,
    KEY,
    LICENSE,
    SEATS,
    TOKEN,
    VALID,
)
from .openapi_operations import (
    REFUSALS,
    get_answers,
    get_error_answer,
    get_file_answer,
    get_links,
    get_list_answer,
    get_managed_operation,
    get_open_operation,
    get_page_answer,
    get_path_parameter,
    get_public_operation,
    get_query_parameter,
    get_refusal_response,
)
from .openapi_schemas import get_schemas

IDEMPOTENCY = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "The same key and body again, within a day, do nothing twice: "
    "the answer is the license.",
    "schema": {"type": "string", "pattern": payload.IDEMPOTENCY_KEY},
    "example": "order-7",
}
KEY_IN_PATH = get_path_parameter("key", KEY, "A license key, in any spelling.")


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
            "responses": {
                str(status): get_refusal_response(status) for status in REFUSALS
            },
        },
    }


def _get_paths():
    return {
        "/api/licenses/verify": {
            "post": get_public_operation(
                "verify",
                "Is a key good? Reads only: registers and writes nothing.",
                payload.VERIFY,
                get_answers("Verdict", valid=VALID, expired=INVALID),
                get_error_answer(404, "UnknownKey"),
            )
        },
        "/api/licenses/validate": {
            "post": get_public_operation(
                "validate",
                "Is a key good, and may this device run? Activates the device.",
                payload.VALIDATE,
                get_answers(
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
                get_error_answer(404, "UnknownKey"),
            )
        },
        "/api/licenses/deactivate": {
            "post": get_public_operation(
                "deactivate",
                "Free the seat of a device.",
                payload.DEACTIVATE,
                get_answers("Freed", freed={"success": True, **SEATS}),
                get_error_answer(
                    403, "Error", "The policy does not let devices do this."
                ),
                get_error_answer(
                    404, "Error", "No such license, or no such device on it."
                ),
            )
        },
        "/api/v1/licensing/validate": {
            "post": get_public_operation(
                "validateInstance",
                "Is the key of a self-hosted instance good?",
                payload.INSTANCE,
                get_answers("Instance", valid=INSTANCE),
                get_error_answer(400, "InstanceError", "`licenseKey` is missing."),
                get_error_answer(
                    401, "InstanceError", "The key is unknown or revoked."
                ),
                get_error_answer(
                    403,
                    "InstanceError",
                    "The customer is inactive, the license has expired, the instance "
                    "is blocked, or instances take seats and all are taken.",
                ),
            )
        },
        "/api/licenses": {
            "get": get_managed_operation(
                "listLicenses",
                "List licenses.",
                get_page_answer(),
                400,
                parameters=[
                    get_query_parameter(name, kind)
                    for name, kind in payload.LIST.items()
                ],
            ),
            "post": get_managed_operation(
                "createLicense",
                "Issue a license.",
                get_answers("License", 201, get_links(), issued=LICENSE),
                400,
                404,
                409,
                422,
                body=payload.CREATE,
                parameters=[IDEMPOTENCY],
            ),
        },
        "/api/licenses/{key}": {
            "parameters": [KEY_IN_PATH],
            "get": get_managed_operation(
                "readLicense",
                "Read a license.",
                get_answers("License", license=LICENSE),
                404,
            ),
            "put": get_managed_operation(
                "updateLicense",
                "Change a license: only what is sent changes, null clears.",
                get_answers("License", changed={**LICENSE, "status": "suspended"}),
                400,
                404,
                409,
                body=payload.UPDATE,
            ),
            "delete": get_managed_operation(
                "deleteLicense",
                "Delete a license; what was billed is archived.",
                get_answers("Success", deleted={"success": True}),
                404,
            ),
        },
        "/api/licenses/{key}/activations": {
            "parameters": [KEY_IN_PATH],
            "get": get_managed_operation(
                "listActivations",
                "List the devices that hold a seat.",
                get_list_answer(
                    "Activation", {**ACTIVATION, "ipAddress": "203.0.113.7"}
                ),
                404,
            ),
        },
        "/api/licenses/{key}/activations/{deviceId}": {
            "parameters": [
                KEY_IN_PATH,
                get_path_parameter(
                    "deviceId", "3f9c2b7e", "The device, as it named itself."
                ),
            ],
            "delete": get_managed_operation(
                "freeActivation",
                "Free the seat of a device.",
                get_answers("Freed", freed={"success": True, **SEATS}),
                404,
            ),
        },
        "/api/licenses/{key}/rotate": {
            "parameters": [KEY_IN_PATH],
            "post": get_managed_operation(
                "rotateKey",
                "Give a license a new key; the old one answers `license_revoked`.",
                get_answers("License", replaced=LICENSE),
                400,
                404,
                409,
                413,
                422,
                parameters=[IDEMPOTENCY],
            ),
        },
        "/api/licenses/{key}/file": {
            "parameters": [KEY_IN_PATH],
            "get": get_managed_operation(
                "readFile",
                "Make a license file, for software that can't ask. With a `deviceId` "
                "it is good on that device only, which takes a seat.",
                get_file_answer(),
                400,
                404,
                409,
                parameters=[
                    get_query_parameter(name, kind)
                    for name, kind in payload.FILE.items()
                ],
            ),
        },
        "/api/licenses/health": {
            "get": get_open_operation(
                "health",
                "Can this server answer? It looks at its database and signing keys.",
                "It can.",
                {"$ref": "#/components/schemas/Health"},
                {"status": "pass"},
                **{"503": get_refusal_response(503, "NoHealth")},
            )
        },
        "/api/licenses/jwks.json": {
            "get": get_open_operation(
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
            "get": get_open_operation(
                "openapi",
                "This document.",
                "An OpenAPI document.",
                {"type": "object"},
            )
        },
    }
