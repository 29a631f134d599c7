"""Names, direction and single observation: from addresses to who talks to whom."""

from flowkit.enrich.dedupe import dedupe
from flowkit.enrich.enriching import enrich
from flowkit.enrich.inventory import Inventory, InventoryWarning
from flowkit.enrich.orient import orient
from flowkit.enrich.subnets import SubnetLabels

__all__ = ["Inventory", "InventoryWarning", "SubnetLabels", "dedupe", "enrich", "orient"]
