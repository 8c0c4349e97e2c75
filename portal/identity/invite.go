package identity

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"github.com/usherdesk/usher/triage"
)

// invitationTime is how long an invitation's link works.
const invitationTime = 14 * 24 * time.Hour

// InviteArgs is the periodic job that mails the invitations that wait: they are
// stored with the workspace, so none is lost and none goes out twice.
type InviteArgs struct{}

// Kind names the job.
func (InviteArgs) Kind() string { return "send_invitations" }

// InsertOpts keeps runs from piling up.
func (InviteArgs) InsertOpts() river.InsertOpts {
	return river.InsertOpts{UniqueOpts: river.UniqueOpts{ByPeriod: time.Minute}}
}

// PeriodicJobs are the jobs of signing in that run by the clock, where mail can be sent.
func PeriodicJobs() []*river.PeriodicJob {
	return []*river.PeriodicJob{river.NewPeriodicJob(river.PeriodicInterval(time.Minute),
		func() (river.JobArgs, *river.InsertOpts) { return InviteArgs{}, nil }, nil)}
}

type inviteWorker struct {
	river.WorkerDefaults[InviteArgs]
	service *Service
}

func (w *inviteWorker) Work(ctx context.Context, _ *river.Job[InviteArgs]) error {
	return w.service.SendInvitations(ctx)
}

// perRun bounds a run; the next one goes on.
const perRun = 200

// SendInvitations mails each person who waits for an invitation a link that signs
// them in once. One that fails is tried again later and holds back no other; one
// whose address the mail server does not know is stored as bounced.
func (s *Service) SendInvitations(ctx context.Context) error {
	if s.mailer == nil || s.worker == nil {
		return nil
	}
	for range perRun {
		none, err := s.sendInvitation(ctx)
		if err != nil {
			return fmt.Errorf("send invitations: %w", err)
		}
		if none {
			return nil
		}
	}
	return nil
}

// ErrNotInvited says that nobody of that id waits to sign in for the first time.
var ErrNotInvited = errors.New("the person has no invitation")

// againAfter is how soon an invitation may be sent again.
const againAfter = 10 * time.Minute

// InviteAgain has a person of the asker's organisation invited anew. The link they
// have stops working.
func (s *Service) InviteAgain(ctx context.Context, by triage.Actor, user uuid.UUID) error {
	if s.mailer == nil {
		return ErrNoMail
	}
	err := s.app.WithTenant(ctx, by.TenantID, func(tx pgx.Tx) error {
		var sent, tried *time.Time
		err := tx.QueryRow(ctx, `select i.sent_at, i.bounced_at from users u left join invitations i on i.tenant_id = u.tenant_id and i.user_id = u.id
			where u.tenant_id = $1 and u.id = $2 and u.state = 'invited' for no key update of u`, by.TenantID, user).Scan(&sent, &tried)
		if errors.Is(err, pgx.ErrNoRows) {
			return ErrNotInvited
		}
		if err != nil {
			return err
		}
		for _, at := range []*time.Time{sent, tried} {
			if at != nil && s.now().Sub(*at) < againAfter {
				return ErrTooOften
			}
		}
		if _, err := tx.Exec(ctx, `delete from login_links where tenant_id = $1 and user_id = $2 and used_at is null`, by.TenantID, user); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `insert into invitations (tenant_id, user_id, try_at) values ($1, $2, $3)
			on conflict (tenant_id, user_id) do update set sent_at = null, expires_at = null, bounced_at = null, attempts = 0, sends = invitations.sends + 1, try_at = excluded.try_at`, by.TenantID, user, s.now()); err != nil {
			return err
		}
		return triage.Audit(ctx, tx, by.TenantID, by, "person.invited", user.String(), nil)
	})
	if err != nil {
		return fmt.Errorf("invite again: %w", err)
	}
	return nil
}

type invitation struct {
	tenant, user          uuid.UUID
	name, address, locale string
	sends, attempts       int
	byProvider            bool // their organisation's own provider signs them in
}

// claimedFor is how long an invitation that is being sent is nobody else's to send.
const claimedFor = 10 * time.Minute

// claimInvitation takes the next invitation that is due. No row stays locked while
// its mail is handed over, which takes as long as the mail server likes.
func (s *Service) claimInvitation(ctx context.Context) (i invitation, none bool, err error) {
	err = s.worker.WithSystem(ctx, "claim an invitation", func(tx pgx.Tx) error {
		i, none = invitation{}, false
		err := tx.QueryRow(ctx, `select i.tenant_id, i.user_id, t.name, u.email, u.locale, i.sends, i.attempts,
			  exists (select from sso_connections c where c.tenant_id = u.tenant_id and c.enabled and split_part(u.email_normalized, '@', 2) = any(c.domains))
			from invitations i join users u on u.tenant_id = i.tenant_id and u.id = i.user_id join tenants t on t.id = i.tenant_id
			where i.sent_at is null and i.bounced_at is null and i.accepted_at is null and i.try_at <= $1 and u.state = 'invited' and t.lifecycle_state in ('active', 'live')
			order by i.try_at limit 1 for update of i skip locked`, s.now()).
			Scan(&i.tenant, &i.user, &i.name, &i.address, &i.locale, &i.sends, &i.attempts, &i.byProvider)
		if errors.Is(err, pgx.ErrNoRows) {
			none = true
			return nil
		}
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `update invitations set try_at = $3 where tenant_id = $1 and user_id = $2`, i.tenant, i.user, s.now().Add(claimedFor))
		return err
	})
	return i, none, err
}

