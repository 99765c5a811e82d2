"""Records of noupdate files that are other ones today: no update reaches them.

Only what is still as it was installed changes; what somebody made of it stays.
"""

#: Record rules, by what their domain was. They are made anew, from our files.
RULES = {
    "policy_rule_company": "[('company_id', 'in', company_ids + [False])]",
    "term_rule_portal": "[('license_id.partner_id', 'child_of',"
    " user.commercial_partner_id.id)]",
}
#: Scheduled actions that ran once a day, and run once an hour.
HOURLY = ("cron_issue_licenses", "cron_refresh_quantities")

OURS = "SELECT res_id FROM ir_model_data WHERE module = 'software_license'"


def migrate(cr, version):
    for name, domain in RULES.items():
        cr.execute(
            "DELETE FROM ir_rule WHERE active AND domain_force = %s"
            f" AND id IN ({OURS} AND model = 'ir.rule' AND name = %s) RETURNING id",
            [domain, name],
        )
        cr.execute(
            "DELETE FROM ir_model_data WHERE module = 'software_license'"
            " AND model = 'ir.rule' AND res_id = ANY(%s)",
            [[rule for [rule] in cr.fetchall()]],
        )
    cr.execute(
        "UPDATE ir_cron SET interval_type = 'hours'"
        " WHERE interval_type = 'days' AND interval_number = 1"
        f" AND id IN ({OURS} AND model = 'ir.cron' AND name = ANY(%s))",
        [list(HOURLY)],
    )
