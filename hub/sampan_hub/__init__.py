"""The broker: centres, capacity, placement, launches and links. A process of its own beside the hub."""
