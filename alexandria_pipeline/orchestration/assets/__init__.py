"""What exists after each step of a month. An asset asks one stage and shows its counts; see `reporting`."""
