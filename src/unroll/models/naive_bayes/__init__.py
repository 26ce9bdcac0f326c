"""Family `naive_bayes`: multinomial naive Bayes."""
