"""What other tools wrote or hand over, turned into our records. Imports records only; a library that a format needs is loaded where it is read."""
