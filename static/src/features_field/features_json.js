import { _t } from "@web/core/l10n/translation";

/**
 * Features as JSON text, taken apart and put together again without reading their
 * values: a number keeps each of its digits, what is nested stays as it was written.
 *
 * @typedef {"boolean" | "number" | "string" | "json"} FeatureType
 * @typedef {{ name: string, type: FeatureType, raw: string }} Feature raw: JSON text
 */

/** As on the server (tools/payload.py). */
export const MAX_NAME = 128;
/** So many digits survive where numbers are binary fractions. */
const MAX_DIGITS = 15;

const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g;
const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

/**
 * @param {string | false} text a JSON object; empty: no features
 * @returns {Feature[]} in the order of the text, with names that come twice
 * @throws {Error} with a message for people
 */
export function parseFeatures(text) {
    if (!text || !text.trim()) {
        return [];
    }
    let value;
    try {
        value = JSON.parse(text);
    } catch (error) {
        throw new Error(_t("This is not JSON: %s", error.message));
    }
    if (value === null) {
        return [];
    }
    if (typeof value !== "object" || Array.isArray(value)) {
        throw new Error(_t('Write a JSON object, such as {"export": true}.'));
    }
    return splitObject(text);
}

/** Take a text apart that is known to be a JSON object. */
function splitObject(text) {
    const features = [];
    let depth = 0;
    let name = null;
    let start = null;
    for (const { 0: token, index } of text.matchAll(TOKEN)) {
        if (depth === 1 && name !== null && start !== null && ",}".includes(token)) {
            const raw = text.slice(start, index).trim();
            features.push({ name, type: getType(raw), raw });
            name = start = null;
        } else if (depth === 1 && token === ":") {
            start = index + 1;
        } else if (depth === 1 && name === null && token.startsWith('"')) {
            name = JSON.parse(token);
        }
        depth += { "{": 1, "[": 1, "}": -1, "]": -1 }[token] || 0;
    }
    return features;
}

/** @returns {FeatureType} */
function getType(raw) {
    if (raw === "true" || raw === "false") {
        return "boolean";
    }
    if (raw.startsWith('"')) {
        return "string";
    }
    return NUMBER.test(raw) ? "number" : "json";
}

/**
 * @param {Feature[]} features
 * @returns {string | false} as the server writes it
 */
export function formatFeatures(features) {
    const lines = features.map(({ name, raw }) => `  ${JSON.stringify(name)}: ${raw}`);
    return lines.length ? `{\n${lines.join(",\n")}\n}` : false;
}

/** @returns {string} a value's JSON text as people write it: texts without quotes */
export function toInput({ type, raw }) {
    return type === "string" ? JSON.parse(raw) : raw;
}

/** @returns {string} the JSON text of what was written; for numbers, see getValueError */
export function toRaw(type, input) {
    return type === "string" ? JSON.stringify(input) : input.trim();
}

/** @returns {string} the JSON text that comes nearest in another type */
export function convert(feature, type) {
    const input = toInput(feature);
    if (type === "string") {
        return toRaw(type, input);
    }
    if (type === "boolean") {
        return String(!["", "0", "false"].includes(input));
    }
    return NUMBER.test(input) ? input : input === "true" ? "1" : "0";
}

/** @returns {string} what is wrong with a name, empty when nothing is */
export function getNameError(name, names) {
    if (!name.trim()) {
        return _t("This feature has no name.");
    }
    if ([...name].length > MAX_NAME) {
        return _t("“%s” is too long for a name.", name);
    }
    if (names.filter((it) => it === name).length > 1) {
        return _t("“%s” is here twice.", name);
    }
    return "";
}

/** @returns {string} what is wrong with a written value, empty when nothing is */
export function getValueError({ name, type, raw }) {
    if (type !== "number") {
        return "";
    }
    if (!NUMBER.test(raw) || !isFinite(raw)) {
        return _t("“%s” needs a number, such as 50 or 2.5.", name);
    }
    const digits = raw.replace(/[eE].*/, "").replace(/^-?[0.]*|\./g, "");
    if (/[.eE]/.test(raw) && digits.length > MAX_DIGITS) {
        return _t("“%(name)s” can keep %(count)s digits only.", {
            name,
            count: MAX_DIGITS,
        });
    }
    return "";
}
