"""Reports: how watched domains have been in a span of time, with the method printed on them. Knows the domain only."""
