"""Says what the contracts say in a partner's own tongue. Knows neither the hub nor the consent."""
