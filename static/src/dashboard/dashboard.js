import { Component, onWillStart } from "@odoo/owl";
import { deserializeDateTime } from "@web/core/l10n/dates";
import { registry } from "@web/core/registry";
import { useService } from "@web/core/utils/hooks";
import { Layout } from "@web/search/layout";
import { standardActionServiceProps } from "@web/webclient/actions/action_service";

import { LicenseOnboarding } from "../onboarding/onboarding";
import { LedgerChart } from "./ledger_chart";

const LICENSES = "software_license.software_license_action";
const STATUS_BADGES = {
    active: "text-bg-success",
    expired: "text-bg-secondary",
    suspended: "text-bg-warning",
    revoked: "text-bg-danger",
};

/** What needs somebody's attention; each figure leads to the very list it counts. */
export class LicenseDashboard extends Component {
    static template = "software_license.Dashboard";
    static components = { Layout, LedgerChart, LicenseOnboarding };
    static props = { ...standardActionServiceProps };

    setup() {
        this.action = useService("action");
        const orm = useService("orm");
        onWillStart(async () => {
            this.data = await orm.call("software.license", "get_dashboard", []);
        });
    }

    get hasLicenses() {
        return this.data.latest.length > 0;
    }

    openTile(tile) {
        return this.action.doAction(LICENSES, {
            additionalContext: { [`search_default_${tile.filter}`]: 1 },
        });
    }

    openLicense(license) {
        return this.action.doAction(LICENSES, {
            viewType: "form",
            props: { resId: license.id },
        });
    }

    open(action) {
        return this.action.doAction(`software_license.${action}`);
    }

    getCount(tile) {
        return `${tile.count.toLocaleString()}${tile.has_more ? "+" : ""}`;
    }

    getBadge(license) {
        return STATUS_BADGES[license.status];
    }

    getStatus(license) {
        return this.data.statuses[license.status];
    }

    getDate(license) {
        return deserializeDateTime(license.create_date).toLocaleString({
            day: "numeric",
            month: "short",
            year: "numeric",
        });
    }

    getProduct(license) {
        return (license.product_id || license.policy_id).display_name;
    }
}

registry.category("actions").add("software_license.dashboard", LicenseDashboard);
