"""Wrong and right answers, one module an exercise, named as in helpers/exercises.

`WRONG` lists (misconception or None, change), `RIGHT` lists changes. A change is a dict
{text in the solution cell: what the student wrote instead}, or the whole source of the cell.
A misconception is the name in the exercise module; None: rejected without a known cause.
"""
