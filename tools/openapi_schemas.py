"""The schemas of the OpenAPI document: what each answer and each field may be."""

from . import errors, payload, verdict

#: A text as the server takes it: no control characters but blanks around it.
PRINTABLE = r"[^\x00-\x1f\x7f-\x9f]"
OPTIONAL_TEXT = rf"^\s*{PRINTABLE}*\s*$"
REQUIRED_TEXT = rf"^\s*(?!\s){PRINTABLE}+\s*$"
FEATURE_NAME = rf"^ *(?!\s){PRINTABLE}+$"


def get_schemas(http_errors):
    text, count = {"type": "string"}, {"type": "integer", "minimum": 0}
    moment = {"type": "string", "format": "date-time"}
    optional_moment = {"type": ["string", "null"], "format": "date-time"}
    limit = {
        "type": ["integer", "null"],
        "minimum": 0,
        "description": "null: unlimited",
    }
    optional_text = {"type": ["string", "null"]}
    true = {"type": "boolean", "const": True}
    features = {"type": "object"}
    error = {"type": "string", "enum": _get_codes(http_errors)}
    activation = {
        "deviceId": text,
        "deviceName": optional_text,
        "activatedAt": moment,
        "lastSeenAt": moment,
        "leaseExpiresAt": {
            **moment,
            "description": "Floating licenses only: the seat is free again then.",
        },
    }
    is_optional = ("leaseExpiresAt",)
    status = {"type": "string", "enum": list(payload.STATUSES)}
    verdict_ = {
        "valid": {"type": "boolean"},
        "status": status,
        "features": features,
        "expiresAt": optional_moment,
        "error": {"type": "string", "enum": [rule.error for rule in verdict.RULES]},
        "message": text,
        "graceEndsAt": moment,
        "trialEndsAt": moment,
        "token": {
            **text,
            "description": "The same, signed (JWT): see /api/licenses/jwks.json. Of "
            "what is valid; `verify` signs when a `nonce` is sent.",
        },
    }
    tells = ("error", "message", "graceEndsAt", "trialEndsAt", "token")
    seats = {"currentActivations": count, "maxActivations": limit}
    return {
        "Features": features,
        "Feature": {
            "description": "A switch, a number, a text, or some of these.",
            "anyOf": [
                {"type": ["boolean", "number", "null"]},
                {"type": "string", "pattern": r"^[^\x00]*$"},
                {"type": "array", "items": {"$ref": "#/components/schemas/Feature"}},
                {
                    "type": "object",
                    "propertyNames": {"pattern": r"^[^\x00]*$"},
                    "additionalProperties": {"$ref": "#/components/schemas/Feature"},
                },
            ],
        },
        "Verdict": _object(verdict_, tells),
        "Validation": _object(
            {**verdict_, **seats, "activation": _object(activation, is_optional)},
            (*tells, "activation"),
        ),
        "KeySet": _object({"keys": {"type": "array", "items": _get_key_schema()}}),
        "Health": _object({"status": {**text, "const": "pass"}}),
        "NoHealth": _object(
            {
                "error": error,
                "message": text,
                "status": {
                    **text,
                    "const": "fail",
                    "description": "Left out when the database is away.",
                },
            },
            ("status",),
        ),
        "Freed": _object({"success": true, **seats}),
        "Success": _object({"success": true}),
        "Activation": _object(
            {**activation, "ipAddress": optional_text, "instanceUrl": optional_text},
            (*is_optional, "instanceUrl"),
        ),
        "License": _object(
            {
                "id": text,
                "licenseKey": text,
                "customerId": text,
                "customerName": text,
                "productId": optional_text,
                "productName": optional_text,
                "policyId": text,
                "application": text,
                "plan": optional_text,
                "status": status,
                **seats,
                "features": features,
                "expiresAt": optional_moment,
                "trialEndsAt": optional_moment,
                "subscription": {
                    **optional_text,
                    "description": "The Odoo subscription that bills it.",
                },
                "createdAt": moment,
            }
        ),
        "Instance": _object(
            {
                "valid": {"type": "boolean", "const": True},
                "plan": text,
                "features": features,
                "organizationName": text,
                "currentPeriodEnd": optional_moment,
                "billingUrl": text,
                "trialEndsAt": moment,
                "trialDaysLeft": count,
            },
            ("trialEndsAt", "trialDaysLeft"),
        ),
        "InstanceError": _object(
            {
                "error": {**text, "description": "A sentence, not a code."},
                "valid": {"type": "boolean", "const": False},
                "plan": text,
                "billingUrl": text,
                "message": text,
            },
            ("valid", "plan", "billingUrl", "message"),
        ),
        "Error": _object(
            {
                "error": error,
                "message": text,
                "success": {"type": "boolean", "const": False},
                "valid": {"type": "boolean", "const": False},
            },
            ("success", "valid"),
        ),
        "UnknownKey": _object(
            {"valid": {"type": "boolean", "const": False}, "error": error}
            | {"message": text},
        ),
    }


