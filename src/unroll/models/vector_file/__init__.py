"""Family `vector_file`: word vectors that are read from a file."""
