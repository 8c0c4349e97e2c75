// Package classify says what a message is about, with nothing but the
// operator's own words: no network, no key, no downloaded weights.
//
// # How a model comes about
//
// Labels have a name, a description and examples; all three are learned from,
// so a label without examples works. Training takes seconds and runs in-process:
//
//	text     lower case, contractions written out, Latin accents folded
//	features stemmed words, pairs of words, 3 and 4 letters inside words; letters
//	         of other scripts as written; what words mean (lexicon.Concepts, five
//	         languages) and how they feel (the lexicon of Sentiment); of texts with
//	         several lines also the title, whole lines (forms, templates) and outer
//	         marks (code, lists). Where labels follow the language: words and runs
//	         of letters as written instead, names and titles left out
//	vector   damped count × inverse document frequency, each group of features
//	         scaled to its weight, the whole to length one
//	learners straight  a low-rank linear map: features → 128 numbers → labels
//	         bent      the same with numbers below zero cut off between the steps
//	         contrast  support vectors over naive-Bayes ratios, up to 20 labels
//	blend    every learner scores examples it has not seen (cross-fitting). From
//	         those scores come the weights of the learners, which are also the
//	         calibration; the pace of learning; how far rare labels are helped;
//	         and the margin below which no label fits
//	model    each kind of network is trained three times and averaged. All linear
//	         parts collapse into one weight per feature and label; the bent
//	         networks lie side by side as one small hidden layer. Kept at one
//	         byte per weight
//
// A score is therefore bias + Σ weight·feature + a small correction by the
// hidden layer, and Prediction.Evidence lists the words whose part of that sum
// spoke most for the label against the runner-up.
//
// Texts labelled Options.OOSLabel teach what does not belong: they are a class of
// their own, and a text is out of scope when the best label's lead over that class is
// below the margin that catches most of them when held out. Without such texts the
// best label's bare score is compared instead.
//
// The same input gives the same model, whatever the number of workers, on the same
// kind of processor. Model.Version names input and recipe. Accept compares a
// retrained model with the one in use on texts neither has seen.
//
// # Without examples
//
// Detect, Sentiment, Pressing, Entities, Clean, Split and Acknowledgement work
// from lexicons written by hand for English, German, French, Spanish and
// Portuguese (Detect: some forty languages).
//
// # Measured
//
// Evaluate is what `usher eval classify` runs; DECISIONS.md beside this file
// lists what was tried and dropped. Package defaults holds the shipped taxonomy.
package classify
