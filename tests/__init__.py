"""The tests of toklet: a file for each stage; a test's name says the law that it checks."""
