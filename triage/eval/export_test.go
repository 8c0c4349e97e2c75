package eval

// OfKind is whether a labelled value of a text is one a placeholder of a kind may stand for.
func OfKind(s PIISpan, kind, text string) bool { return s.ofKind(kind, []rune(text)) }
