package procedure_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/migrations/dbtest"
	"github.com/usherdesk/usher/triage/procedure"
)

func shipped(t *testing.T, key string) procedure.Procedure {
	t.Helper()
	list, err := procedure.Shipped()
	require.NoError(t, err)
	for _, p := range list {
		if p.Key == key {
			p.Version = 1
			return p
		}
	}
	require.Fail(t, "no shipped procedure "+key)
	return procedure.Procedure{}
}

func world(language string, facts map[string]string) procedure.World {
	return procedure.World{
		Facts: facts, Language: language, Locale: language, Now: time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC),
		Look: func(_ context.Context, intent string) (procedure.Looked, error) {
			return procedure.Looked{Text: "[" + intent + "]"}, nil
		},
	}
}

// through goes through a procedure with messages, and gives the turns.
func through(t *testing.T, p procedure.Procedure, w procedure.World, messages ...string) (turns []procedure.Turn) {
	t.Helper()
	var run procedure.Run
	for _, m := range append([]string{"start"}, messages...) {
		turn, err := procedure.Advance(t.Context(), p, run, m, w)
		require.NoError(t, err)
		turns = append(turns, turn)
		run = turn.Run
	}
	return turns
}

func TestAProcedureIsFollowedStepByStep(t *testing.T) {
	t.Parallel()
	p := shipped(t, "go_live_date")
	facts := map[string]string{"project.live": "no", "asker.role": "admin", "documents.missing": "2"}
	turns := through(t, p, world("de", facts), "am 15. Dezember 2026", "Dokumente oder Unterschriften fehlen")
	require.Equal(t, "[onboarding.go_live_date]\n\nWelcher Tag würde Ihnen stattdessen passen?", turns[0].Text)
	require.Equal(t, []string{"Abbrechen"}, turns[0].Options)
	require.Equal(t, "Was ist der Grund?", turns[1].Text)
	require.Len(t, turns[1].Options, 5)
	last := turns[2]
	require.Contains(t, last.Text, "[document.missing_list]\n\nIch habe 15. Dezember 2026 als Ihren Wunschtermin notiert.")
	require.Equal(t, procedure.HandedOver, last.Run.State)
	require.Equal(t, "onboarding", last.HandOver.Team)
	require.Equal(t, map[string]string{"date": "2026-12-15", "reason": "papers"}, last.Run.Answers)
	require.Equal(t, map[string]string{"documents.missing": "2"}, last.Facts, "what its conditions looked at, and no more")
	require.Equal(t, "Which day would suit you instead? 2026-12-15\nWhat is the reason? papers", procedure.Collected(p, last.Run))
	require.Equal(t, turns, through(t, p, world("de", facts), "am 15. Dezember 2026", "Dokumente oder Unterschriften fehlen"), "the same words lead the same way")

	member := through(t, p, world("en", map[string]string{"project.live": "no", "asker.role": "member"}))[0]
	require.Equal(t, procedure.Done, member.Run.State)
	require.Contains(t, member.Text, "administrator or manager")
	live := through(t, p, world("en", map[string]string{"project.live": "yes", "asker.role": "admin"}))[0]
	require.Equal(t, procedure.Done, live.Run.State)
	require.NotContains(t, live.Text, "[onboarding.go_live_date]")
}

func TestATurnThatIsForTheAskerOnly(t *testing.T) {
	t.Parallel()
	p, err := procedure.Parse([]byte(`{key: k, title: T, intent: how_to, confirm: true, steps: [{id: a, ask: {as: x, kind: yes_no, question: {en: "Sure?"}}}, {id: b, say: {en: "Said."}}]}`))
	require.NoError(t, err)
	w := world("en", nil)
	turn, err := procedure.Advance(t.Context(), p, procedure.Run{}, "start", w)
	require.NoError(t, err)
	require.True(t, turn.Confirm)
	ended, err := procedure.Advance(t.Context(), p, turn.Run, "cancel", w)
	require.NoError(t, err)
	require.Equal(t, procedure.Cancelled, ended.Run.State)
	require.False(t, ended.Confirm, "to stop needs no proof")

	p.Confirm = false
	p.Steps[1] = procedure.Step{ID: "b", Look: "signature.status"}
	turn, err = procedure.Advance(t.Context(), p, procedure.Run{}, "start", w)
	require.NoError(t, err)
	require.False(t, turn.Confirm, "nothing is said yet")
	w.Look = func(context.Context, string) (procedure.Looked, error) {
		return procedure.Looked{Text: "Ada", Confirm: true}, nil
	}
	turn, err = procedure.Advance(t.Context(), p, turn.Run, "yes", w)
	require.NoError(t, err)
	require.True(t, turn.Confirm)
}

