// Package guard looks at a text before anything acts on it: attempts to instruct
// the assistant, abuse and threats, spam, and messages written by machines. It also
// takes personal data out of what leaves the house, and puts it back.
//
// What it says is a signal. The controls are elsewhere: the assistant's tools
// only read and are bound to the asker, and the gate judges what leaves.
//
// # How a text is read
//
//	plain     look-alike letters, accents, invisible characters and letter play undone
//	hidden    base64, hexadecimal, Morse, bits, shifted or reversed writing, words in
//	          pieces and comments decoded
//	forged    marks of a model's own formats and chats somebody made up
//	concepts  every word looked up in lexicon.txt: five languages and the commonest words of six more, one vocabulary of
//	          some fifty meanings ("override", "instructions", "previous", "reply")
//	rules     rules.txt: meanings in order within reach of one another
//	detector  a linear model over words and meanings, sentence by sentence; its
//	          weights.bin is made from corpus.txt and prose.txt, which we wrote, by
//	          go test ./triage/guard -run TestWeights -update
//	score     1 − the product of every sign's doubt; at the threshold it is a finding
//
// Message and passage differ: in text that is data (articles, quoted mail,
// documents) any order to whoever processes it is a sign, in a message it is a
// request. DECISIONS.md beside this file has figures and dead ends.
package guard
