package identity

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"
)

// ErrNoMail says links cannot be sent: e-mail is off.
var ErrNoMail = errors.New("e-mail is off")

// ErrTooOften says one place asks for links too often.
var ErrTooOften = errors.New("too many links were asked for from one place")

// How many links an address gets, and how many a place may ask for, in an hour.
const (
	linksPerAddress = 4
	linksPerOrigin  = 30
	linkTime        = 15 * time.Minute
)

// Jobs inserts a job in the transaction that makes it necessary. *river.Client is one.
type Jobs interface {
	InsertTx(ctx context.Context, tx pgx.Tx, args river.JobArgs, opts *river.InsertOpts) (*rivertype.JobInsertResult, error)
}

// Mailer sends mail. The id is the same at every try.
type Mailer interface {
	Mail(ctx context.Context, id, to, subject, text string) error
}

// AskForLink takes a wish for a sign-in link, known address or not: the job that
// sends it looks, so that neither the answer nor its time tells.
func (s *Service) AskForLink(ctx context.Context, address, origin, language, returnTo string) error {
	address, err := cleanAddress(address)
	if err != nil {
		return err
	}
	if s.mailer == nil || s.jobs == nil || s.worker == nil {
		return ErrNoMail
	}
	err = s.worker.WithSystem(ctx, "somebody asks for a sign-in link", func(tx pgx.Tx) error {
		var asked, sent int
		since := s.now().Add(-time.Hour)
		if err := tx.QueryRow(ctx, `select (select count(*) from sign_in_requests where origin_hash = $1 and created_at > $3),
			(select count(*) from sign_in_requests where address_hash = $2 and created_at > $3)`, hash(origin), hash(address), since).Scan(&asked, &sent); err != nil {
			return err
		}
		if asked >= linksPerOrigin {
			return ErrTooOften
		}
		// An address that had its share gets no more; whoever asks hears the same.
		to := address
		if sent >= linksPerAddress {
			to = ""
		}
		id := uuid.Must(uuid.NewV7())
		if _, err := tx.Exec(ctx, `insert into sign_in_requests (id, address, address_hash, origin_hash, return_to, language, created_at) values ($1, $2, $3, $4, $5, $6, $7)`,
			id, to, hash(address), hash(origin), returnTo, languageOf(language), s.now()); err != nil {
			return err
		}
		_, err := s.jobs.InsertTx(ctx, tx, LinkArgs{id}, nil)
		return err
	})
	if err != nil {
		return fmt.Errorf("ask for a sign-in link: %w", err)
	}
	return nil
}

// LinkArgs asks to send the links somebody asked for.
type LinkArgs struct {
	RequestID uuid.UUID `json:"request_id"`
}

// Kind names the job.
func (LinkArgs) Kind() string { return "send_sign_in_link" }

// InsertOpts: somebody waits for it, and after a while no longer.
func (LinkArgs) InsertOpts() river.InsertOpts { return river.InsertOpts{MaxAttempts: 5} }

// AddWorkers registers the jobs of signing in.
func AddWorkers(workers *river.Workers, s *Service) {
	river.AddWorker(workers, &linkWorker{service: s})
	river.AddWorker(workers, &inviteWorker{service: s})
}

type linkWorker struct {
	river.WorkerDefaults[LinkArgs]
	service *Service
}

func (w *linkWorker) Work(ctx context.Context, job *river.Job[LinkArgs]) error {
	return w.service.SendLinks(ctx, job.Args.RequestID)
}

