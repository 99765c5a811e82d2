import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { useBus, useService } from "@web/core/utils/hooks";
import { useRecordObserver } from "@web/model/relational_model/utils";
import { standardFieldProps } from "@web/views/fields/standard_field_props";
import { convert, formatFeatures, MAX_NAME, parseFeatures, toInput, toRaw } from "./features_json";
import {
    DEFAULTS,
    getInheritedRow,
    getOwnRows,
    getVisibleRows,
    makeNewRow,
    makeRow,
    makeRows,
    putOnInherited,
    validate,
} from "./features_rows";

import {
    Component,
    onMounted,
    onPatched,
    onWillPatch,
    onWillUnmount,
    toRaw as toPlain,
    useRef,
    useState,
} from "@odoo/owl";

/** Rows with mistakes, which the record can't hold, while another page is open. */
const drafts = new WeakMap();
let lastEditor = 0;

/**
 * Edits the JSON text of a license's or a policy's features as rows: a name, a type
 * and a value. On a license it also shows what comes from the policy.
 */
export class FeaturesField extends Component {
    static template = "software_license.FeaturesField";
    static props = {
        ...standardFieldProps,
        applicationField: { type: String, optional: true },
        inheritedField: { type: String, optional: true },
    };

    setup() {
        this.orm = useService("orm");
        this.rootRef = useRef("root");
        this.uid = `license_features_${++lastEditor}`;
        this.maxName = MAX_NAME;
        this.known = new Map();
        this.state = useState({
            rows: [],
            isJson: false,
            json: "",
            jsonError: "",
            knownNames: [],
        });
        useRecordObserver((record) => this.onRecord(record));
        const { bus } = this.props.record.model;
        useBus(bus, "NEED_LOCAL_CHANGES", ({ detail }) => detail.proms.push(this.commit()));
        useBus(bus, "WILL_SAVE_URGENTLY", () => this.commit());
        onMounted(() => this.applyFocus());
        onWillPatch(() => this.noteFocus());
        onPatched(() => this.applyFocus());
        onWillUnmount(() => this.keepDraft());
    }

    // === THE RECORD === //

    /** Show what the record holds, unless it is what was written here. */
    onRecord(record) {
        const text = record.data[this.props.name];
        const inherited = this.props.inheritedField && record.data[this.props.inheritedField];
        const isDiscarded = !record.isFieldInvalid(this.props.name) && this.hasMistakes;
        const isSame = this.shownRecord === toPlain(record) && this.text === text;
        if (!isSame || isDiscarded) {
            const draft = this.shownRecord ? null : drafts.get(toPlain(record));
            Object.assign(this, { shownRecord: toPlain(record), text, inherited });
            if (draft && draft.text === text && record.isFieldInvalid(this.props.name)) {
                this.showDraft(draft);
            } else {
                this.show(text);
            }
        } else if (this.inherited !== inherited) {
            this.inherited = inherited;
            this.state.rows = putOnInherited(this.state.rows, inherited);
        }
    }

    showDraft({ state }) {
        Object.assign(this.state, state);
        this.state.rows = putOnInherited(state.rows, this.inherited);
        this.hasMistakes = true;
    }

    /** @param {string | false} text */
    show(text) {
        const old = this.state.rows;
        this.state.rows = makeRows(text, this.inherited, old);
        this.state.json = text || "";
        this.state.jsonError = "";
        this.hasMistakes = false;
    }

    /** Write to the record what is shown, or tell it that this can't be saved. */
    async commit() {
        const { name, readonly, record } = this.props;
        if (readonly || !this.isTouched) {
            return;
        }
        this.isTouched = false;
        this.state.rows.filter((row) => row.isRenamed).forEach((row) => this.settleName(row));
        const text = this.read();
        record.model.bus.trigger("FIELD_IS_DIRTY", false);
        this.hasMistakes = text === null;
        if (this.hasMistakes) {
            record.setInvalidField(name);
            return;
        }
        if (record.isFieldInvalid(name)) {
            record.resetFieldValidity(name);
        }
        if (text !== record.data[name]) {
            this.text = text;
            await record.update({ [name]: text });
        }
    }