func TestAnAnswerThatDoesNotFitIsAskedForAgainAndThenAPersonHelps(t *testing.T) {
	t.Parallel()
	w := world("en", map[string]string{"project.live": "no", "asker.role": "manager"})
	turns := through(t, shipped(t, "go_live_date"), w, "soon", "1 November 2026", "whenever")
	for _, turn := range turns[1:3] {
		require.False(t, turn.Fits)
		require.Contains(t, turn.Text, "I couldn't read that as a day from today on.")
		require.Contains(t, turn.Text, "Which day would suit you instead?")
		require.Equal(t, procedure.Waiting, turn.Run.State)
	}
	require.Equal(t, procedure.HandedOver, turns[3].Run.State)
	require.Contains(t, turns[3].HandOver.Why, "did not fit")
	require.Empty(t, turns[3].HandOver.Team, "the intent's own")

	cancelled := through(t, shipped(t, "go_live_date"), w, "Cancel")[1]
	require.Equal(t, procedure.Cancelled, cancelled.Run.State)
	require.Contains(t, cancelled.Text, "Nothing was changed")
}

func TestAnswersAreReadAsPeopleWriteThem(t *testing.T) {
	t.Parallel()
	p, err := procedure.Parse([]byte(`
key: k
title: T
intent: a.b
steps:
  - id: one
    ask: {as: mail, kind: email, question: {en: Mail?}}
  - id: two
    ask: {as: sure, kind: yes_no, question: {en: "Is {answer.mail} right?"}}
  - id: three
    ask: {as: words, kind: text, question: {en: Words?}}
  - id: four
    say: {en: "{answer.words}"}
`))
	require.NoError(t, err)
	turns := through(t, p, world("fr", nil), "not a mail", "Eve@Example.COM", "Oui !", "*bold* [x](http://evil.test)\n# heading")
	require.Contains(t, turns[1].Text, "adresse e-mail")
	require.Equal(t, "Is eve@example.com right?", turns[2].Text)
	require.Equal(t, []string{"Oui", "Non", "Annuler"}, turns[2].Options)
	require.False(t, turns[4].Fits, "a free text may be anything: it may not hide a call for help")
	require.Equal(t, `\*bold\* \[x\](http://evil.test) # heading`, turns[4].Text, "a customer's words stay words")
	require.Equal(t, "yes", turns[4].Run.Answers["sure"])

	choice := shipped(t, "move_meeting")
	for _, said := range []string{"2", "call_off", "Call it off", "absagen"} {
		last := through(t, choice, world("en", nil), said)[1]
		require.Equal(t, "call_off", last.Run.Answers["change"], said)
		require.Equal(t, procedure.HandedOver, last.Run.State, "no day is asked for")
	}
}

func TestABadProcedureSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	for steps, want := range map[string]string{
		`[]`:                                 "between 1 and 30 steps",
		`[{id: a}]`:                          "exactly one thing",
		`[{id: a, say: {de: Hallo}}]`:        "needs English",
		`[{id: a, say: {en: "{answer.x}"}}]`: "which no step before it asks",
		`[{id: a, say: {en: x}, when: [{field: moon, op: is, value: full}]}]`:                "neither an earlier answer nor a fact",
		`[{id: a, say: {en: x}, when: [{field: tasks.overdue, op: at_least, value: some}]}]`: "needs a number",
		`[{id: a, ask: {as: x, kind: text, question: {en: y}}}]`:                             "the last step must not ask",
		`[{id: a, ask: {as: x, kind: choice, question: {en: y}}}, {id: b, say: {en: z}}]`:    "between 2 and 8 choices",
		`[{id: a, say: {en: x}}, {id: a, say: {en: x}}]`:                                     "its id must be its own",
		`[{id: a, hand_over: {team: onboarding}}]`:                                           "needs a team, and a why",
		`[{id: a, look: nothing}]`:                                                           "no question about the state",
		`[{id: a, sing: la}]`:                                                                "sing",
	} {
		_, err := procedure.Parse([]byte("key: k\ntitle: T\nintent: a.b\nsteps: " + steps))
		require.ErrorIs(t, err, procedure.ErrBadProcedure, steps)
		require.ErrorContains(t, err, want, steps)
	}
	list, err := procedure.Shipped()
	require.NoError(t, err)
	require.Len(t, list, 2)
	for _, p := range list {
		for _, s := range p.Steps {
			texts := []procedure.Text{s.Say}
			if s.Ask != nil {
				texts = append(texts, s.Ask.Question)
				for _, c := range s.Ask.Choices {
					texts = append(texts, c.Label)
				}
			}
			for _, text := range texts {
				require.Contains(t, []int{0, 5}, len(text), "%s %s: all five languages", p.Key, s.ID)
			}
		}
		body, err := p.YAML()
		require.NoError(t, err)
		again, err := procedure.Parse([]byte(body))
		require.NoError(t, err)
		require.Equal(t, p, again, "what is edited is what is stored")
	}
}

