package answer

// The weights of answerability, in the order of Features.Vector, learned on
// development questions of three public sets: those with an answer, the same
// ones over an index without what answers them, and some nobody's article
// answers; see DECISIONS. `usher eval gate --fit --withhold 4` prints them anew.
var (
	bias    = -3.38
	weights = [Dimensions]float64{0.69, 2.70, 2.59, 2.74, -4.75, 1.86, -4.92}
)
