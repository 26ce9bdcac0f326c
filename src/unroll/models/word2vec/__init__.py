"""Family `word2vec`: word vectors by CBOW or skip-gram."""
