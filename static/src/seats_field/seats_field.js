import { Component } from "@odoo/owl";
import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { standardFieldProps } from "@web/views/fields/standard_field_props";

/**
 * The seats of a license: "3 / 5", above a bar that is as full as the license.
 * Without a limit there is no bar: nothing can run out.
 */
export class SeatsField extends Component {
    static template = "software_license.SeatsField";
    static props = { ...standardFieldProps };

    get count() {
        return this.props.record.data.seat_count;
    }

    /** 0: unlimited. */
    get limit() {
        return this.props.record.data.seat_limit;
    }

    get percentage() {
        return Math.min(100, Math.round((100 * this.count) / this.limit));
    }

    get color() {
        if (this.count > this.limit) {
            return "bg-danger";
        }
        return this.count === this.limit ? "bg-warning" : "bg-success";
    }

    get title() {
        if (!this.limit) {
            return _t("%(count)s devices, of any number", { count: this.count });
        }
        return _t("%(count)s of %(limit)s devices", {
            count: this.count,
            limit: this.limit,
        });
    }
}

export const seatsField = {
    component: SeatsField,
    displayName: _t("License Seats"),
    supportedTypes: ["char"],
    fieldDependencies: [
        { name: "seat_count", type: "integer" },
        { name: "seat_limit", type: "integer" },
    ],
};

registry.category("fields").add("license_seats", seatsField);
