"""From lessons to what people see: notebooks, the README's tables and pictures, the site."""
