/* global Chart */

import { Component, onMounted, onWillUnmount, useEffect, useRef, useState } from "@odoo/owl";
import { loadBundle } from "@web/core/assets";
import { cookie } from "@web/core/browser/cookie";
import { getCustomColor } from "@web/core/colors/colors";
import { deserializeDate } from "@web/core/l10n/dates";
import { useService } from "@web/core/utils/hooks";

const COLORS = {
    issued: "#1f77b4",
    converted: "#9467bd",
    renewed: "#2ca02c",
    churned: "#d62728",
};

/** How many licenses were issued, renewed and lost, by month. */
export class LedgerChart extends Component {
    static template = "software_license.LedgerChart";
    static props = {};

    setup() {
        this.canvas = useRef("canvas");
        this.orm = useService("orm");
        // The tiles do not wait for it: of many licenses it takes a while.
        this.state = useState({ data: null });
        onMounted(() => this.load());
        useEffect(
            () => this.drawChart(),
            () => [this.state.data]
        );
        onWillUnmount(() => this.chart?.destroy());
    }

    async load() {
        const [data] = await Promise.all([
            this.orm.silent.call("software.license.report", "get_chart", []),
            loadBundle("web.chartjs_lib"),
        ]);
        this.state.data = data;
    }

    /** What never happened needs no color in the legend. */
    get series() {
        return this.state.data.series.filter((series) => series.counts.some(Boolean));
    }

    get isEmpty() {
        return !this.series.length;
    }

    get months() {
        return this.state.data.months.map((day) =>
            deserializeDate(day).toLocaleString({ month: "short", year: "2-digit" })
        );
    }

    drawChart() {
        this.chart?.destroy();
        if (!this.canvas.el) {
            return;
        }
        const scheme = cookie.get("color_scheme");
        const text = getCustomColor(scheme, "#111827", "#e4e4e4");
        const grid = getCustomColor(scheme, "rgba(0,0,0,.1)", "rgba(255,255,255,.15)");
        this.chart = new Chart(this.canvas.el, {
            type: "bar",
            data: {
                labels: this.months,
                datasets: this.series.map((series) => ({
                    label: series.label,
                    data: series.counts,
                    backgroundColor: COLORS[series.kind],
                    maxBarThickness: 28,
                })),
            },
            options: {
                maintainAspectRatio: false,
                animation: false,
                plugins: { legend: { position: "bottom", labels: { color: text } } },
                scales: {
                    x: { ticks: { color: text }, grid: { display: false } },
                    y: {
                        beginAtZero: true,
                        ticks: { color: text, precision: 0 },
                        grid: { color: grid },
                    },
                },
            },
        });
    }
}
