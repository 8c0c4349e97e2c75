package confirm

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"golang.org/x/text/unicode/norm"
)

// What a code looks like in a text: six digits, in one, by threes, or one by one.
var codeLike = regexp.MustCompile(`(?:^|[^0-9])(\d{6}|\d{3}[ .-]\d{3}|\d(?:[ .-]\d){5})(?:[^0-9]|$)`)

// maxWords an entered code may stand among, its own parts counted.
const maxWords = 12

// Like reports whether a text holds six digits such as a code's.
func Like(text string) bool { return len(sixes(text)) > 0 }

// six is a code that a text may hold, and which bytes of the text it is.
type six struct {
	digits   string
	from, to int
}

// sixes are the codes a text may hold, from left to right. What they are written
// with does not matter: they are looked for in the text's plain form.
func sixes(text string) (out []six) {
	plain, at := plainForm(text)
	for done := 0; ; {
		m := codeLike.FindSubmatchIndex(plain[done:])
		if m == nil {
			return out
		}
		from, to := done+m[2], done+m[3]
		end := to
		for at[end] == at[to-1] { // what the last digit is a part of
			end++
		}
		out = append(out, six{digits(string(plain[from:to])), at[from], at[end]})
		done = to
	}
}

// plainForm is a text in NFKC, and where in the text each byte of that comes
// from; one more place is the text's end.
func plainForm(text string) (plain []byte, at []int) {
	var it norm.Iter
	it.InitString(norm.NFKC, text)
	for !it.Done() {
		from := it.Pos()
		part := it.Next()
		plain = append(plain, part...)
		for range part {
			at = append(at, from)
		}
	}
	return plain, append(at, len(text))
}

// entry reports whether a text enters the code found in it: no other digits, and few words.
func entry(text string, found []six) bool {
	return len(found) == 1 && len(digits(text)) == 6 && len(strings.Fields(text)) <= maxWords
}

// blotted is a text without what was found in it, and otherwise as it was.
func blotted(text string, found []six) string {
	var b strings.Builder
	done := 0
	for _, f := range found {
		b.WriteString(text[done:max(done, f.from)])
		b.WriteString("••••••")
		done = f.to
	}
	b.WriteString(text[done:])
	return b.String()
}

// Words are what is said in a conversation about a code.
type Words struct{ Entered, Wrong, LastTry, Spent, Over, Elsewhere string }

// WordsOf are the words of a locale's language, or English.
func WordsOf(locale string) Words {
	if w, ok := inChat[strings.ToLower(locale + "  ")[:2]]; ok {
		return w
	}
	return inChat["en"]
}

// Said is the sentence about an error of Try; left is how often it may be tried again.
func (w Words) Said(err error, left int) string {
	switch {
	case err == nil:
		return w.Entered
	case left == 1:
		return w.LastTry
	case left > 1:
		return fmt.Sprintf(w.Wrong, left)
	case errors.Is(err, ErrSpent):
		return w.Spent
	}
	return w.Over
}

var inChat = map[string]Words{
	"en": {"Code entered.", "That is not the code. Look at the mail once more; you have %d tries left.", "That is not the code. Look at the mail once more; you have one try left.",
		"The code was wrong three times. For your safety, the next one can be sent in some minutes.", "This code is not valid any more. Ask for a new one.",
		"This looks like the code we sent you. Enter it in the conversation that asked for it. It was not stored here."},
	"de": {"Code eingegeben.", "Das ist nicht der Code. Sehen Sie noch einmal in die E-Mail; Sie haben noch %d Versuche.", "Das ist nicht der Code. Sehen Sie noch einmal in die E-Mail; Sie haben noch einen Versuch.",
		"Der Code war dreimal falsch. Zu Ihrer Sicherheit kann der nächste erst in einigen Minuten gesendet werden.", "Dieser Code gilt nicht mehr. Fordern Sie einen neuen an.",
		"Das sieht nach dem Code aus, den wir Ihnen gesendet haben. Geben Sie ihn in dem Gespräch ein, das danach gefragt hat. Hier wurde er nicht gespeichert."},
	"fr": {"Code saisi.", "Ce n'est pas le code. Regardez encore une fois l'e-mail ; il vous reste %d essais.", "Ce n'est pas le code. Regardez encore une fois l'e-mail ; il vous reste un essai.",
		"Le code était faux trois fois. Pour votre sécurité, le prochain pourra être envoyé dans quelques minutes.", "Ce code n'est plus valable. Demandez-en un nouveau.",
		"Cela ressemble au code que nous vous avons envoyé. Saisissez-le dans la conversation qui l'a demandé. Il n'a pas été enregistré ici."},
	"es": {"Código introducido.", "Ese no es el código. Mire el correo otra vez; le quedan %d intentos.", "Ese no es el código. Mire el correo otra vez; le queda un intento.",
		"El código fue incorrecto tres veces. Por su seguridad, el siguiente se podrá enviar dentro de unos minutos.", "Este código ya no es válido. Pida uno nuevo.",
		"Esto parece el código que le hemos enviado. Escríbalo en la conversación que lo pidió. Aquí no se ha guardado."},
	"pt": {"Código introduzido.", "Esse não é o código. Veja o e-mail outra vez; tem mais %d tentativas.", "Esse não é o código. Veja o e-mail outra vez; tem mais uma tentativa.",
		"O código esteve errado três vezes. Para sua segurança, o próximo só pode ser enviado dentro de alguns minutos.", "Este código já não é válido. Peça um novo.",
		"Isto parece o código que lhe enviámos. Escreva-o na conversa que o pediu. Aqui não foi guardado."},
}
