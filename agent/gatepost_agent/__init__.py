"""agent: keeps the snapshot in step with the database and moves the journal into it; one per mail host."""