func TestVersionsAreKeptAndOnePublishedProcedureHasAnIntent(t *testing.T) {
	t.Parallel()
	db := dbtest.New(t)
	system := func(fn func(tx pgx.Tx) error) error { return db.Worker.WithSystem(t.Context(), "test", fn) }
	p := shipped(t, "move_meeting")
	save := func(p procedure.Procedure) (version int, err error) {
		err = system(func(tx pgx.Tx) error {
			got, err := procedure.SaveDraft(t.Context(), tx, p)
			version = got.Version
			return err
		})
		return version, err
	}
	publish := func(key string) error {
		return system(func(tx pgx.Tx) error {
			_, err := procedure.Publish(t.Context(), tx, key)
			return err
		})
	}
	_, err := save(p)
	require.ErrorContains(t, err, "no intent")
	require.NoError(t, system(func(tx pgx.Tx) error {
		_, err := tx.Exec(t.Context(), `insert into taxonomy_values (dimension, value) values ('intent', $1), ('intent', 'other')`, p.Intent)
		return err
	}))
	require.ErrorIs(t, publish(p.Key), procedure.ErrNotFound)
	for range 2 { // a draft is changed in place
		version, err := save(p)
		require.NoError(t, err)
		require.Equal(t, 1, version)
	}
	require.NoError(t, publish(p.Key))
	version, err := save(p)
	require.NoError(t, err)
	require.Equal(t, 2, version, "a published version never changes")
	rival := p
	rival.Key = "rival"
	_, err = save(rival)
	require.NoError(t, err)
	require.ErrorIs(t, publish("rival"), procedure.ErrIntentTaken)
	require.NoError(t, publish(p.Key))
	require.NoError(t, system(func(tx pgx.Tx) error { return procedure.Retire(t.Context(), tx, p.Key) }))
	require.NoError(t, publish("rival"))
	require.NoError(t, system(func(tx pgx.Tx) error {
		list, err := procedure.List(t.Context(), tx)
		require.Len(t, list, 2)
		require.Equal(t, []any{"move_meeting", 2, false, 0}, []any{list[0].Latest.Key, list[0].Latest.Version, list[0].Draft, list[0].Published})
		require.Equal(t, []any{"rival", 1, false, 1}, []any{list[1].Latest.Key, list[1].Latest.Version, list[1].Draft, list[1].Published})
		return err
	}))

	// Runs are their tenant's, and customers' role changes none.
	a, b := db.Tenant(t, "a"), db.Tenant(t, "b")
	conversation := uuid.New()
	require.NoError(t, db.Worker.WithTenant(t.Context(), a, func(tx pgx.Tx) error {
		if _, err := tx.Exec(t.Context(), `insert into conversations (tenant_id, id, channel) values ($1, $2, 'chat')`, a, conversation); err != nil {
			return err
		}
		return (&procedure.Service{}).Keep(t.Context(), tx, a, conversation, uuid.Nil, 1, procedure.Turn{Run: procedure.Run{ID: uuid.New(), Key: "rival", Version: 1, Step: "what", State: procedure.Waiting}})
	}))
	count := func(tenant uuid.UUID) (n int) {
		require.NoError(t, db.App.WithTenant(t.Context(), tenant, func(tx pgx.Tx) error {
			_, err := tx.Exec(t.Context(), `select 1`)
			return errors.Join(err, tx.QueryRow(t.Context(), `select count(*) from procedure_runs`).Scan(&n))
		}))
		return n
	}
	require.Equal(t, []int{1, 0}, []int{count(a), count(b)})
	require.Error(t, db.App.WithTenant(t.Context(), a, func(tx pgx.Tx) error {
		_, err := tx.Exec(t.Context(), `update procedure_runs set state = 'done'`)
		return err
	}))
}
