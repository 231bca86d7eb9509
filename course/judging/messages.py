"""What only grading says to a student; all else is said by the check, and by the exercise."""

from helpers.checks.observe import State

ENDED = {
    State.TIMEOUT: "Your code did not come to an end and was stopped. Is there a loop that never ends?",
    State.MEMORY: "Your code asked for more memory than there is. Is a tensor much larger than it should be?",
    State.KILLED: "Your code ended Python itself, so nothing could be looked at from there on. Is there an exit()?",
}
BORROWED = "Your cells import `{}`, which is part of the check. Write the answer yourself."
GARBLED = "What your code gave could not be looked at. Does a cell change Python, IPython or the kernel?"
LEFT_OUT = "Line {}, `{}`, was not run for grading ({}). The rest of its cell was."
UNDEFINED = "`{}` is not defined: does the cell that defines it end in an error?"
UNJUDGED = "What your code gave could not be judged."
NOT_FOR_OTHERS = "It is right for the inputs that the notebook's check tries, but not for others."
TOLD = "Your teacher is told this about your file: {}."
UNRUN = "From here on nothing was run for grading: no points hang on what stands below the last question.\n"
