import { describe, expect, test } from "@odoo/hoot";
import { press, queryAll, queryAllTexts, queryOne, waitFor } from "@odoo/hoot-dom";
import { animationFrame } from "@odoo/hoot-mock";
import { defineMailModels } from "@mail/../tests/mail_test_helpers";
import {
    clickCancel,
    clickSave,
    contains,
    defineModels,
    fields,
    makeMockEnv,
    models,
    mountView,
    onRpc,
} from "@web/../tests/web_test_helpers";
import { formatFeatures, parseFeatures } from "@software_license/features_field/features_json";
import { getVisibleRows, makeRows } from "@software_license/features_field/features_rows";
import { CASES } from "./features_cases";

describe.current.tags("desktop");

class SoftwareLicensePolicy extends models.Model {
    _name = "software.license.policy";

    name = fields.Char({
        onChange: (record) => {
            record.policy_features_text = text('"users": 60');
        },
    });
    application = fields.Char();
    features_text = fields.Text();
    policy_features_text = fields.Text();

    _records = [
        { id: 1, application: "acme", features_text: false },
        { id: 2, application: "acme", features_text: '{"a": true, "users": 5, "list": [1]}' },
        { id: 3, application: "other", features_text: '{"other": true}' },
    ];
}
defineMailModels();
defineModels([SoftwareLicensePolicy]);

const POLICY = `
    <form>
        <field name="name"/>
        <field name="features_text" widget="license_features"
            options="{'application_field': 'application'}"/>
    </form>`;
const LICENSE = `
    <form>
        <field name="name"/>
        <field name="features_text" widget="license_features"
            options="{'inherited_field': 'policy_features_text'}"/>
    </form>`;

async function mount(features, { inherited = false, ...params } = {}) {
    Object.assign(SoftwareLicensePolicy._records[0], {
        features_text: features,
        policy_features_text: inherited,
    });
    await mountView({
        type: "form",
        resModel: "software.license.policy",
        resId: 1,
        arch: inherited ? LICENSE : POLICY,
        ...params,
    });
}

/** Expect that the next save writes these features, and nothing else of them. */
function expectSaved(text) {
    onRpc("web_save", ({ args }) => {
        expect.step("saved");
        expect(args[1].features_text).toBe(text);
    });
}

const row = (name) => `.o_license_feature[data-name='${name}']`;
const nameOf = (name) => `${row(name)} .o_license_feature_name input`;
const valueOf = (name) => `${row(name)} .o_license_feature_value .o_input`;
const actionOf = (name) => `${row(name)} .o_license_feature_action button`;
const text = (...lines) => `{\n  ${lines.join(",\n  ")}\n}`;

async function add(name, type) {
    await contains(".o_license_features_add").click();
    await animationFrame();
    expect(nameOf("")).toBeFocused();
    await contains(nameOf("")).edit(name);
    await contains(`${row(name)} select`).select(type);
}

test("what is not touched is written as it was, digit by digit", () => {
    const exact = text(
        '"big": 12345678901234567890123',
        '"exact": 0.12345678901234567890',
        '"float": 5.0',
        '"nested": {\n    "a": [1, {"b": "}, \\""}],\n    "c": 1e400\n  }',
        '"null": null',
        '"quoted \\"name\\\\": "line\\nbreak, {and: more}"'
    );
    expect(formatFeatures(parseFeatures(exact))).toBe(exact);
    expect(parseFeatures(exact).map(({ type }) => type)).toEqual([
        "number",
        "number",
        "number",
        "json",
        "json",
        "string",
    ]);
});

test("what is no object is refused", async () => {
    await makeMockEnv();
    for (const wrong of ["{", "[1]", "5", '"a"', '{"a": NaN}', '{"a": 1,}']) {
        expect(() => parseFeatures(wrong)).toThrow(/JSON/);
    }
    for (const empty of [false, "", " ", "null", "{}"]) {
        expect(parseFeatures(empty)).toEqual([]);
    }
});

test("the rows of a license show what the server answers", () => {
    for (const { policy, own, effective } of CASES) {
        const rows = getVisibleRows(makeRows(JSON.stringify(own), JSON.stringify(policy)));
        const shown = rows.map(({ name, raw }) => [name, JSON.parse(raw)]);
        expect(shown.length).toBe(Object.keys(effective).length);
        expect(Object.fromEntries(shown)).toEqual(effective);
    }
});

test("a switch, a number and a text are added and saved", async () => {
    expectSaved(text('"sso": true', '"users": 50', '"support": "24/7"'));
    await mount(false);
    expect(".o_license_features_empty").toHaveCount(1);
    await add("sso", "boolean");
    await add("users", "number");
    await contains(valueOf("users")).edit("50");
    await add("support", "string");
    await contains(valueOf("support")).edit("24/7");
    await clickSave();
    expect.verifySteps(["saved"]);
});

test("the last feature that is removed leaves none", async () => {
    expectSaved(false);
    await mount(text('"a": true'));
    await contains(actionOf("a")).click();
    expect(".o_license_features_add").toBeFocused();
    await clickSave();
    expect.verifySteps(["saved"]);
});

