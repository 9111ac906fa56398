"""Push by webhook: where one may go, how one is sent and answered, what becomes of it, and who asked for it."""
