"""What a license allows: its own override, else what the policy says."""

from math import floor

#: On a license: no override, the policy's limit counts. On a policy: unlimited.
INHERIT = 0
#: On a license: unlimited, whatever the policy says.
UNLIMITED = -1


def features(policy_features, own_features):
    """Return the features in force: the license's own win, key by key."""
    return {**(policy_features or {}), **(own_features or {})}


def seat_limit(policy_max, own_max, quantity):
    """Return how many devices may hold a seat, None when unlimited.

    A limit set on the license stands as it is; the policy's is per unit bought.
    """
    if own_max == UNLIMITED:
        return None
    if own_max != INHERIT:
        return own_max
    if not policy_max:
        return None
    # Whoever paid for a part of a unit can use it: one device at least.
    return max(1, floor(round(policy_max * quantity, 6)))


def describe(features_):
    """Return features in the words of a customer; what is off is left out.

    {"export": True, "max_users": 50, "beta": False} → ["Export", "Max users: 50"]
    """
    texts = []
    for name, value in features_.items():
        label = name.replace("_", " ").replace("-", " ").strip().capitalize()
        if value is True:
            texts.append(label)
        elif value not in (False, None, "", [], {}):
            texts.append(f"{label}: {_in_words(value)}")
    return texts


def _in_words(value):
    if isinstance(value, dict):
        return ", ".join(describe(value))
    if isinstance(value, list):
        return ", ".join(_in_words(item) for item in value)
    return str(value)
