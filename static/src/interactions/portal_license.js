import { ConfirmationDialog } from "@web/core/confirmation_dialog/confirmation_dialog";
import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { Interaction } from "@web/public/interaction";

/** Copies the key, and says so to everybody. */
export class LicenseKey extends Interaction {
    static selector = ".o_license_key";
    dynamicContent = {
        ".o_license_copy": {
            "t-on-click": this.copy,
            "t-att-class": () => ({ "d-none": false }),
        },
        ".o_license_copied": { "t-out": () => this.said },
    };

    setup() {
        this.said = "";
    }

    async copy() {
        const isCopied = await this.waitFor(this.copyText());
        this.said = ""; // a screen reader tells of changes only
        this.updateContent();
        this.waitForTimeout(() => {
            this.said = isCopied ? _t("Copied") : _t("Selected: copy it with your keyboard");
        }, 50);
    }

    /** Return whether the key is in the clipboard; else it is selected. */
    async copyText() {
        const keyEl = this.el.querySelector(".o_license_key_text");
        try {
            await navigator.clipboard.writeText(keyEl.textContent.trim());
            return true;
        } catch {
            // No clipboard on a page without https, or where it is refused.
            window.getSelection().selectAllChildren(keyEl);
            return document.execCommand("copy");
        }
    }
}

/** Asks before a device is freed. Without scripts, the form just frees it. */
export class LicenseFree extends Interaction {
    static selector = "form.o_license_free";
    dynamicContent = {
        _root: { "t-on-submit.prevent": this.ask },
    };

    ask() {
        this.services.dialog.add(ConfirmationDialog, {
            title: _t("Free %s?", this.el.dataset.device),
            body: _t(
                "The software stops on this device, unless it asks for a seat again. Another device can take the seat."
            ),
            confirmLabel: _t("Free this device"),
            confirmClass: "btn-danger",
            confirm: () => this.el.submit(),
            cancel: () => {},
        });
    }
}

const interactions = registry.category("public.interactions");
interactions.add("software_license.key", LicenseKey);
interactions.add("software_license.free", LicenseFree);