test("a change of type keeps what can be kept", async () => {
    expectSaved(text('"a": "50"', '"b": 1', '"c": 0', '"d": false'));
    await mount(text('"a": 50', '"b": true', '"c": "many"', '"d": 0'));
    await contains(`${row("a")} select`).select("string");
    await contains(`${row("b")} select`).select("number");
    await contains(`${row("c")} select`).select("number");
    await contains(`${row("d")} select`).select("boolean");
    await clickSave();
    expect.verifySteps(["saved"]);
});

test("what is nested is shown, kept and can be removed only", async () => {
    expectSaved(text('"list": [1, 2.0]', '"on": false'));
    await mount(text('"list": [1, 2.0]', '"nothing": null', '"on": true'));
    expect(queryAllTexts("code")).toEqual(["[1, 2.0]", "null"]);
    expect(`${row("list")} input, ${row("list")} select`).toHaveCount(0);
    await contains(actionOf("nothing")).click();
    await contains(`${row("on")} .form-check-input`).click();
    await clickSave();
    expect.verifySteps(["saved"]);
});

test("a text of several lines keeps them", async () => {
    expectSaved(text('"a": false', '"note": "one\\r\\ntwo"'));
    await mount(text('"a": true', '"note": "one\\r\\ntwo"'));
    expect(`${row("note")} textarea`).toHaveCount(1);
    await contains(`${row("a")} .form-check-input`).click();
    await clickSave();
    expect.verifySteps(["saved"]);
});

for (const [mistake, edit, complaint] of [
    ["no name", () => contains(nameOf("b")).edit(""), "This feature has no name."],
    ["a name that comes twice", () => contains(nameOf("b")).edit(" a "), "“a” is here twice."],
    ["no number", () => contains(valueOf("b")).edit("5x"), "“b” needs a number, such as 50 or 2.5."],
    ["an empty number", () => contains(valueOf("b")).edit(""), "“b” needs a number, such as 50 or 2.5."],
    ["a comma", () => contains(valueOf("b")).edit("1,5"), "“b” needs a number, such as 50 or 2.5."],
    ["an endless number", () => contains(valueOf("b")).edit("1e999"), "“b” needs a number, such as 50 or 2.5."],
    ["too many digits", () => contains(valueOf("b")).edit("0.1234567890123456"), "“b” can keep 15 digits only."],
]) {
    test(`${mistake} blocks saving and is told at its row`, async () => {
        onRpc("web_save", () => expect.step("saved"));
        await mount(text('"a": true', '"b": 5'));
        await edit();
        await animationFrame();
        expect(queryAllTexts(".o_license_features_error").at(-1)).toBe(complaint);
        const wrong = queryAll("input[aria-invalid=true]").at(-1);
        expect(`#${wrong.getAttribute("aria-describedby")}`).toHaveText(complaint);
        expect(".o_field_widget[name=features_text]").toHaveClass("o_field_invalid");
        expect(".o_form_button_save").not.toBeEnabled();
        await press("alt+s");
        await animationFrame();
        expect.verifySteps([]);
    });
}

test("a mistake that is mended can be saved", async () => {
    expectSaved(text('"a": true', '"b": 12345678901234567890'));
    await mount(text('"a": true', '"b": 5'));
    await contains(valueOf("b")).edit("x");
    await contains(valueOf("b")).edit(" 12345678901234567890 ");
    expect(".o_license_features_error").toHaveCount(0);
    await clickSave();
    expect.verifySteps(["saved"]);
});

test("mistakes are gone when the changes are discarded", async () => {
    await mount(text('"a": 5'));
    await contains(valueOf("a")).edit("x");
    await clickCancel();
    await animationFrame();
    expect(".o_license_features_error").toHaveCount(0);
    expect(valueOf("a")).toHaveValue("5");
});

test("a row with a mistake is still there after a look at another page", async () => {
    await mount(text('"a": 5'), {
        arch: `
            <form><sheet><notebook>
                <page name="one" string="One">
                    <field name="features_text" widget="license_features"/>
                </page>
                <page name="two" string="Two"><field name="name"/></page>
            </notebook></sheet></form>`,
    });
    await contains(valueOf("a")).edit("x");
    await contains(".nav-link:contains(Two)").click();
    await contains(".nav-link:contains(One)").click();
    expect(valueOf("a")).toHaveValue("x");
    expect(".o_license_features_error").toHaveCount(1);
});

test("Enter adds the next row, and a row left blank is no feature", async () => {
    expectSaved(text('"a": 7'));
    await mount(text('"a": 5'));
    await contains(valueOf("a")).edit("7", { confirm: false });
    await press("Enter");
    await animationFrame();
    expect(nameOf("")).toBeFocused();
    await press("Enter");
    await animationFrame();
    expect(".o_license_feature").toHaveCount(2);
    await clickSave();
    expect.verifySteps(["saved"]);
});

