"""Which addresses are the API's."""

API_ROOTS = ("/api/licenses/", "/api/v1/licensing/")


def is_api(path):
    """Whether a path is one of the API's roots, or lies below one."""
    return f"{path}/".startswith(API_ROOTS)
