"""Family `seq2seq`: encoder-decoders, with or without attention."""
