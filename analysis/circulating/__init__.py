"""The parts of the study `analysis.circulation`: tools, and for each of its three questions rows, words and a panel."""
