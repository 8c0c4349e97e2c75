package assistant_test

import (
	"context"
	"encoding/json"
	"errors"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/triage"
	"github.com/usherdesk/usher/triage/assistant"
	"github.com/usherdesk/usher/triage/confirm"
	"github.com/usherdesk/usher/triage/desk"
	"github.com/usherdesk/usher/triage/intake"
)

// codes is a bundle whose status answers are for the asker only.
type codes struct {
	*testBundle
	confirm *confirm.Service
	letters []string
	skipped time.Duration
	renewed int
}

func setupCodes(t *testing.T) *codes {
	t.Helper()
	c := &codes{testBundle: setup(t)}
	jobs, err := river.NewClient(riverpgxv5.New(c.db.Worker.Pool()), &river.Config{SkipUnknownJobCheck: true})
	require.NoError(t, err)
	c.confirm = confirm.New("secret", jobs, func() time.Time { return time.Now().Add(c.skipped) })
	c.intake.Codes, c.assistant.Codes = c.confirm, c.confirm
	c.classification = triage.Classification{Intent: "signature.status", Confidence: 0.9, Route: "status", Priority: triage.PriorityNormal, Language: "en", Sentiment: "neutral", Engine: "test", Version: "1"}
	c.status = assistant.StatusReply{Text: "Ada Lovelace still has to sign.", Confirm: true}
	return c
}

func (c *codes) Mail(_ context.Context, _, _, _, text string) error {
	c.letters = append(c.letters, text)
	return nil
}

// jobs takes the jobs of a kind out of the queue.
func take[T any](t *testing.T, c *codes, kind string) (out []T) {
	t.Helper()
	rows, err := c.db.Worker.Pool().Query(t.Context(), `delete from river_job where kind = $1 returning args`, kind)
	require.NoError(t, err)
	list, err := pgx.CollectRows(rows, pgx.RowTo[[]byte])
	require.NoError(t, err)
	for _, raw := range list {
		var args T
		require.NoError(t, json.Unmarshal(raw, &args))
		out = append(out, args)
	}
	return out
}

// work runs what waits: messages, and mails with codes.
func (c *codes) work(t *testing.T) {
	t.Helper()
	for _, args := range take[intake.ProcessArgs](t, c, "process_message") {
		require.NoError(t, c.assistant.Run(t.Context(), args))
	}
	for _, args := range take[confirm.SendArgs](t, c, "send_code") {
		require.NoError(t, c.confirm.Send(t.Context(), c.db.Worker, c, args))
	}
}

// code is the one of the last mail.
func (c *codes) code(t *testing.T) string {
	t.Helper()
	require.NotEmpty(t, c.letters)
	return strings.ReplaceAll(regexp.MustCompile(`^\d{3} \d{3}`).FindString(c.letters[len(c.letters)-1]), " ", "")
}

var atScreen = &intake.Session{}

func (c *codes) begin(t *testing.T, text string, session *intake.Session) triage.Conversation {
	t.Helper()
	conversation, _, err := c.intake.Start(t.Context(), c.customer, intake.Start{Channel: triage.ChannelChat, Text: text, Session: session})
	require.NoError(t, err)
	c.work(t)
	return conversation
}

func (c *codes) enter(t *testing.T, conversation uuid.UUID, code, typedAs string) (triage.Message, int, error) {
	t.Helper()
	m, left, err := c.intake.EnterCode(t.Context(), c.customer, conversation, code, typedAs, func(context.Context, pgx.Tx) error { c.renewed++; return nil })
	c.work(t)
	return m, left, err
}

func (c *codes) bodies(t *testing.T, conversation triage.Conversation) (out []string) {
	t.Helper()
	messages, err := c.intake.Messages(t.Context(), c.customer, conversation.ID, 0, 100)
	require.NoError(t, err)
	for _, m := range messages {
		out = append(out, string(m.AuthorKind)+": "+m.Body)
	}
	return out
}

func wrong(code string) string {
	if code[0] == '9' {
		return "1" + code[1:]
	}
	return "9" + code[1:]
}

// nowhere checks that a code is in no row of any table, with a word that is in some.
func (c *codes) nowhere(t *testing.T, code string) {
	t.Helper()
	require.Contains(t, c.tablesWith(t, "still has to sign"), "messages", "the search finds what is there")
	require.Empty(t, c.tablesWith(t, `(^|[^0-9])(`+code+`|`+code[:3]+`[ .-]`+code[3:]+`)([^0-9]|$)`))
}