// SendLinks mails a link for each account the address has; to an address nobody
// has, nothing.
func (s *Service) SendLinks(ctx context.Context, request uuid.UUID) error {
	var address, returnTo, language string
	type account struct {
		Tenant   uuid.UUID
		Name     string
		ID       uuid.UUID
		Language string
	}
	var accounts []account
	err := s.worker.WithSystem(ctx, "find whom a sign-in link is for", func(tx pgx.Tx) error {
		err := tx.QueryRow(ctx, `select address, return_to, language from sign_in_requests where id = $1 and address <> '' and created_at > $2`,
			request, s.now().Add(-linkTime)).Scan(&address, &returnTo, &language)
		if err != nil {
			return err
		}
		// Where the organisation's own provider speaks for the address, links do not.
		rows, err := tx.Query(ctx, `select u.tenant_id, t.name, u.id, u.locale from users u join tenants t on t.id = u.tenant_id
			where u.email_normalized = $1 and u.state <> 'deactivated' and t.lifecycle_state not in ('suspended', 'erased')
			  and not exists (select from sso_connections c where c.tenant_id = u.tenant_id and c.enabled and $3 = any(c.domains))
			union all select $2, '', id, '' from staff where email_normalized = $1 and state <> 'deactivated'
			  and not exists (select from staff_sso_connection c where c.enabled and $3 = any(c.domains)) order by 2`, address, uuid.Nil, domainOf(address))
		if err != nil {
			return err
		}
		accounts, err = pgx.CollectRows(rows, pgx.RowToStructByPos[account])
		return err
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return nil // sent, or too late
	}
	if err != nil {
		return fmt.Errorf("send sign-in link: %w", err)
	}
	if len(accounts) > 0 {
		var lines []string
		for _, a := range accounts {
			link, err := s.linkFor(ctx, a.Tenant, a.ID)
			if err != nil {
				return err
			}
			line := s.public + "/s/" + link
			if returnTo != "" {
				line += "?next=" + url.QueryEscape(returnTo)
			}
			if len(accounts) > 1 && a.Name != "" {
				line = a.Name + ":\n" + line
			}
			lines = append(lines, line)
			if a.Language != "" {
				language = languageOf(a.Language)
			}
		}
		w := mailWords[language]
		if err := s.mailer.Mail(ctx, "signin."+request.String(), address, w.linkSubject, w.linkIntro+"\n\n"+strings.Join(lines, "\n\n")+"\n\n"+w.linkOutro); err != nil {
			return fmt.Errorf("send sign-in link: %w", err)
		}
	}
	err = s.worker.WithSystem(ctx, "forget the address a sign-in link went to", func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `update sign_in_requests set address = '' where id = $1`, request)
		return err
	})
	if err != nil {
		return fmt.Errorf("send sign-in link: %w", err)
	}
	return nil
}

func (s *Service) linkFor(ctx context.Context, tenant, id uuid.UUID) (string, error) {
	if tenant == uuid.Nil {
		return s.CreateStaffLink(ctx, id, linkTime, false)
	}
	return s.CreateLink(ctx, tenant, id, linkTime, false)
}

func domainOf(address string) string {
	_, domain, _ := strings.Cut(address, "@")
	return domain
}

// languageOf is the language of a locale that there are words for, or English.
func languageOf(locale string) string {
	language := strings.ToLower(locale + "  ")[:2]
	if _, ok := mailWords[language]; ok {
		return language
	}
	return "en"
}

// mailWords, by language.
var mailWords = map[string]struct{ linkSubject, linkIntro, linkOutro string }{
	"en": {"Your sign-in link", "Open this link to sign in. It works once, for 15 minutes.", "If you did not ask for it, you need not do anything: without the link nobody gets in."},
	"de": {"Ihr Anmeldelink", "Öffnen Sie diesen Link, um sich anzumelden. Er gilt einmal und 15 Minuten lang.", "Wenn Sie ihn nicht angefordert haben, müssen Sie nichts tun: Ohne den Link kommt niemand hinein."},
	"fr": {"Votre lien de connexion", "Ouvrez ce lien pour vous connecter. Il fonctionne une seule fois, pendant 15 minutes.", "Si vous ne l'avez pas demandé, vous n'avez rien à faire : sans ce lien, personne n'entre."},
	"es": {"Su enlace de acceso", "Abra este enlace para iniciar sesión. Funciona una sola vez, durante 15 minutos.", "Si no lo ha pedido, no tiene que hacer nada: sin el enlace no entra nadie."},
	"pt": {"O seu link de acesso", "Abra este link para iniciar sessão. Funciona uma única vez, durante 15 minutos.", "Se não o pediu, não precisa de fazer nada: sem o link ninguém entra."},
}