// sendInvitation sends one, and keeps what became of it unless the person was
// invited anew meanwhile.
func (s *Service) sendInvitation(ctx context.Context) (none bool, err error) {
	i, none, err := s.claimInvitation(ctx)
	if none || err != nil {
		return none, err
	}
	failed := s.mailInvitation(ctx, i)
	stopped := ctx.Err()
	ctx = context.WithoutCancel(ctx)
	err = s.worker.WithSystem(ctx, "send an invitation", func(tx pgx.Tx) (err error) {
		switch {
		case failed == nil:
			_, err = tx.Exec(ctx, `update invitations set sent_at = $4, expires_at = $5, sends = sends + 1, attempts = 0, error_internal = '' where tenant_id = $1 and user_id = $2 and sends = $3`,
				i.tenant, i.user, i.sends, s.now(), s.now().Add(invitationTime))
		case stopped != nil: // we are ending: the next to run sends it
			_, err = tx.Exec(ctx, `update invitations set try_at = $4 where tenant_id = $1 and user_id = $2 and sends = $3`, i.tenant, i.user, i.sends, s.now())
		default:
			_, err = tx.Exec(ctx, `update invitations set attempts = attempts + 1, error_internal = left($4, 500), try_at = $5,
				bounced_at = case when $6 then $7::timestamptz end where tenant_id = $1 and user_id = $2 and sends = $3`,
				i.tenant, i.user, i.sends, failed.Error(), s.now().Add(time.Minute<<min(i.attempts, 8)), unknownAddress(failed), s.now())
		}
		return err
	})
	return false, errors.Join(err, stopped)
}

func (s *Service) mailInvitation(ctx context.Context, i invitation) error {
	w := invitationWords[languageOf(i.locale)]
	text := strings.ReplaceAll(w.intro, "{name}", i.name) + "\n\n"
	if i.byProvider {
		text += w.provider + "\n\n" + s.public
	} else {
		link, err := s.CreateLink(ctx, i.tenant, i.user, invitationTime, false)
		if err != nil {
			return err
		}
		text += w.once + "\n\n" + s.public + "/s/" + link + "\n\n" + strings.ReplaceAll(w.outro, "{address}", s.public)
	}
	return s.mailer.Mail(ctx, fmt.Sprintf("invite.%s.%s.%d", i.tenant, i.user, i.sends), i.address, w.subject, text)
}

// unknownAddress reports whether a mail server said that there is no such address:
// RFC 3463's 5.1, or 550, 551 and 553 of one that says no more.
func unknownAddress(err error) bool {
	var said interface {
		ErrorCode() int
		EnhancedStatusCode() string
	}
	if !errors.As(err, &said) {
		return false
	}
	code, detail := said.ErrorCode(), said.EnhancedStatusCode()
	return strings.HasPrefix(detail, "5.1.") || detail == "" && (code == 550 || code == 551 || code == 553)
}

// invitationWords, by language.
var invitationWords = map[string]struct{ subject, intro, once, provider, outro string }{
	"en": {
		"Your invitation", "You are invited to the customer portal of {name}: the onboarding, documents and answers to your questions in one place.",
		"Open this link to sign in. It works once, for 14 days.", "Sign in with your organisation's account here:",
		"If it no longer works, ask for a new link with your e-mail address at {address}.",
	},
	"de": {
		"Ihre Einladung", "Sie sind in das Kundenportal von {name} eingeladen: Onboarding, Dokumente und Antworten auf Ihre Fragen an einem Ort.",
		"Öffnen Sie diesen Link, um sich anzumelden. Er gilt einmal und 14 Tage lang.", "Melden Sie sich hier mit dem Konto Ihrer Organisation an:",
		"Wenn er nicht mehr gilt, fordern Sie unter {address} mit Ihrer E-Mail-Adresse einen neuen Link an.",
	},
	"fr": {
		"Votre invitation", "Vous êtes invité(e) sur le portail client de {name} : la mise en route, les documents et les réponses à vos questions au même endroit.",
		"Ouvrez ce lien pour vous connecter. Il fonctionne une seule fois, pendant 14 jours.", "Connectez-vous ici avec le compte de votre organisation :",
		"S'il ne fonctionne plus, demandez un nouveau lien avec votre adresse e-mail sur {address}.",
	},
	"es": {
		"Su invitación", "Tiene una invitación al portal de clientes de {name}: la puesta en marcha, los documentos y las respuestas a sus preguntas en un solo lugar.",
		"Abra este enlace para iniciar sesión. Funciona una sola vez, durante 14 días.", "Inicie sesión aquí con la cuenta de su organización:",
		"Si ya no funciona, pida un enlace nuevo con su correo electrónico en {address}.",
	},
	"pt": {
		"O seu convite", "Recebeu um convite para o portal de clientes de {name}: a implementação, os documentos e as respostas às suas perguntas num só lugar.",
		"Abra este link para iniciar sessão. Funciona uma única vez, durante 14 dias.", "Inicie sessão aqui com a conta da sua organização:",
		"Se já não funcionar, peça um novo link com o seu e-mail em {address}.",
	},
}
