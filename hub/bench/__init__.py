"""``hub bench``: what this hub can carry on this machine, as ratios from one run. It measures, and never judges.

`course` runs the phases in order; `region` builds what is sent about; `load`, `receiver` and `echo` are processes of
their own, so that measuring does not share the worker's interpreter; `inserts` is the limit that the database sets.
"""
