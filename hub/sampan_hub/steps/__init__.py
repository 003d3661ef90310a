"""One step of a launch each: look at what is, do one thing towards what is wanted, say when to look again.

Every step can be killed and run again: what it is about to do is written down before, what it has done after. A step
returns the seconds after which to look again at the latest (0: at once), or None when the launch is over.
"""
