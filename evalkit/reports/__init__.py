"""What a run looks like to a reader: tables, headline, terminal, plots, one HTML page, a notebook.

======================  =======================================================
tables                  scores.csv, summary.csv, comparison.csv
headline, units         the facts every output shows, and how a number is written
caveats                 what the figures must not be used for
terminal                the headline on a console
html, sections, plots   the self-contained report
aligned                 reference and hypothesis, word by word
notebook                a run in a notebook
======================  =======================================================
"""