    /** @returns {string | false | null} the text of what is shown, null: mistakes */
    read() {
        if (this.state.isJson) {
            return this.readJson();
        }
        return validate(this.state.rows) ? formatFeatures(getOwnRows(this.state.rows)) : null;
    }

    readJson() {
        try {
            const rows = parseFeatures(this.state.json).map((feature) => makeRow(feature));
            const isValid = validate(rows);
            const wrong = rows.find((row) => row.nameError || row.valueError);
            this.state.jsonError = isValid ? "" : wrong.nameError || wrong.valueError;
            return isValid ? formatFeatures(rows) : null;
        } catch (error) {
            this.state.jsonError = error.message;
            return null;
        }
    }

    keepDraft() {
        const { rows, isJson, json, jsonError } = toPlain(this.state);
        const state = { rows, isJson, json, jsonError };
        if (this.hasMistakes) {
            drafts.set(this.shownRecord, { text: this.text, state });
        }
    }

    // === WHAT IS SHOWN === //

    get rows() {
        return getVisibleRows(this.state.rows);
    }

    get hasInherited() {
        return this.state.rows.some((row) => row.isInherited);
    }

    get types() {
        return [
            ["boolean", _t("Switch")],
            ["number", _t("Number")],
            ["string", _t("Text")],
        ];
    }

    getTypeLabel(row) {
        return Object.fromEntries(this.types)[row.type] || _t("JSON");
    }

    getInput(row) {
        return row.type === "json" ? row.raw : toInput(row);
    }

    getOverridden(row) {
        return row.isInherited ? undefined : getInheritedRow(this.state.rows, row);
    }

    /** @returns {string} a value as people read it */
    getText(row) {
        if (row.type === "boolean") {
            return row.raw === "true" ? _t("On") : _t("Off");
        }
        return this.getInput(row);
    }

    isEditable(row) {
        return !this.props.readonly && !row.isInherited && row.type !== "json";
    }

    /** What a policy has nested can't be overridden in a row. */
    hasAction(row) {
        return !row.isInherited || row.type !== "json";
    }

    /** The name of an override stays that of what it overrides. */
    isNameFixed(row) {
        return !this.isEditable(row) || row.isOverride;
    }

    isMultiline(row) {
        return /[\r\n]/.test(this.getInput(row));
    }

    getLabel(row, what) {
        const name = row.name || _t("new feature");
        return {
            name: _t("Name of %s", name),
            type: _t("Type of %s", name),
            value: _t("Value of %s", name),
            remove: _t("Remove %s", name),
            override: _t("Override %s", name),
            back: _t("Back to the policy's value of %s", name),
        }[what];
    }

    getId(row, what) {
        return `${this.uid}_${row.id}_${what}`;
    }

    // === EDITING === //

    /** Something was typed: it is written when its input is left, as Odoo does. */
    touch() {
        this.isTouched = true;
        this.props.record.model.bus.trigger("FIELD_IS_DIRTY", true);
    }

    onInputName(row, ev) {
        Object.assign(row, { name: ev.target.value, nameError: "", isRenamed: true });
        this.touch();
    }

    /** A name was written: a new feature has the type that it has elsewhere. */
    settleName(row) {
        Object.assign(row, { name: row.name.trim(), isRenamed: false });
        const type = this.known.get(row.name);
        if (row.isNew && type && row.raw === DEFAULTS[row.type]) {
            this.setType(row, type);
        }
    }

    onInputValue(row, ev) {
        row.raw = toRaw(row.type, ev.target.value);
        row.valueError = "";
        this.touch();
    }

    onToggle(row, ev) {
        row.raw = String(ev.target.checked);
        this.touch();
        this.commit();
    }

    onChangeType(row, ev) {
        this.setType(row, ev.target.value);
        this.touch();
        this.commit();
    }

