import { Component, useState } from "@odoo/owl";
import { _t } from "@web/core/l10n/translation";
import { useService } from "@web/core/utils/hooks";

/** The way to the first license, in steps that are done by their results. */
export class LicenseOnboarding extends Component {
    static template = "software_license.Onboarding";
    static props = { steps: Array };

    setup() {
        this.action = useService("action");
        this.orm = useService("orm");
        this.state = useState({ isOpen: this.props.steps.length > 0 });
    }

    getState(step) {
        return step.is_done ? _t("Done") : _t("To do");
    }

    isNext(step) {
        return step === this.props.steps.find((each) => !each.is_done);
    }

    open(step) {
        return this.action.doAction(step.action);
    }

    async close() {
        await this.orm.call("software.license.onboarding", "close", []);
        this.state.isOpen = false;
    }
}
