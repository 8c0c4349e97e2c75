// Package eval measures what the assistant does with retrieval and with words,
// on labelled data, through the code of live use: `usher eval gate`, `usher eval
// guard` and `usher eval status`.
package eval
