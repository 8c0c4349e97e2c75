package classify

import "strings"

// The five levels of sentiment.
const (
	VeryNegative = "very_negative"
	Negative     = "negative"
	Neutral      = "neutral"
	Positive     = "positive"
	VeryPositive = "very_positive"
)

// valence is how a word feels, -3 to 3.
var valence = func() map[string]int {
	m := map[string]int{}
	for score, list := range map[int]string{
		3: `amazing awesome outstanding fantastic phenomenal superb stellar flawless love loved loving best brilliant incredible exceptional delighted thrilled perfect wonderful
			fantastisch hervorragend großartig begeistert ausgezeichnet génial formidable parfait adore ravi excellent magnifique increíble fantástico excelente encanta maravilloso perfecto incrível maravilhoso adorei perfeito`,
		2: `great excellent happy glad pleased impressed helpful smooth thrilled appreciate appreciated grateful enjoy enjoyed beautiful recommend friendly efficient quick easy reliable kudos bravo congrats congratulations win yay woohoo rocks rock lovely terrific
			toll super zufrieden glücklich freundlich hilfreich dankbar prima klasse heureux contente content satisfait utile merci bravo contento feliz satisfecho útil amable genial gracias feliz satisfeito útil ótimo obrigado obrigada`,
		1: `good nice fine thanks thank cheers welcome works worked solved fixed resolved better improved improvement fast clear kind cool ok like liked fun interesting comfortable hope
			gut danke nett schön besser gelöst schnell klar bien mieux résolu rapide clair gentil bueno bien mejor resuelto rápido claro bom bem melhor resolvido rápido claro`,
		-1: `slow late delay delayed delays waiting wait confused confusing unclear difficult hard problem problems issue issues error errors missing wrong fail failed fails stuck cannot lost unable missed expensive sorry concern concerned worried bug bugs crash crashed unhelpful lack complicated annoying disappointing unfortunately long hold cancelled canceled
			langsam spät verzögerung warte warten problem probleme fehler falsch fehlt schwierig kompliziert unklar leider lent retard attente attendre problème problèmes erreur faux manque difficile compliqué malheureusement lento retraso espera esperando problema problemas error errores mal falta difícil complicado lento atraso espera esperando problema problemas erro erros errado falta difícil complicado infelizmente`,
		-2: `bad poor broken disappointed disappointing frustrated frustrating frustration unhappy upset angry annoyed rude fail useless hate sucks sick tired complaint complain refund ridiculous disgusted ignored lousy mess nightmare pathetic stupid shame joke lied lie never nobody worse unprofessional incompetent stranded
			schlecht kaputt enttäuscht frustriert ärgerlich verärgert sauer wütend unzufrieden beschwerde beschweren nutzlos lächerlich mauvais cassé déçu frustré énervé fâché mécontent plainte inutile ridicule nul malo roto decepcionado frustrado enfadado molesto queja inútil ridículo pésimo ruim quebrado decepcionado frustrado irritado chateado reclamação inútil ridículo`,
		-3: `terrible horrible awful worst unacceptable disgusting outrageous appalling furious hell scam fraud theft lawyer sue atrocious abysmal fuming livid garbage trash crap shit fuck fucking damn disgrace disgraceful dreadful outraged
			schrecklich furchtbar katastrophe unverschämt inakzeptabel unzumutbar betrug anwalt frechheit scheiße horrible inacceptable scandaleux honte arnaque avocat catastrophe furieux merde inaceptable vergüenza estafa abogado furioso mierda desastre inaceitável vergonha golpe advogado furioso desastre merda péssimo`,
	} {
		for _, w := range words(list) {
			if had, ok := m[w]; !ok || abs(float64(score)) > abs(float64(had)) {
				m[w] = score
			}
		}
	}
	return m
}()

var (
	boosters   = wordSet(`very really so extremely absolutely totally completely incredibly super too most sehr wirklich extrem absolut total völlig très vraiment tellement extrêmement absolument muy realmente tan totalmente extremadamente muito realmente tão totalmente extremamente`)
	dampeners  = wordSet(`bit slightly somewhat little kind sort fairly etwas bisschen ein wenig peu assez poco algo pouco`)
	goodMarks  = []string{":)", ":-)", ":D", ";)", "😊", "🙂", "😀", "😃", "😍", "👍", "🎉", "❤", "🙏", "😁", "💯", "👏"}
	badMarks   = []string{":(", ":-(", ":/", "😡", "😠", "😤", "😢", "😭", "👎", "🤬", "😞", "😒", "🙄", "💔"}
	politeness = wordSet(`thanks thank please danke merci gracias obrigado obrigada`)
)

// Sentiment reads the mood of a text from a lexicon of English, German,
// French, Spanish and Portuguese words: negation turns a word round, "very" and
// shouting strengthen it, courtesy alone is neutral. The score runs from -1 to 1.
// Where labelled texts exist a Model of the dimension "sentiment" is better.
func Sentiment(text string) (level string, score float64) {
	tokens := words(text)
	var sum float64
	for i, w := range tokens {
		x := float64(valence[w])
		if x == 0 || politeness[w] && len(tokens) > 4 {
			continue
		}
		for j := max(0, i-2); j < i; j++ {
			switch {
			case boosters[tokens[j]]:
				x *= 1.4
			case dampeners[tokens[j]]:
				x *= 0.6
			}
		}
		if negated(tokens, i) || i > 2 && negators[tokens[i-3]] {
			x *= -0.7
		}
		sum += x
	}
	for _, mark := range goodMarks {
		sum += 1.5 * float64(min(2, strings.Count(text, mark)))
	}
	for _, mark := range badMarks {
		sum -= 1.5 * float64(min(2, strings.Count(text, mark)))
	}
	if loud(text) && sum != 0 {
		sum *= 1.3
	}
	score = sum / (abs(sum) + 3)
	switch {
	case score <= -0.56:
		level = VeryNegative
	case score <= -0.2:
		level = Negative
	case score < 0.2:
		level = Neutral
	case score < 0.56:
		level = Positive
	default:
		level = VeryPositive
	}
	return level, score
}

// loud reports shouting: capitals throughout or several exclamation marks.
func loud(text string) bool {
	if strings.Count(text, "!") > 1 {
		return true
	}
	upper, letters := 0, 0
	for _, r := range text {
		if r >= 'a' && r <= 'z' {
			letters++
		} else if r >= 'A' && r <= 'Z' {
			letters++
			upper++
		}
	}
	return letters > 12 && upper*10 > letters*7
}
