import { registry } from "@web/core/registry";

const REQUEST = [
    "-----BEGIN LICENSE REQUEST-----",
    btoa(JSON.stringify({ version: 1, deviceId: "lab-pc", deviceName: "Lab PC" })),
    "-----END LICENSE REQUEST-----",
].join(" "); // a tour types no line breaks

registry.category("web_tour.tours").add("software_license_portal_device", {
    steps: () => [
        {
            content: "open the license, from the list",
            trigger: ".o_license_list a:contains(Editor Pro)",
            run: "click",
            expectUnloadPage: true,
        },
        {
            content: "both seats are taken",
            trigger: "dd:contains(2 of 2 in use)",
        },
        {
            content: "copy the key",
            trigger: ".o_license_copy",
            run: "click",
        },
        {
            content: "the browser says so, to everybody",
            trigger: ".o_license_copied[role=status]:not(:empty)",
        },
        {
            content: "free the old laptop",
            trigger: ".o_license_device:contains(Old laptop) .o_license_free button",
            run: "click",
        },
        {
            content: "and really free it",
            trigger: ".modal:contains(Free Old laptop?) .btn:contains(Free this device)",
            run: "click",
            expectUnloadPage: true,
        },
        {
            content: "the page says so, and a seat is free",
            trigger: ".o_license_notice:contains(Old laptop was freed)",
        },
        {
            trigger: "dd:contains(1 of 2 in use)",
        },
        {
            // But for Odoo's bar above it: a long name is too wide in some fonts.
            content: "the page fits on the phone",
            trigger: "main #request_text",
            run() {
                const { scrollWidth } = document.querySelector("main");
                if (scrollWidth > window.innerWidth) {
                    throw new Error(`the page is ${scrollWidth} pixels wide`);
                }
            },
        },
        {
            content: "paste the request of a device without internet",
            trigger: "#request_text",
            run: `edit ${REQUEST}`,
        },
        {
            content: "get its file: a download, which leaves the page as it is",
            trigger: "#file button[type=submit]",
            async run({ click }) {
                await click();
                let page = "";
                while (!page.includes("2 of 2 in use")) {
                    page = await (await fetch(window.location.href)).text();
                }
                window.location.reload();
            },
            expectUnloadPage: true,
        },
        {
            content: "the device has its seat",
            trigger: ".o_license_device:contains(Lab PC)",
        },
    ],
});
