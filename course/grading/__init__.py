"""Many records become a gradebook: nbgrader's, by one writer."""
