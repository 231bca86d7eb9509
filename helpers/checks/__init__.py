"""An exercise observed and judged: what goes in and comes out, what is compared, and what a student reads."""