    setType(row, type) {
        const isDefault = row.isNew && row.raw === DEFAULTS[row.type];
        Object.assign(row, { raw: isDefault ? DEFAULTS[type] : convert(row, type), type });
    }

    onKeydown(ev) {
        if (ev.key !== "Enter" || ev.target.tagName !== "INPUT" || ev.isComposing) {
            return;
        }
        ev.preventDefault();
        ev.stopPropagation();
        this.commit();
        if (!this.hasMistakes) {
            this.add();
        }
    }

    add() {
        const blank = this.state.rows.find((row) => row.isNew && !row.name.trim());
        const row = blank || makeNewRow();
        if (!blank) {
            this.state.rows.push(row);
        }
        this.focus(row, "name");
    }

    override(row) {
        const { name, type, raw } = row;
        const own = { ...makeRow({ name, type, raw }), isOverride: true };
        this.state.rows.splice(this.state.rows.indexOf(row) + 1, 0, own);
        this.touch();
        this.commit();
        this.focus(own, "value");
    }

    remove(row) {
        const index = this.rows.indexOf(row);
        this.state.rows.splice(this.state.rows.indexOf(row), 1);
        this.touch();
        this.commit();
        const next = this.rows[index] || this.rows.at(-1);
        this.focus(next && this.hasAction(next) ? next : null, "action");
    }

    toggleJson() {
        this.commit();
        if (this.hasMistakes) {
            return;
        }
        this.show(this.text);
        this.state.isJson = !this.state.isJson;
        this.focusedId = this.state.isJson ? `${this.uid}_json` : `${this.uid}_toggle`;
    }

    onInputJson(ev) {
        this.state.json = ev.target.value;
        this.state.jsonError = "";
        this.touch();
    }

    // === FOCUS === //

    /** Focus this as soon as it is there; without a row, what adds one. */
    focus(row, what) {
        this.focusedId = row ? this.getId(row, what) : `${this.uid}_add`;
        this.applyFocus();
    }

    noteFocus() {
        const active = document.activeElement;
        this.activeId = this.rootRef.el.contains(active) && active.id;
    }

    /** Also where what had the focus was replaced, by the input of another type. */
    applyFocus() {
        const isLost = document.activeElement === document.body;
        const id = this.focusedId || (isLost && this.activeId);
        const focused = id && this.rootRef.el.querySelector(`#${id}`);
        if (focused) {
            this.focusedId = null;
            focused.focus();
        }
    }

    // === SUGGESTIONS === //

    /** Learn which features other policies of the same application have. */
    async suggest() {
        const application = this.props.record.data[this.props.applicationField];
        if (!application || this.suggestedFor === application) {
            return;
        }
        this.suggestedFor = application;
        const policies = await this.orm.searchRead(
            "software.license.policy",
            [["application", "=", application]],
            ["features_text"],
            { limit: 80 }
        );
        const features = policies.flatMap((policy) => parseFeatures(policy.features_text));
        this.known = new Map(
            features.filter((it) => it.type !== "json").map(({ name, type }) => [name, type])
        );
        this.state.knownNames = [...this.known.keys()].sort();
    }

    get suggestions() {
        const used = new Set(this.rows.map((row) => row.name));
        return this.state.knownNames.filter((name) => !used.has(name));
    }
}

export const featuresField = {
    component: FeaturesField,
    displayName: _t("Features"),
    supportedOptions: [
        {
            label: _t("Field of the inherited features"),
            name: "inherited_field",
            type: "field",
            availableTypes: ["text"],
        },
        {
            label: _t("Field of the application"),
            name: "application_field",
            type: "field",
            availableTypes: ["char"],
        },
    ],
    supportedTypes: ["text"],
    additionalClasses: ["o_field_highlight"],
    isEmpty: () => false,
    extractProps: ({ options }) => ({
        applicationField: options.application_field,
        inheritedField: options.inherited_field,
    }),
    fieldDependencies: ({ options }) =>
        [
            { name: options.application_field, type: "char" },
            { name: options.inherited_field, type: "text" },
        ].filter((field) => field.name),
};

registry.category("fields").add("license_features", featuresField);
