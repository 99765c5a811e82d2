from odoo import models


class SoftwareLicenseLineMixin(models.AbstractModel):
    """What lines of orders and of invoices have in common: how much they license."""

    _name = "software.license.line.mixin"
    _description = "Line That Sells Licenses"

    #: Name of the field that holds the quantity sold.
    _license_quantity_field = None

    def _get_license_source(self):
        """Return what a line's licenses come of, as "model,id"."""
        raise NotImplementedError

    def _license_identity(self):
        """Return what a line's licenses are known by: renewals have the same.

        (subscription, application), else the order line, else the line itself.
        Override it to tie further documents together.
        """
        self.ensure_one()
        policy = self.product_id._get_license_policy()
        return f"{self._get_license_source()}|{policy.application}"

    def _get_license_quantity(self):
        """Return the units sold, in the product's own unit."""
        self.ensure_one()
        quantity, unit = self[self._license_quantity_field], self.product_uom_id
        if not unit or unit == self.product_id.uom_id:
            return quantity
        return unit._compute_quantity(quantity, self.product_id.uom_id, round=False)

    def _is_license_of_seats(self):
        """Do all units of this line go to one license?"""
        return self.product_id._get_license_policy().quantity_rule == "seats"

    def _get_license_units(self):
        """Return how many licenses this line is for."""
        if self._is_license_of_seats():
            return 1
        return round(self._get_license_quantity())

    def _get_term_quantity(self):
        """Return the units that each license of this line gets."""
        return self._get_license_quantity() if self._is_license_of_seats() else 1

    def _describe_license_problem(self, problem):
        """Return a problem of this line as people read it; False without one."""
        return problem and self.env._(
            "%(product)s: %(problem)s.",
            product=self.product_id.display_name,
            problem=problem,
        )
