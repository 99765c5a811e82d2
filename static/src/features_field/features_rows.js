import { getNameError, getValueError, parseFeatures } from "./features_json";

/**
 * The rows of the editor: own features and, on a license, those of its policy.
 *
 * @typedef {import("./features_json").Feature & {
 *  id: number,
 *  isInherited: boolean,
 *  isNew?: boolean,
 *  isRenamed?: boolean,
 *  isOverride?: boolean,
 *  nameError?: string,
 *  valueError?: string,
 * }} Row
 */

/** What a new row holds until somebody says otherwise, by type. */
export const DEFAULTS = { boolean: "true", number: "0", string: '""' };

let lastId = 0;

/** @returns {Row} */
export function makeRow(feature, isInherited = false) {
    return { ...feature, isInherited, id: ++lastId };
}

/** @returns {Row} */
export function makeNewRow() {
    return { ...makeRow({ name: "", type: "boolean", raw: DEFAULTS.boolean }), isNew: true };
}

/**
 * Rows that were there before keep their ids, and so the elements that show them.
 *
 * @param {string | false} ownText
 * @param {string | false} inheritedText
 * @param {Row[]} [oldRows]
 * @returns {Row[]} by name
 */
export function makeRows(ownText, inheritedText, oldRows = []) {
    const own = parseFeatures(ownText).map((feature) => makeRow(feature));
    for (const row of own) {
        const old = oldRows.find((it) => !it.isInherited && it.name === row.name);
        row.id = old ? old.id : row.id;
    }
    return putOnInherited(own, inheritedText);
}

/**
 * @param {Row[]} rows of which the own ones are kept, mistakes and all
 * @param {string | false} inheritedText
 * @returns {Row[]} by name, new ones last
 */
export function putOnInherited(rows, inheritedText) {
    const inherited = parseFeatures(inheritedText).map((feature) => makeRow(feature, true));
    const own = rows.filter((row) => !row.isInherited);
    for (const row of own) {
        row.isOverride = !row.isNew && Boolean(getInheritedRow(inherited, row));
    }
    return [...inherited, ...own].sort(
        (a, b) => Number(a.isNew || 0) - Number(b.isNew || 0) || compare(a.name, b.name)
    );
}

function compare(a, b) {
    return a < b ? -1 : Number(a > b);
}

/** @returns {Row[]} what is written to the record */
export function getOwnRows(rows) {
    return rows.filter((row) => !row.isInherited && !isBlank(row));
}

/** @returns {Row[]} what is in force: own features win, as on the server */
export function getVisibleRows(rows) {
    const own = new Set(getOwnRows(rows).map((row) => row.name));
    return rows.filter((row) => !row.isInherited || !own.has(row.name));
}

/** @returns {Row | undefined} the policy's feature that a row overrides */
export function getInheritedRow(rows, row) {
    return rows.find((it) => it.isInherited && it !== row && it.name === row.name);
}

/** A row that was added and never filled is no feature, and no mistake. */
export function isBlank(row) {
    return Boolean(row.isNew) && !row.name.trim() && row.raw === DEFAULTS[row.type];
}

/** Look for mistakes, and note them on their rows. @returns {boolean} is all well */
export function validate(rows) {
    const own = getOwnRows(rows);
    const names = own.map((row) => row.name);
    for (const row of rows) {
        const isOwn = own.includes(row);
        row.nameError = isOwn ? getNameError(row.name, names) : "";
        row.valueError = isOwn ? getValueError(row) : "";
    }
    return !rows.some((row) => row.nameError || row.valueError);
}