func (c *codes) tablesWith(t *testing.T, pattern string) (with []string) {
	t.Helper()
	require.NoError(t, c.db.Worker.WithSystem(t.Context(), "test", func(tx pgx.Tx) error {
		rows, err := tx.Query(t.Context(), `select table_name::text from information_schema.tables where table_schema = 'public' and table_type = 'BASE TABLE' and table_name not like 'goose%'`)
		if err != nil {
			return err
		}
		tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
		for _, table := range tables {
			var found bool
			if err := tx.QueryRow(t.Context(), `select exists (select from `+pgx.Identifier{table}.Sanitize()+` x where to_jsonb(x)::text ~ $1)`, pattern).Scan(&found); err != nil {
				return err
			}
			if found {
				with = append(with, table)
			}
		}
		return err
	}))
	return with
}

func TestAQuestionWaitsForItsCode(t *testing.T) {
	t.Parallel()
	c := setupCodes(t)
	conversation := c.begin(t, "Who still has to sign?", atScreen)
	replies := c.replies(t, conversation)
	require.Len(t, replies, 1)
	require.Equal(t, "confirm", replies[0].Answer.Kind)
	require.Equal(t, "a•••@acme.test", replies[0].Answer.CodeTo)
	require.Contains(t, replies[0].Body, "a•••@acme.test")
	require.NotContains(t, replies[0].Body, "Ada", "nothing of it before the code")
	require.Empty(t, replies[0].Answer.Basis)
	code := c.code(t)

	_, left, err := c.enter(t, conversation.ID, wrong(code), "")
	require.ErrorIs(t, err, confirm.ErrWrong)
	require.Equal(t, 2, left)
	require.Len(t, c.replies(t, conversation), 1)
	require.Zero(t, c.renewed)

	m, _, err := c.enter(t, conversation.ID, code[:3]+" "+code[3:], "")
	require.NoError(t, err)
	require.Equal(t, triage.AuthorSystem, m.AuthorKind)
	require.Equal(t, 1, c.renewed)
	require.Equal(t, []string{
		"customer: Who still has to sign?", "assistant: " + replies[0].Body, "system: Code entered.", "assistant: Ada Lovelace still has to sign.",
	}, c.bodies(t, conversation))
	var decided int
	require.NoError(t, c.db.Worker.WithTenant(t.Context(), c.customer.TenantID, func(tx pgx.Tx) error {
		return tx.QueryRow(t.Context(), `select count(*) from decisions where reason = '' and outcome = 'sent'`).Scan(&decided)
	}))
	require.Equal(t, 1, decided, "one decision, the answer's")
	c.nowhere(t, code)

	_, _, err = c.enter(t, conversation.ID, code, "")
	require.ErrorIs(t, err, confirm.ErrOver, "once")
	require.Len(t, c.replies(t, conversation), 2)
}

// Whether a code is asked for tells nothing of whether there is anything to say.
func TestACodeIsAskedForAlsoWhereThereIsNothing(t *testing.T) {
	t.Parallel()
	c := setupCodes(t)
	c.status.Text = ""
	conversation := c.begin(t, "Who still has to sign?", atScreen)
	require.Equal(t, "confirm", c.replies(t, conversation)[0].Answer.Kind)
	_, _, err := c.enter(t, conversation.ID, c.code(t), "")
	require.NoError(t, err)
	bodies := c.bodies(t, conversation)
	require.Equal(t, "assistant: "+c.answer.Text, bodies[len(bodies)-1], "the knowledge base has something")
}

func TestAFreshSessionIsNotAsked(t *testing.T) {
	t.Parallel()
	c := setupCodes(t)
	conversation := c.begin(t, "Who still has to sign?", &intake.Session{Fresh: true})
	require.Equal(t, []string{"customer: Who still has to sign?", "assistant: Ada Lovelace still has to sign."}, c.bodies(t, conversation))
	require.Empty(t, c.letters)
}

