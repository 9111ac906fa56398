"""One module per subject of messages; ``base`` says what a kind is, ``fields`` what a field may hold."""
