"""What the OpenAPI document shows as examples."""

KEY = "ACME-7K3M-91QZ-V0XT-8RWB"
MOMENT = "2027-01-15T00:00:00Z"
FEATURES = {"export": True, "max_users": 50}

EXAMPLES = {
    "licenseKey": KEY,
    "deviceId": "3f9c2b7e",
    "deviceName": "John's Laptop",
    "application": "acme-editor",
    "nonce": "c29tZS1yYW5kb20",
    "customerId": "7",
    "productId": "12",
    "policyId": "3",
    "maxActivations": 5,
    "features": FEATURES,
    "expiresAt": MOMENT,
    "trial": False,
    "status": "suspended",
}
ACTIVATION = {
    "deviceId": "3f9c2b7e",
    "deviceName": "John's Laptop",
    "activatedAt": "2026-01-15T10:30:00Z",
    "lastSeenAt": "2026-01-15T10:30:00Z",
}
SEATS = {"currentActivations": 2, "maxActivations": 5}
VALID = {
    "valid": True,
    "status": "active",
    "features": FEATURES,
    "expiresAt": MOMENT,
}
INVALID = {
    **VALID,
    "valid": False,
    "status": "expired",
    "error": "license_expired",
    "message": "This license has expired.",
}
#: Header, claims and signature of a token, in short.
TOKEN = "eyJhbGciOiJFZERTQSIs….eyJzdWIiOiI0MSIs….k1Xq0cX1…"
JWK = {
    "kty": "OKP",
    "crv": "Ed25519",
    "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
    "kid": "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k",
    "use": "sig",
    "alg": "EdDSA",
    "iss": "urn:uuid:0b9a4c6e-5d0e-4d3c-9a53-6a5a1e4b7c10",
    "endorsements": [],
}
LICENSE = {
    "id": "41",
    "licenseKey": KEY,
    "customerId": "7",
    "customerName": "Blue Heron Studio",
    "productId": "12",
    "productName": "Acme Editor Pro",
    "policyId": "3",
    "application": "acme-editor",
    "plan": "pro",
    "status": "active",
    **SEATS,
    "features": FEATURES,
    "expiresAt": MOMENT,
    "trialEndsAt": None,
    "subscription": None,
    "createdAt": "2026-01-15T10:30:00Z",
}
INSTANCE = {
    "valid": True,
    "plan": "pro",
    "features": FEATURES,
    "organizationName": "Blue Heron Studio",
    "currentPeriodEnd": "2027-01-15T00:00:00+00:00",
    "billingUrl": "https://example.com/my/orders/7",
}
