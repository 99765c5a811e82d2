/**
 * What is in force, by the policy's features and a license's own. The same table is
 * read by tests/test_features.py, so that the form shows what the server answers.
 */
export const CASES = [
    { "policy": {}, "own": {}, "effective": {} },
    { "policy": { "a": true }, "own": {}, "effective": { "a": true } },
    { "policy": {}, "own": { "a": 1 }, "effective": { "a": 1 } },
    { "policy": { "a": true }, "own": { "a": false }, "effective": { "a": false } },
    { "policy": { "a": 5 }, "own": { "a": 0 }, "effective": { "a": 0 } },
    { "policy": { "a": "x" }, "own": { "a": "" }, "effective": { "a": "" } },
    { "policy": { "a": 5 }, "own": { "a": null }, "effective": { "a": null } },
    { "policy": { "a": 5 }, "own": { "A": 6 }, "effective": { "A": 6, "a": 5 } },
    { "policy": { "a": [1, 2] }, "own": { "a": [3] }, "effective": { "a": [3] } },
    {
        "policy": { "a": { "x": 1, "y": 2 }, "b": 2.5 },
        "own": { "a": { "x": 3 }, "c": "é" },
        "effective": { "a": { "x": 3 }, "b": 2.5, "c": "é" }
    }
];
