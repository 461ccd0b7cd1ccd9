"""Recipe `ladder`: `climb` orders, `joint` chooses what is run, `rungs` runs and remembers it, `lengths` says what is level and what to confirm."""
