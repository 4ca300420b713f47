"""An appliance that answers as a capture says."""
