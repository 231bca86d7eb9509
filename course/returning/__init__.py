"""What goes back: points, feedback pages, files for the LMS."""