func TestACodeTypedAsAMessageIsTakenAndNotStored(t *testing.T) {
	t.Parallel()
	c := setupCodes(t)
	conversation := c.begin(t, "Who still has to sign?", atScreen)
	code := c.code(t)
	for _, text := range []string{wrong(code), "my code is " + code[:3] + "-" + code[3:] + "."} {
		_, err := c.intake.Post(t.Context(), c.customer, conversation.ID, intake.Post{Text: text, Session: atScreen, ClientKey: text[:2]})
		require.ErrorIs(t, err, intake.ErrCode)
	}
	m, left, err := c.enter(t, conversation.ID, wrong(code), "k1")
	require.ErrorIs(t, err, confirm.ErrWrong)
	require.Equal(t, "That is not the code. Look at the mail once more; you have 2 tries left.", m.Body)
	again, _, err := c.enter(t, conversation.ID, wrong(code), "k1")
	require.NoError(t, err)
	require.Equal(t, m.ID, again.ID, "sent twice, tried once")
	require.Equal(t, 2, left)
	_, _, err = c.enter(t, conversation.ID, "my code is "+code, "k2")
	require.NoError(t, err)
	bodies := c.bodies(t, conversation)
	require.Equal(t, "assistant: Ada Lovelace still has to sign.", bodies[len(bodies)-1])
	c.nowhere(t, code)

	// Used, it is still nobody's business.
	_, err = c.intake.Post(t.Context(), c.customer, conversation.ID, intake.Post{Text: code, Session: atScreen})
	require.ErrorIs(t, err, intake.ErrCode)
	m, _, err = c.enter(t, conversation.ID, code, "k3")
	require.ErrorIs(t, err, confirm.ErrOver)
	require.Equal(t, "This code is not valid any more. Ask for a new one.", m.Body)
	_, err = c.intake.Post(t.Context(), c.customer, conversation.ID, intake.Post{Text: wrong(code), Session: atScreen})
	require.NoError(t, err, "another number is a number again")
}

func TestACodeInOtherTextsIsBlottedOut(t *testing.T) {
	t.Parallel()
	c := setupCodes(t)
	conversation := c.begin(t, "Who still has to sign?", atScreen)
	code := c.code(t)
	spelled := strings.Join(strings.Split(code, ""), " ")
	long := "I had a letter that says " + code + " and another that says 123456, and I wonder which of them I should use for this or whether both are old."
	m, err := c.intake.Post(t.Context(), c.customer, conversation.ID, intake.Post{Text: long, Session: atScreen})
	require.NoError(t, err)
	require.Equal(t, strings.NewReplacer(code, "••••••", "123456", "••••••").Replace(long), m.Body, "which of them it is, nobody can tell")
	_, err = c.intake.AskForPerson(t.Context(), c.customer, conversation.ID, intake.Post{Text: "Please help: " + spelled})
	require.NoError(t, err)
	_, err = c.intake.Change(t.Context(), c.customer, m.ID, "It was "+code)
	require.NoError(t, err)
	_, err = c.intake.FileTicket(t.Context(), c.customer, intake.Ticket{Subject: "Code " + code, Text: "Code " + code, ClientKey: "t1"})
	require.NoError(t, err)
	_, _, err = c.intake.Start(t.Context(), c.customer, intake.Start{Channel: triage.ChannelChat, Text: code, ClientKey: "t2", Session: atScreen})
	require.ErrorIs(t, err, intake.ErrCodeElsewhere)
	require.NoError(t, c.intake.Vote(t.Context(), c.customer, c.replies(t, conversation)[0].ID, intake.Vote{Vote: "not_helpful", Cause: "wrong", Reason: "I entered " + spelled + " and 123456"}))
	require.Contains(t, c.tablesWith(t, "I entered •••••• and ••••••"), "feedback")
	require.NoError(t, c.intake.Vote(t.Context(), c.customer, c.replies(t, conversation)[0].ID, intake.Vote{Vote: "not_helpful", Cause: intake.WantsPerson, Reason: "I did enter " + code}))
	require.ElementsMatch(t, []string{"feedback", "messages", "conversations", "conversation_events"}, c.tablesWith(t, "I did enter ••••••"))
	c.nowhere(t, code)
	require.Empty(t, c.tablesWith(t, "123456"))
}

// Whoever asks for another code while one is entered waits, and is not turned away.
func TestSendingAndEnteringACodeAtOnce(t *testing.T) {
	t.Parallel()
	c := setupCodes(t)
	conversation := c.begin(t, "Who still has to sign?", atScreen)
	for range 30 {
		c.skipped += 61 * time.Minute // an hour has few codes
		var group sync.WaitGroup
		for range confirm.Tries - 1 { // one more would make a pause
			group.Go(func() {
				if err := c.intake.SendCode(t.Context(), c.customer, conversation.ID); err != nil {
					t.Errorf("send: %v", err)
				}
			})
			group.Go(func() {
				_, _, err := c.intake.EnterCode(t.Context(), c.customer, conversation.ID, "none", "", nil)
				if !errors.Is(err, confirm.ErrWrong) && !errors.Is(err, confirm.ErrSpent) && !errors.Is(err, confirm.ErrOver) {
					t.Errorf("enter: %v", err)
				}
			})
		}
		group.Wait()
		require.False(t, t.Failed())
	}
}

