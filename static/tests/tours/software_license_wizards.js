import { registry } from "@web/core/registry";
import { stepUtils } from "@web_tour/tour_utils";

const CSV = `Customer,Policy,License Key,Valid Until,State
Tour Customer,Tour Policy,TOUR-OLD-0001,2099-12-31,Active
Tour Customer,Tour Policy,TOUR-OLD-0002,,Suspended
`;

/** Choose a record by a part of its name in a field of the wizard. */
function choose(field, name) {
    return [
        {
            content: `Look for ${name}`,
            trigger: `.modal div[name=${field}] input`,
            run: `edit ${name}`,
        },
        {
            content: `Choose ${name}`,
            trigger: `.o-autocomplete--dropdown-item:contains(${name})`,
            run: "click",
        },
    ];
}

/** Give a file to the import screen, as its upload button does. */
function upload() {
    const files = new DataTransfer();
    files.items.add(new File([CSV], "keys.csv", { type: "text/csv" }));
    const input = document.querySelector("input.o_input_file");
    input.files = files.files;
    input.dispatchEvent(new Event("change", { bubbles: true }));
}

registry.category("web_tour.tours").add("software_license_issue", {
    steps: () => [
        stepUtils.showAppsMenuItem(),
        {
            content: "Open the app",
            trigger: ".o_app[data-menu-xmlid='software_license.menu_root']",
            run: "click",
        },
        {
            content: "Issue licenses by hand",
            trigger: ".o_main_navbar [data-menu-xmlid='software_license.menu_issue']",
            run: "click",
        },
        ...choose("partner_id", "Tour Customer"),
        ...choose("policy_id", "Tour Policy"),
        {
            content: "Two of them",
            trigger: ".modal div[name=quantity] input",
            run: "edit 2 && press Tab",
        },
        {
            content: "It says what will happen",
            trigger: ".modal div[name=summary]:contains(2 licenses, devices: 3 each)",
        },
        {
            content: "But one is enough",
            trigger: ".modal div[name=quantity] input",
            run: "edit 1 && press Tab",
        },
        {
            content: "It says that, too",
            trigger: ".modal div[name=summary]:contains(1 license, devices: 3)",
        },
        {
            content: "Issue it",
            trigger: ".modal button[name=action_issue]",
            run: "click",
        },
        {
            content: "The key is there",
            trigger: ".o_form_view div[name=license_key]:contains(TOUR-)",
        },
    ],
});

registry.category("web_tour.tours").add("software_license_import", {
    steps: () => [
        {
            content: "Open the menu of the list",
            trigger: ".o_control_panel .o_cp_action_menus .dropdown-toggle",
            run: "click",
        },
        {
            content: "Import records",
            trigger: ".o-dropdown--menu .o_import_menu",
            run: "click",
        },
        {
            content: "The template is offered",
            trigger: "a[href$='/software_license.csv']",
        },
        {
            content: "Upload the file",
            trigger: ".o_import_file",
            run: upload,
        },
        {
            content: "Its columns were recognized, the last day among them",
            trigger: ".o_import_data_content:contains(Valid Until)",
        },
        {
            content: "Test it",
            trigger: ".o_control_panel button:contains(Test)",
            run: "click",
        },
        {
            content: "All is well",
            trigger: ".alert-info:contains(Everything seems valid)",
        },
        {
            content: "Import it",
            trigger: ".o_control_panel button:contains(Import)",
            run: "click",
        },
        {
            content: "Both licenses are in the list",
            trigger: ".o_list_view .o_data_row:contains(TOUR-OLD-0001)",
        },
        {
            content: "The second one is suspended",
            trigger: ".o_data_row:contains(TOUR-OLD-0002):contains(Suspended)",
        },
    ],
});
