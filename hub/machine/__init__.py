"""What the hub takes from the machine that it runs on: time and ids."""
