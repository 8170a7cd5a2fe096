"""One file per model; the file name is the registry. Shared blocks start with an underscore."""
