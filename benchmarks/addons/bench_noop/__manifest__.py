{
    "name": "The No-op of dev/bench",
    "version": "19.0.1.0.0",
    "license": "LGPL-3",
    "depends": ["base"],
}
