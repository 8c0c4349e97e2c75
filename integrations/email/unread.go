package email

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/usherdesk/usher/triage"
)

// unreadAfter is how long a person's reply waits in the chat to be read there.
const unreadAfter = 2 * time.Minute

// kindUnread is a mail that groups the replies of one chat nobody has read.
const kindUnread = "unread"

// away finds chats in which a person's reply has waited long enough, and stores
// one mail for all that is unread in each. A message is mailed once.
func (s *Service) away(ctx context.Context, tx pgx.Tx, now time.Time) (int, error) {
	type chat struct {
		TenantID  uuid.UUID `db:"tenant_id"`
		ID        uuid.UUID `db:"id"`
		Recipient string    `db:"email"`
		From      int64     `db:"from_seq"`
		To        int64     `db:"to_seq"`
	}
	rows, err := tx.Query(ctx, `with waiting as (
		  select m.tenant_id, m.conversation_id, min(m.created_at) as since, max(m.seq) as to_seq from messages m
		  join conversations c on c.tenant_id = m.tenant_id and c.id = m.conversation_id
		  where m.author_kind = 'agent' and m.visibility = 'customer' and m.state in ('final', 'stopped') and m.created_at > $1
		    and c.channel = 'chat' and m.seq > greatest(c.customer_read_seq, c.mailed_seq)
		  group by m.tenant_id, m.conversation_id)
		update conversations c set mailed_seq = w.to_seq
		from waiting w, users u, tenants t, conversations old
		where c.tenant_id = w.tenant_id and c.id = w.conversation_id and w.since < $2 and old.tenant_id = c.tenant_id and old.id = c.id
		  and u.tenant_id = c.tenant_id and u.id = c.user_id and u.state <> 'deactivated' and u.email <> ''
		  and t.id = c.tenant_id and t.lifecycle_state in ('active', 'live')
		returning c.tenant_id, c.id, u.email, greatest(old.customer_read_seq, old.mailed_seq) as from_seq, w.to_seq`,
		now.Add(-48*time.Hour), now.Add(-unreadAfter))
	if err != nil {
		return 0, err
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByName[chat])
	if err != nil {
		return 0, err
	}
	for _, c := range list {
		p := payload{ConversationID: c.ID, To: c.Recipient, After: c.From, UpTo: c.To}
		if _, err := s.queue(ctx, tx, c.TenantID, kindUnread, fmt.Sprintf("unread:%s:%d", c.ID, c.To), p); err != nil {
			return 0, err
		}
	}
	return len(list), nil
}

// gather composes the mail of what is still unread in a chat. It returns nil
// when somebody has read it meanwhile.
func (s *Service) gather(ctx context.Context, tx pgx.Tx, tenant, delivery uuid.UUID, p payload) (*letter, error) {
	c, err := triage.ConversationByID(ctx, tx, tenant, p.ConversationID)
	if errors.Is(err, triage.ErrConversationNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	rows, err := tx.Query(ctx, `select `+triage.MessageColumns+` from messages where tenant_id = $1 and conversation_id = $2
		and seq > greatest($3::bigint, $5) and seq <= $4 and author_kind = 'agent' and visibility = 'customer' and state in ('final', 'stopped')
		order by seq`, tenant, p.ConversationID, p.After, p.UpTo, c.CustomerReadSeq)
	if err != nil {
		return nil, fmt.Errorf("read unread replies: %w", err)
	}
	messages, err := pgx.CollectRows(rows, pgx.RowToStructByName[triage.Message])
	if err != nil {
		return nil, fmt.Errorf("read unread replies: %w", err)
	}
	if len(messages) == 0 {
		return nil, nil
	}
	var locale string
	if err := tx.QueryRow(ctx, `select locale from users where tenant_id = $1 and id = $2`, tenant, c.UserID).Scan(&locale); err != nil {
		return nil, fmt.Errorf("read person: %w", err)
	}
	words, ok := unreadWords[strings.ToLower(locale + "  ")[:2]]
	if !ok {
		words = unreadWords["en"]
	}
	var text strings.Builder
	text.WriteString(words.intro)
	for _, m := range messages {
		fmt.Fprintf(&text, "\n\n%s:\n%s", m.AuthorName, m.Body)
		for _, f := range m.Attachments {
			fmt.Fprintf(&text, "\n[%s]", f.Name)
		}
	}
	text.WriteString("\n\n-- \n" + words.outro)
	if s.PublicURL != "" {
		text.WriteString("\n" + s.PublicURL + "/c/" + c.ID.String())
	}
	last := messages[len(messages)-1]
	mail, err := s.inThread(ctx, tx, c, outgoing{id: delivery.String(), to: p.To, replyTo: s.replyAddress(c.ID, p.To), subject: oneLine(words.subject+c.Subject, 150), text: text.String()})
	if err != nil {
		return nil, err
	}
	return &letter{mail: mail, conversation: c.ID, message: last.ID}, nil
}

// unreadWords, by language.
var unreadWords = map[string]struct{ subject, intro, outro string }{
	"en": {"New reply: ", "You have a new reply in your support chat.", "Answer by replying to this mail, or in the chat:"},
	"de": {"Neue Antwort: ", "In Ihrem Support-Chat wartet eine neue Antwort.", "Antworten Sie auf diese Mail oder im Chat:"},
	"fr": {"Nouvelle réponse : ", "Une nouvelle réponse vous attend dans votre chat d'assistance.", "Répondez à ce courriel ou dans le chat :"},
	"es": {"Nueva respuesta: ", "Tiene una respuesta nueva en su chat de soporte.", "Conteste a este correo o en el chat:"},
	"pt": {"Nova resposta: ", "Tem uma nova resposta no seu chat de suporte.", "Responda a este e-mail ou no chat:"},
}
