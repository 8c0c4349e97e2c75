package answer

// The weights of answerability, in the order of Features.Vector, learned on
// development questions with and without an answer. `usher eval gate --fit`
// prints them anew.
var (
	bias    = -4.0
	weights = [10]float64{3.0, 2.0, -2.0, 1.5, 0.5, 0.5, 0.3, 2.0, 1.0, 0}
)
