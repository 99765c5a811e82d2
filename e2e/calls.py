"""Every kind of call, to be made again and again: which read, and which write."""

import requests


def make_reads(site, license_, key):
    """Return calls that only read, of a license with the device `laptop`, by name."""
    customer = _log_in(site, license_)

    def get(path, session=requests):
        return lambda: session.get(site.url(path), timeout=60)

    return {
        "verify": lambda: site.ask("verify", key, "laptop"),
        "health": get("health"),
        "jwks": get("jwks.json"),
        "openapi": get("openapi.json"),
        "docs": get("docs"),
        "list": lambda: site.manage("GET"),
        "read": lambda: site.manage("GET", f"/{key}"),
        "devices": lambda: site.manage("GET", f"/{key}/activations"),
        "portal list": get("/my/licenses", customer),
        "portal license": get(f"/my/licenses/{license_}", customer),
    }


def make_writes(site):
    """Return calls that write, by name: in this order each succeeds once."""
    policy = site.policy(self_deactivation=True)
    product = site.rpc.create("product.product", name="A", license_policy_id=policy)
    customer = site.rpc.create("res.partner", name="Customer")
    key, replaced, deleted = (site.license(policy)[1] for _license in range(3))
    instance = {"licenseKey": key, "instanceId": "3f9c2b7e"}
    url = site.url("/api/v1/licensing/validate")
    sale = {"customerId": str(customer), "productId": str(product)}
    features = {"features": {"export": True}}
    return {
        "validate": lambda: site.ask("validate", key, "phone"),
        "free": lambda: site.manage("DELETE", f"/{key}/activations/phone"),
        "validate again": lambda: site.ask("validate", key, "phone"),
        "deactivate": lambda: site.ask("deactivate", key, "phone"),
        "licensing": lambda: requests.post(url, json=instance, timeout=60),
        "issue": lambda: site.manage("POST", json=sale),
        "change": lambda: site.manage("PUT", f"/{key}", json=features),
        "file": lambda: site.manage("GET", f"/{key}/file"),
        "rotate": lambda: site.manage("POST", f"/{replaced}/rotate"),
        "delete": lambda: site.manage("DELETE", f"/{deleted}"),
    }


def _log_in(site, license_):
    """Return a session of the customer of a license, in the portal."""
    partner = site.rpc.read("software.license", license_, "partner_id")["partner_id"]
    login = "customer@example.com"
    site.rpc.create(
        "res.users",
        name="Customer",
        login=login,
        password=login,
        partner_id=partner,
        group_ids=[[6, 0, [site.rpc.xmlid("base.group_portal")]]],
    )
    session = requests.Session()
    params = {"db": site.server.db, "login": login, "password": login}
    url = f"{site.server.url}/web/session/authenticate"
    session.post(url, json={"params": params}, timeout=60).raise_for_status()
    # Odoo notes the device on the first page that it shows.
    session.get(f"{site.server.url}/my/licenses", timeout=60)
    return session
