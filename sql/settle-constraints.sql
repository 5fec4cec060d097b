-- What is deferred is judged now, so that COMMIT has nothing left to refuse. Role: the step's login. Locks: those of the constraints.
set constraints all immediate;
