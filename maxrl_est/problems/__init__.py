"""Problems with known answers: closed forms, and groups of likelihoods that are hard to weigh."""
