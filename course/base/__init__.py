"""What every room stands on: paths and settings, files, text. Nothing is made when it is imported."""
