import { registry } from "@web/core/registry";
import saleTour from "@sale/js/tours/tour_utils";

/** From an invoice to its license, whether the button opens a list or the form. */
function openLicense() {
    return [
        {
            content: "Open the licenses of the invoice",
            trigger: ".o_form_view button[name=action_view_licenses]",
            run: "click",
        },
        {
            content: "Open the license",
            trigger:
                ".o_list_view .o_data_cell[name=license_key]:contains(TOUR-), " +
                ".o_form_view [name=license_key]:contains(TOUR-)",
            run: "click",
        },
        {
            content: "See its key",
            trigger: ".o_form_view [name=license_key]:contains(TOUR-)",
        },
    ];
}

function post() {
    return [
        {
            content: "Confirm the invoice or credit note",
            trigger: ".o_statusbar_buttons button[name=action_post]",
            run: "click",
        },
        {
            content: "Wait until it is posted",
            trigger:
                ".o_field_statusbar[name=state] .o_arrow_button_current[data-value=posted]",
        },
    ];
}

function checkStatus(status) {
    return {
        content: `Check that the license is ${status}`,
        trigger:
            ".o_form_view [name=status] " +
            `.o_arrow_button_current[data-value=${status}]`,
    };
}

registry.category("web_tour.tours").add("software_license_sell", {
    steps: () => [
        ...saleTour.createNewSalesOrder(),
        ...saleTour.selectCustomer("Tour Customer"),
        ...saleTour.addProduct("Tour Editor"),
        {
            content: "Wait until the price of the product is known",
            trigger: ".o_field_widget[name=tax_totals]:contains(100.00)",
        },
        {
            content: "Confirm the quotation",
            trigger: ".o_statusbar_buttons button[name=action_confirm]",
            run: "click",
        },
        {
            content: "Invoice the order",
            trigger: ".o_statusbar_buttons button.btn-primary:contains(Create Invoice)",
            run: "click",
        },
        {
            content: "Create a regular invoice",
            trigger: ".modal button[name=create_invoices]",
            run: "click",
        },
        ...post(),
        {
            content: "Register the payment",
            trigger: ".o_statusbar_buttons button[name=action_register_payment]",
            run: "click",
        },
        {
            content: "Create the payment",
            trigger: ".modal button[name=action_create_payments]",
            run: "click",
        },
        ...openLicense(),
        checkStatus("active"),
    ],
});

registry.category("web_tour.tours").add("software_license_refund", {
    steps: () => [
        {
            content: "Make a credit note of the invoice",
            trigger: ".o_statusbar_buttons button[name=action_reverse]",
            run: "click",
        },
        {
            content: "Take the invoice back",
            trigger: ".modal button[name=refund_moves]",
            run: "click",
        },
        {
            content: "Wait for the credit note",
            trigger:
                ".o_field_statusbar[name=state] .o_arrow_button_current[data-value=draft]",
        },
        ...post(),
        {
            content: "Go back to the invoice",
            trigger: ".o_back_button",
            run: "click",
        },
        ...openLicense(),
        checkStatus("suspended"),
        {
            content: "Read why",
            trigger: ".o_form_view .alert:contains(payment was reversed)",
        },
    ],
});
