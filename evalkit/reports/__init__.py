"""What a run looks like to a reader: tables, headline, terminal, plots, one HTML page, a notebook.

======================  =======================================================
tables                  scores.csv, summary.csv, comparison.csv
headline, units         the facts every output shows, and how a number is written
lines                   which metric stands where, and what it is called there
caveats, method         what the figures must not be used for; how they were measured
punctuality             how well our own frames kept their deadlines
decided, switch         what a comparison says, and whether one may switch
worsened                what degraded copies of the clips cost
checked                 the eight answers
compared                candidate against incumbent, in one run or two
doubted                 references that systems agree against
faulted                 what a client made of injected faults
gated, junit            what a gate found, for whoever reviews a change
terminal                the headline on a console
html, sections, cells   the self-contained report
plots, drawing          its figures
aligned, spoken         reference and hypothesis word by word, captions as they came
notebook, frames        a run in a notebook, and its data frames
======================  =======================================================
"""
