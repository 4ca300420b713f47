"""What is exported, and how readings become it."""