func TestACodeIsOfOnePersonAndOneConversation(t *testing.T) {
	t.Parallel()
	c := setupCodes(t)
	conversation := c.begin(t, "Who still has to sign?", atScreen)
	code := c.code(t)
	other := c.begin(t, "Hello?", &intake.Session{Fresh: true})
	_, _, err := c.enter(t, other.ID, code, "")
	require.ErrorIs(t, err, confirm.ErrOver)

	bruno := c.customer
	bruno.ID, bruno.Name, bruno.Roles = c.db.User(t, bruno.TenantID, "bruno@acme.test", "admin"), "Bruno", []string{"admin"}
	_, _, err = c.intake.EnterCode(t.Context(), bruno, conversation.ID, code, "", nil)
	require.ErrorIs(t, err, confirm.ErrOver, "an administrator reads along and proves nothing of Ana")
	stranger := triage.Actor{Kind: triage.ActorCustomer, TenantID: c.db.Tenant(t, "other"), ID: c.customer.ID}
	_, _, err = c.intake.EnterCode(t.Context(), stranger, conversation.ID, code, "", nil)
	require.ErrorIs(t, err, triage.ErrConversationNotFound)
	require.ErrorIs(t, c.intake.SendCode(t.Context(), bruno, conversation.ID), confirm.ErrOver)
	// None of that cost a try.
	_, _, err = c.enter(t, conversation.ID, code, "")
	require.NoError(t, err)
}

func TestACodeThatIsOverAndOneThatIsSpent(t *testing.T) {
	t.Parallel()
	c := setupCodes(t)
	conversation := c.begin(t, "Who still has to sign?", atScreen)
	old := c.code(t)
	c.skipped = 11 * time.Minute
	m, _, err := c.enter(t, conversation.ID, old, "k1")
	require.ErrorIs(t, err, confirm.ErrOver)
	require.Equal(t, "This code is not valid any more. Ask for a new one.", m.Body)
	require.NoError(t, c.intake.SendCode(t.Context(), c.customer, conversation.ID))
	c.work(t)
	code := c.code(t)
	require.NotEqual(t, old, code)
	for left := 2; left > 0; left-- {
		_, got, err := c.enter(t, conversation.ID, wrong(code), "")
		require.ErrorIs(t, err, confirm.ErrWrong)
		require.Equal(t, left, got)
	}
	_, _, err = c.enter(t, conversation.ID, wrong(code), "")
	require.ErrorIs(t, err, confirm.ErrSpent)
	_, _, err = c.enter(t, conversation.ID, code, "")
	require.ErrorIs(t, err, confirm.ErrOver, "the right one, too late")
	var pause *confirm.PauseError
	require.ErrorAs(t, c.intake.SendCode(t.Context(), c.customer, conversation.ID), &pause)

	// Who asks again meanwhile hears how long it takes, and is offered a person.
	_, err = c.intake.Post(t.Context(), c.customer, conversation.ID, intake.Post{Text: "Who has to sign?", Session: atScreen})
	require.NoError(t, err)
	c.work(t)
	replies := c.replies(t, conversation)
	last := replies[len(replies)-1]
	require.Regexp(t, `the next code can be sent in \d+ min\.`, last.Body)
	require.Empty(t, last.Answer.CodeTo)
	require.True(t, last.Answer.OfferHuman)
}

