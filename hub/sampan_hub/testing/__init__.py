"""What every transport and every scheduler must do, as tests. Shipped, so that one of your own can be held to it.

Needs pytest and pytest-asyncio (`asyncio_mode = auto`); nothing else in this package imports it.
"""
