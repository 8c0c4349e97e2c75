package answer

// The weights of answerability, in the order of Features.Vector, learned on
// development questions with an answer, the same questions with the passages
// that answer them taken away, and questions put to a foreign corpus; see
// DECISIONS. `usher eval gate --fit` prints them anew.
var (
	bias    = -4.09
	weights = [Dimensions]float64{0.03, 1.19, 2.01, -0.91, 4.94, 2.06, 1.09, 0.86, -0.51, 0.21, -0.91, 0.55, -3.06}
)
