import { registry } from "@web/core/registry";
import { CalendarModel } from "@web/views/calendar/calendar_model";
import { calendarView } from "@web/views/calendar/calendar_view";

/** Ends of licenses, by the name of the customer: nobody knows a key by heart. */
class LicenseCalendarModel extends CalendarModel {
    normalizeRecord(rawRecord) {
        const record = super.normalizeRecord(rawRecord);
        return { ...record, title: rawRecord.partner_id?.[1] || record.title };
    }
}

registry.category("views").add("license_calendar", {
    ...calendarView,
    Model: LicenseCalendarModel,
});
