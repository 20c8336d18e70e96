"""A serial log, from any program, into what each of its lines is and means."""