test("the focus stays at hand when a row is removed", async () => {
    await mount(text('"a": 1', '"b": 2', '"c": 3'));
    await contains(actionOf("b")).click();
    expect(actionOf("c")).toBeFocused();
    await contains(actionOf("c")).click();
    expect(actionOf("a")).toBeFocused();
});

test("the focus is not lost with the input of another type", async () => {
    await mount(text('"a": true'));
    await contains(`${row("a")} select`).select("string");
    await contains(valueOf("a")).focus();
    await contains(`${row("a")} select`).select("boolean");
    queryOne(`${row("a")} .o_license_feature_value input`).focus();
    await animationFrame();
    expect(`${row("a")} .form-check-input`).toBeFocused();
});

test("everything has a name for who can't see it", async () => {
    await mount(text('"a": true', '"b": 5', '"c": "x"'));
    for (const control of queryAll(".o_license_features :is(input, select, button)")) {
        expect(control.getAttribute("aria-label") || control.textContent.trim()).not.toBe("");
    }
    expect(valueOf("b")).toHaveAttribute("aria-label", "Value of b");
});

test("names of other policies of the application are suggested, with their type", async () => {
    onRpc("search_read", ({ args, kwargs }) => {
        expect.step("asked");
        expect(args[0] || kwargs.domain).toEqual([["application", "=", "acme"]]);
    });
    await mount(text('"a": true'));
    await contains(".o_license_features_add").click();
    await contains(nameOf("a")).click();
    await contains(nameOf("")).click();
    const suggested = queryAll("datalist option").map((option) => option.value);
    expect(suggested).toEqual(["users"]);
    await contains(nameOf("")).edit("users");
    expect(`${row("users")} select`).toHaveValue("number");
    expect.verifySteps(["asked"]);
});

test("a license overrides a feature of its policy, and goes back to it", async () => {
    expectSaved(text('"extra": true', '"users": 80'));
    await mount(text('"extra": true'), { inherited: text('"sso": true', '"users": 50') });
    expect(queryAllTexts(".o_license_feature_source")).toEqual([
        "this license only",
        "from policy",
        "from policy",
    ]);
    await contains(actionOf("sso")).click();
    expect(`${row("sso")} .form-check-input`).toBeFocused();
    await contains(actionOf("users")).click();
    await contains(valueOf("users")).edit("80");
    expect(`${row("users")} .o_license_feature_source`).toHaveText("policy: 50");
    await contains(actionOf("sso")).click();
    expect(actionOf("sso")).toBeFocused();
    expect(`${row("sso")} .o_license_feature_source`).toHaveText("from policy");
    await clickSave();
    expect.verifySteps(["saved"]);
});

test("a new feature named as one of the policy's overrides it", async () => {
    await mount(false, { inherited: text('"users": 50') });
    await add("users", "number");
    expect(row("users")).toHaveCount(1);
    expect(`${row("users")} .o_license_feature_source`).toHaveText("policy: 50");
    await contains(actionOf("users")).click();
    expect(`${row("users")} .o_license_feature_source`).toHaveText("from policy");
});

test("with another policy the own rows stay, mistakes and all", async () => {
    await mount(text('"seats": 1'), { inherited: text('"sso": true', '"users": 50') });
    await contains(actionOf("users")).click();
    await contains(valueOf("users")).edit("x");
    await contains("[name=name] input").edit("other policy");
    await waitFor(".o_license_feature_source:contains(policy: 60)");
    expect(queryAllTexts(".o_license_feature_source")).toEqual(["this license only", "policy: 60"]);
    expect(valueOf("users")).toHaveValue("x");
    expect(".o_license_features_error").toHaveCount(1);
    expect(".o_form_button_save").not.toBeEnabled();
});

test("who may not edit sees plain rows", async () => {
    await mount(text('"a": false'), { inherited: text('"b": "x"', '"c": [1]'), readonly: true });
    expect(".o_license_features :is(input, select, button, textarea)").toHaveCount(0);
    expect(queryAllTexts(".o_license_feature_value")).toEqual(["Off", "x", "[1]"]);
});

test("JSON is edited as text, with its mistakes told", async () => {
    expectSaved(text('"a": 1.0', '"b": [{"c": 2}]'));
    await mount(text('"a": true'));
    await contains(".o_license_features_toggle").click();
    expect("textarea").toBeFocused();
    for (const [wrong, complaint] of [
        ['{"a": 1,}', /^This is not JSON/],
        ["[1]", /^Write a JSON object/],
        ['{"a": 1, "a": 2}', /^“a” is here twice/],
        ['{" ": 1}', /^This feature has no name/],
    ]) {
        await contains("textarea").edit(wrong);
        expect(queryOne(".o_license_features_error").textContent).toMatch(complaint);
        await contains(".o_license_features_toggle").click();
        expect("textarea").toHaveCount(1);
    }
    await contains("textarea").edit('{"a": 1.0, "b": [{"c": 2}]}');
    await contains(".o_license_features_toggle").click();
    expect(valueOf("a")).toHaveValue("1.0");
    await clickSave();
    expect.verifySteps(["saved"]);
});