func TestTheLaterQuestionWaits(t *testing.T) {
	t.Parallel()
	c := setupCodes(t)
	conversation := c.begin(t, "Who still has to sign?", atScreen)
	code := c.code(t)
	_, err := c.intake.Post(t.Context(), c.customer, conversation.ID, intake.Post{Text: "And the data agreement?", Session: atScreen})
	require.NoError(t, err)
	c.work(t)
	require.Len(t, c.letters, 1, "one code at a time")
	c.status.Text = "Grace Hopper still has to sign."
	_, _, err = c.enter(t, conversation.ID, code, "")
	require.NoError(t, err)
	bodies := c.bodies(t, conversation)
	require.Equal(t, "assistant: Grace Hopper still has to sign.", bodies[len(bodies)-1])

	// A word in between does not take the question's place.
	later := c.begin(t, "Who signs?", atScreen)
	c.status.Confirm = false
	_, err = c.intake.Post(t.Context(), c.customer, later.ID, intake.Post{Text: "Where is the mail?", Session: atScreen})
	require.NoError(t, err)
	c.work(t)
	c.status.Text, c.status.Confirm = "Nobody has to sign.", true
	_, _, err = c.enter(t, later.ID, c.code(t), "")
	require.NoError(t, err)
	bodies = c.bodies(t, later)
	require.Equal(t, "assistant: Nobody has to sign.", bodies[len(bodies)-1])
}

// A code is never asked for by mail, nor of another system.
func TestByMailPeopleAnswer(t *testing.T) {
	t.Parallel()
	for _, channel := range []triage.Channel{triage.ChannelEmail, triage.ChannelAPI} {
		c := setupCodes(t)
		conversation, _, err := c.intake.Start(t.Context(), c.customer, intake.Start{Channel: channel, Text: "Who still has to sign?"})
		require.NoError(t, err)
		c.work(t)
		require.Empty(t, c.letters)
		replies := c.replies(t, conversation)
		require.Len(t, replies, 1)
		require.Equal(t, "escalate", replies[0].Answer.Kind)
		require.NotContains(t, replies[0].Body, "Ada")
		rows, err := c.desk.Queue(t.Context(), desk.Filter{}, triage.Page{})
		require.NoError(t, err)
		require.Len(t, rows, 1)

		// Nor does a fresh session make mail a safe way.
		_, err = c.intake.Post(t.Context(), c.customer, conversation.ID, intake.Post{Text: "Who signs?", Session: &intake.Session{Fresh: true}})
		require.NoError(t, err)
		c.work(t)
		for _, reply := range c.replies(t, conversation) {
			require.NotContains(t, reply.Body, "Ada")
		}
	}
}

func TestWithoutMailNobodyIsAsked(t *testing.T) {
	t.Parallel()
	c := setupCodes(t)
	c.assistant.Codes, c.intake.Codes = nil, nil
	conversation := c.begin(t, "Who still has to sign?", atScreen)
	bodies := c.bodies(t, conversation)
	require.Equal(t, "assistant: Ada Lovelace still has to sign.", bodies[1])
}

// Whoever has a person on it is answered by them, code or not.
func TestAPersonInChargeAnswersAfterTheCodeToo(t *testing.T) {
	t.Parallel()
	c := setupCodes(t)
	conversation := c.begin(t, "Who still has to sign?", atScreen)
	code := c.code(t)
	_, err := c.intake.AskForPerson(t.Context(), c.customer, conversation.ID, intake.Post{})
	require.NoError(t, err)
	c.work(t)
	rows, err := c.desk.Queue(t.Context(), desk.Filter{}, triage.Page{})
	require.NoError(t, err)
	_, err = c.desk.Reply(t.Context(), c.agent, desk.TicketRef{TenantID: conversation.TenantID, ID: rows[0].ID}, desk.Reply{Text: "I am on it."})
	require.NoError(t, err)
	_, _, err = c.enter(t, conversation.ID, code, "")
	require.NoError(t, err)
	for _, reply := range c.replies(t, conversation) {
		require.NotContains(t, reply.Body, "Ada")
	}
}

// Every way at once answers once.
func TestOneCodeAnswersOnce(t *testing.T) {
	t.Parallel()
	c := setupCodes(t)
	conversation := c.begin(t, "Who still has to sign?", atScreen)
	code := c.code(t)
	errs := make(chan error, 6)
	for range cap(errs) {
		go func() {
			_, _, err := c.intake.EnterCode(t.Context(), c.customer, conversation.ID, code, "", func(context.Context, pgx.Tx) error { return nil })
			errs <- err
		}()
	}
	right := 0
	for range cap(errs) {
		if err := <-errs; err == nil {
			right++
		} else {
			require.True(t, errors.Is(err, confirm.ErrOver), "%v", err)
		}
	}
	require.Equal(t, 1, right)
	jobs := take[intake.ProcessArgs](t, c, "process_message")
	require.Len(t, jobs, 1)
	for range 3 { // a job may run again
		require.NoError(t, c.assistant.Run(t.Context(), jobs[0]))
	}
	require.Len(t, c.replies(t, conversation), 2)
}
