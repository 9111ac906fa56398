"""What all commands share: opening the hub, showing an answer, telling an error."""
