"""SQL of what the region agreed: parties, access, agreements, rules, subscriptions."""
