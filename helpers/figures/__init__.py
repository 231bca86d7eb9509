"""What `helpers.show` is made of: text and tables, plots, pictures, drawings."""
