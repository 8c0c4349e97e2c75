package confirm

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"github.com/usherdesk/usher/migrations/tenantdb"
)

// Mailer sends mail. The id is the same at every try.
type Mailer interface {
	Mail(ctx context.Context, id, to, subject, text string) error
}

// SendArgs asks to mail a code. It names the row; the code is in no argument.
type SendArgs struct {
	TenantID uuid.UUID `json:"tenant_id"`
	ID       uuid.UUID `json:"id"`
}

// Kind names the job.
func (SendArgs) Kind() string { return "send_code" }

// InsertOpts: somebody waits for it.
func (SendArgs) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: "interactive", MaxAttempts: 5, Priority: 1}
}

// AddWorkers registers the job. The database is of the worker role.
func AddWorkers(workers *river.Workers, s *Service, db *tenantdb.DB, mailer Mailer) {
	river.AddWorker(workers, &sendWorker{service: s, db: db, mailer: mailer})
}

type sendWorker struct {
	river.WorkerDefaults[SendArgs]
	service *Service
	db      *tenantdb.DB
	mailer  Mailer
}

// NextRetry is soon: the code lives for minutes.
func (w *sendWorker) NextRetry(job *river.Job[SendArgs]) time.Time {
	return time.Now().Add(time.Duration(job.Attempt) * 5 * time.Second)
}

func (w *sendWorker) Work(ctx context.Context, job *river.Job[SendArgs]) error {
	return w.service.Send(ctx, w.db, w.mailer, job.Args)
}

// Send mails a code to its person, if it is still of use.
func (s *Service) Send(ctx context.Context, db *tenantdb.DB, mailer Mailer, args SendArgs) error {
	var to, locale string
	read := func(tx pgx.Tx) error {
		if args.TenantID == uuid.Nil {
			return tx.QueryRow(ctx, `select p.email, 'en' from staff_confirmations c join staff p on p.id = c.person_id
				where c.id = $1 and c.expires_at > $2 and c.proven_at is null and p.state <> 'deactivated'`, args.ID, s.now()).Scan(&to, &locale)
		}
		return tx.QueryRow(ctx, `select u.email, u.locale from confirmations c join users u on u.tenant_id = c.tenant_id and u.id = c.person_id
			where c.tenant_id = $1 and c.id = $2 and c.expires_at > $3 and c.proven_at is null and u.state = 'active'`, args.TenantID, args.ID, s.now()).Scan(&to, &locale)
	}
	err := error(nil)
	if args.TenantID == uuid.Nil {
		err = pgx.BeginFunc(ctx, db.Pool(), read)
	} else {
		err = db.WithTenant(ctx, args.TenantID, read)
	}
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("send code: %w", err)
	}
	w := wordsOf(locale)
	code := s.code(args.ID)
	if err := mailer.Mail(ctx, "code."+args.ID.String(), to, w.subject, fmt.Sprintf(w.text, code[:3]+" "+code[3:])); err != nil {
		return fmt.Errorf("send code: %w", err)
	}
	return nil
}

// Masked is an address its owner recognises and nobody else can use.
func Masked(address string) string {
	name, domain, ok := strings.Cut(address, "@")
	if !ok || name == "" {
		return "•••"
	}
	first, _ := utf8.DecodeRuneInString(name)
	return string(first) + "•••@" + domain
}

type words struct{ subject, text string }

func wordsOf(locale string) words {
	if w, ok := byLanguage[strings.ToLower(locale + "  ")[:2]]; ok {
		return w
	}
	return byLanguage["en"]
}

var byLanguage = map[string]words{
	"en": {"Your confirmation code", "%s\n\nis your code. Enter it where you were asked for it, in the portal. It works once, for 10 minutes.\n\nWe never ask for it by mail or phone. If you did not ask for it, somebody else may be using your session: sign out and tell our support team."},
	"de": {"Ihr Bestätigungscode", "%s\n\nist Ihr Code. Geben Sie ihn im Portal dort ein, wo danach gefragt wurde. Er gilt einmal und 10 Minuten lang.\n\nWir fragen nie per Mail oder Telefon danach. Haben Sie ihn nicht angefordert, benutzt vielleicht jemand anderes Ihre Sitzung: Melden Sie sich ab und sagen Sie unserem Support-Team Bescheid."},
	"fr": {"Votre code de confirmation", "%s\n\nest votre code. Saisissez-le dans le portail, là où il vous a été demandé. Il fonctionne une seule fois, pendant 10 minutes.\n\nNous ne le demandons jamais par e-mail ni par téléphone. Si vous ne l'avez pas demandé, quelqu'un d'autre utilise peut-être votre session : déconnectez-vous et prévenez notre équipe d'assistance."},
	"es": {"Su código de confirmación", "%s\n\nes su código. Escríbalo en el portal, donde se le pidió. Funciona una sola vez, durante 10 minutos.\n\nNunca lo pedimos por correo ni por teléfono. Si no lo ha pedido, quizá otra persona esté usando su sesión: cierre la sesión y avise a nuestro equipo de soporte."},
	"pt": {"O seu código de confirmação", "%s\n\né o seu código. Escreva-o no portal, onde lhe foi pedido. Funciona uma única vez, durante 10 minutos.\n\nNunca o pedimos por e-mail nem por telefone. Se não o pediu, talvez outra pessoa esteja a usar a sua sessão: termine a sessão e avise a nossa equipa de suporte."},
}
