"""One file a method. A method is one function `choose(problem, *, seed)`; see README.md, "A new method"."""