def _get_key_schema():
    text = {"type": "string"}
    key = {
        "kty": {**text, "enum": ["OKP", "RSA"]},
        "kid": {**text, "description": "The key's thumbprint (RFC 7638)."},
        "use": {**text, "const": "sig"},
        "alg": {**text, "enum": ["EdDSA", "RS256"]},
        "crv": text,
        "x": text,
        "n": text,
        "e": text,
        "iss": {**text, "description": "Whose tokens it signs: their claim `iss`."},
        "endorsements": {
            "type": "array",
            "items": text,
            "description": "Signed by older keys: how who knows those trusts this one.",
        },
    }
    return _object(key, ("crv", "x", "n", "e"))


def _get_codes(http_errors):
    """Return every code that an error may have, in order of the alphabet."""
    refusals = {class_.code for class_ in _get_subclasses(errors.LicenseApiError)}
    reasons = {rule.error for rule in verdict.RULES}
    codes = {code for code, _sentence in http_errors.values()}
    return sorted(codes | refusals | reasons)


def _get_subclasses(class_):
    return {class_}.union(*map(_get_subclasses, class_.__subclasses__()))


def _object(properties, optional=()):
    required = [name for name in properties if name not in optional]
    return {"type": "object", "properties": properties, "required": required}


def get_kind_schema(name, kind, is_nullable=True):
    """Return the schema of a field of a request."""
    schema = {
        payload.Text: _text_schema,
        payload.NewKey: lambda kind: {"type": "string", "pattern": payload.NEW_KEY},
        payload.Identifier: lambda kind: {
            "type": "string",
            "pattern": "^[1-9][0-9]{0,8}$",
        },
        payload.Integer: lambda kind: {
            "type": "integer",
            "minimum": kind.minimum,
            "maximum": kind.maximum,
        },
        payload.Boolean: lambda kind: {"type": "boolean"},
        payload.Features: lambda kind: {
            "type": "object",
            "propertyNames": {
                "pattern": FEATURE_NAME,
                "maxLength": payload.MAX_FEATURE_NAME,
            },
            "additionalProperties": {"$ref": "#/components/schemas/Feature"},
        },
        payload.Choice: lambda kind: {"type": "string", "enum": list(kind.words)},
        payload.Moment: lambda kind: {
            "type": "string",
            "format": "date-time",
            "pattern": "^(19[7-9][0-9]|2[0-9]{3})-",
            "description": "In the years 1970 to 2999; without a zone in UTC.",
        },
    }[type(kind)](kind)
    if is_nullable and not kind.required:
        schema["type"] = [schema["type"], "null"]
        if "enum" in schema:
            schema["enum"] = [*schema["enum"], None]
    return schema


def _text_schema(kind):
    return {
        "type": "string",
        "maxLength": kind.max_length,
        "pattern": REQUIRED_TEXT if kind.required or kind.is_filled else OPTIONAL_TEXT,
    }
