import { registry } from "@web/core/registry";
import { stepUtils } from "@web_tour/tour_utils";

const row = (name) => `.o_license_feature[data-name='${name}']`;
const nameOf = (name) => `${row(name)} .o_license_feature_name input`;
const valueOf = (name) => `${row(name)} .o_license_feature_value input`;
const actionOf = (name) => `${row(name)} .o_license_feature_action button`;

const openFeatures = [
    { trigger: ".nav-link:contains(Features)", run: "click" },
    { trigger: ".o_license_features_add" },
];

/** @returns {Object[]} steps that add a feature and choose its type */
function add(name, type) {
    return [
        { trigger: ".o_license_features_add", run: "click" },
        { trigger: `${nameOf("")}:focus`, run: `edit ${name}` },
        { trigger: `${row(name)} select`, run: `select ${type}` },
    ];
}

registry.category("web_tour.tours").add("software_license_policy_features", {
    steps: () => [
        ...openFeatures,
        ...add("sso", "boolean"),
        ...add("max_users", "number"),
        { trigger: valueOf("max_users"), run: "edit 50 seats" },
        ...add("support", "string"),
        { trigger: `${row("max_users")} [role=alert]:contains(“max_users” needs a number)` },
        { trigger: ".o_form_button_save:disabled" },
        { trigger: valueOf("support"), run: "edit within a day" },
        { trigger: valueOf("max_users"), run: "edit 50" },
        { trigger: actionOf("export"), run: "click" },
        { trigger: `.o_license_features:not(:has(${row("export")}))` },
        ...stepUtils.saveForm(),
    ],
});

registry.category("web_tour.tours").add("software_license_own_features", {
    steps: () => [
        ...openFeatures,
        { trigger: `${row("max_users")}:contains(from policy)` },
        { trigger: actionOf("max_users"), run: "click" },
        { trigger: `${valueOf("max_users")}:focus`, run: "edit 80" },
        { trigger: actionOf("sso"), run: "click" },
        { trigger: `${valueOf("sso")}:focus`, run: "click" },
        ...stepUtils.saveForm(),
        { trigger: `${row("max_users")}:contains(policy: 50)` },
        { trigger: actionOf("sso"), run: "click" },
        { trigger: `${row("sso")}:contains(from policy)` },
        ...stepUtils.saveForm(),
    ],
});
