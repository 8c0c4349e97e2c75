package status

import "slices"

// Confidential are the built-in intents whose answers are for the asker only:
// what is missing of whom for a verification, who signs, and what there is of
// credentials. DECISIONS.md says why these.
var Confidential = []string{"verification.requirements_due", "signature.status", "access.environment_ready"}

// Confirms reports whether an asker must prove who they are before the answer to
// an intent: one of the list, one a pack marks, or one a source answers that is
// marked. It looks at the intent only, so it tells nothing of any record.
func Confirms(intent string, list []string, packs []Pack, source func(name string) bool) bool {
	if slices.Contains(list, intent) {
		return true
	}
	for _, p := range packs {
		for _, i := range p.Intents {
			if i.Intent != intent {
				continue
			}
			names, _ := p.Sources()
			return i.Confirm || slices.ContainsFunc(names, source)
		}
	}
	return false
}
