"""Family `cache`: a unigram cache of the document."""
