"""`python -m course report`: `sent` reads; `counts`, `alike` and `changes` look; `page` and `student` write."""
