"""Copy this folder, give it the name of the partner's format, and fill in what ``README.md`` lists."""
