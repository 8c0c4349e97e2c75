package guard

const Threshold = threshold

// Train trains the detector anew.
func Train() { train(corpus(corpusFile, 1, nil)) }

// HeldBack trains on four fifths of the templates and says what becomes of the
// others: the share of attacks found and of harmless texts flagged.
func HeldBack() (share, alarms float64) {
	for fold := range 5 {
		d := train(corpus(corpusFile, 1, func(template int) bool { return template%5 != fold }))
		var hit, attacks, flagged, fine float64
		for _, e := range corpus(corpusFile, 1, func(template int) bool { return template%5 == fold }) {
			t := read(e.text)
			p, _ := d.judge(&t)
			strong, _ := found(&t, false)
			yes := p >= threshold || len(strong) > 0
			switch {
			case e.attack && yes:
				hit, attacks = hit+1, attacks+1
			case e.attack:
				attacks++
			case yes:
				flagged, fine = flagged+1, fine+1
			default:
				fine++
			}
		}
		share, alarms = share+hit/attacks/5, alarms+flagged/fine/5
	}
	return share, alarms
}
