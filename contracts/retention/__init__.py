"""How long what is kept (AVG 5(1)(e)): terms as data, one file of defaults, which an operator may replace in part."""
