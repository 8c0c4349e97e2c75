package classify

import (
	"maps"
	"slices"
	"strings"
)

// Urgency is how pressing a message reads.
type Urgency struct {
	Level   string   // urgent, high, normal, low
	Impact  string   // outage, blocked, degraded, cosmetic, question; empty when nothing says
	Reasons []string // the words that decided
}

// phrase is something people write and what it says about a message.
type phrase struct {
	text  string
	score int
	kind  string
}

// Impact phrases say how much is broken and for how many; urgency phrases how
// soon it matters. Scores add; see level.
var pressing = phrases(map[string]string{
	"4 outage": `production is down, production down, prod is down, system is down, site is down, service is down, everything is down, is completely down, complete outage, total outage, outage, nothing works, nobody can log in, no one can log in, nobody can access, none of our users can, all users are affected, all our users, all customers affected, data loss, losing data, lost all, data breach, security breach, breached, leaked, hacked, compromised, ransomware,
		produktion steht, system steht, alles steht, komplettausfall, ausfall, nichts geht mehr, niemand kann, datenverlust, datenleck, gehackt,
		en panne, panne totale, plus rien ne marche, plus rien ne fonctionne, personne ne peut, perte de données, fuite de données, piraté,
		caída total, sistema caído, está caído, nada funciona, nadie puede, pérdida de datos, hackeado,
		fora do ar, sistema caiu, nada funciona, ninguém consegue, perda de dados, invadido`,
	"3 blocked": `blocked, blocking us, blocks us, blocker, cannot work, can not work, stuck and, we are stuck, cannot go live, can not go live, cannot proceed, can not proceed, go live is tomorrow, launch is tomorrow, payroll, cannot pay, can not pay, cannot invoice, legal deadline, showstopper, show stopper,
		blockiert, können nicht arbeiten, kann nicht arbeiten, geht nicht weiter, kommen nicht weiter, bloqués, bloqué, ne pouvons plus travailler, bloqueados, bloqueado, no podemos trabajar, parados, não conseguimos trabalhar, travado`,
	"2 degraded": `not working, does not work, do not work, stopped working, broken, fails, failing, failed, error, errors, crash, crashes, crashed, timeout, times out, timing out, very slow, extremely slow, wrong data, incorrect data, missing data, duplicated, can not log in, can not login, unable to, locked out,
		funktioniert nicht, geht nicht, fehler, fehlgeschlagen, abgestürzt, sehr langsam, kaputt, ne fonctionne pas, ne marche pas, ne fonctionne plus, erreur, échoué, échoue, très lent, no funciona, error, errores, falla, falló, muy lento, não funciona, erro, erros, falhou, falha, muito lento`,
	"0 question": `how do i, how can i, how to, where can i, what is, is it possible, wondering, just curious, quick question, wie kann ich, wo finde ich, frage, comment faire, est il possible, cómo puedo, una pregunta, como faço, uma pergunta`,
	"-2 cosmetic": `typo, spelling mistake, cosmetic, minor, small thing, nice to have, nitpick, low priority, not urgent, no rush, no hurry, whenever you have time, when you get a chance, at your convenience, feature request, suggestion, would be nice, it would be great if,
		nicht dringend, nicht eilig, keine eile, kleinigkeit, tippfehler, wäre schön, bei gelegenheit, pas urgent, rien d'urgent, faute de frappe, quand vous aurez le temps, ce serait bien, no es urgente, sin prisa, cuando puedan, errata, sería bueno, não é urgente, sem pressa, quando puderem, seria bom`,
	"4 urgent": `urgent, urgently, asap, as soon as possible, immediately, right now, emergency, critical, sev1, sev 1, p1, top priority, highest priority, within the hour, dringend, sofort, umgehend, schnellstmöglich, so schnell wie möglich, notfall, kritisch, eilt, urgence, immédiatement, au plus vite, dès que possible, critique, urgente, inmediatamente, lo antes posible, cuanto antes, emergencia, crítico, imediatamente, o mais rápido possível, emergência`,
	"2 soon":   `today, tonight, by tomorrow, tomorrow morning, deadline, end of day, eod, by end of, this morning, still waiting, third time, second time, again and again, days now, escalate, important, priority, heute noch, bis morgen, frist, immer noch, wichtig, zum dritten mal, aujourd'hui, avant demain, demain matin, échéance, toujours pas, important, hoy mismo, antes de mañana, fecha límite, todavía no, importante, hoje, até amanhã, prazo, ainda não`,
})

func phrases(lists map[string]string) map[string][]phrase {
	byFirst := map[string][]phrase{}
	for _, head := range slices.Sorted(maps.Keys(lists)) {
		list := lists[head]
		var p phrase
		number, kind, _ := strings.Cut(head, " ")
		p.kind = kind
		switch number {
		case "-2":
			p.score = -2
		default:
			p.score = int(number[0] - '0')
		}
		for text := range strings.SplitSeq(list, ",") {
			tokens := words(text)
			if len(tokens) == 0 {
				continue
			}
			p.text = strings.Join(tokens, " ")
			byFirst[tokens[0]] = append(byFirst[tokens[0]], p)
		}
	}
	return byFirst
}

// impacts orders what phrases say about damage, worst first.
var impacts = []string{"outage", "blocked", "degraded", "question", "cosmetic"}

// Pressing reads impact and urgency from the words of a message in English,
// German, French, Spanish or Portuguese. Negated urgency ("not urgent") lowers
// the level. The caller adds what it knows: tier of the tenant, stage, contract.
func Pressing(text string) Urgency {
	tokens := words(text)
	line := " " + strings.Join(tokens, " ") + " "
	best := map[string]int{}
	calm := false
	u := Urgency{Level: "normal"}
	for i, w := range tokens {
		for _, p := range pressing[w] {
			if !strings.Contains(line, " "+p.text+" ") || p.score > 0 && negated(tokens, i) {
				continue
			}
			if _, had := best[p.kind]; !had {
				u.Reasons = append(u.Reasons, p.text)
			}
			best[p.kind] = p.score
			calm = calm || p.kind == "cosmetic"
		}
	}
	sum := 0
	for _, score := range best {
		sum += score
	}
	for _, kind := range impacts {
		if _, ok := best[kind]; ok {
			u.Impact = kind
			break
		}
	}
	_, outage := best["outage"]
	switch {
	case sum >= 6 || outage && !calm:
		u.Level = "urgent"
	case sum >= 3:
		u.Level = "high"
	case sum < 0:
		u.Level = "low"
	}
	return u
}

// Raise moves a priority up by steps (down when negative), within bounds:
// for a tenant's tier, a go-live that is near, a repeated complaint.
func Raise(level string, steps int) string {
	levels := []string{"low", "normal", "high", "urgent"}
	for i, l := range levels {
		if l == level {
			return levels[min(len(levels)-1, max(0, i+steps))]
		}
	}
	return level
}

// negators turn a statement round in the languages the lexicons cover.
var negators = wordSet(`not no never none without neither nor hardly barely nicht kein keine keinen nie ohne kaum pas jamais sans aucun no nunca sin tampoco não nunca sem nem`)

// negated reports whether one of the two words before position i is a negator.
func negated(tokens []string, i int) bool {
	for j := max(0, i-2); j < i; j++ {
		if negators[tokens[j]] {
			return true
		}
	}
	return false
}
