"""`python -m course report`: the class at a glance. `sent` reads, `counts`, `alike` and `changes` look, `page` writes."""
