package change

import (
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/usherdesk/usher/portal/onboarding"
	"github.com/usherdesk/usher/portal/onboarding/rule"
)

// happening is one thing to tell of.
type happening struct {
	entity   string
	id       uuid.UUID
	kind     string
	name     string
	side     string    // whose a task is
	person   uuid.UUID // whose in particular
	internal bool      // customers do not see it
	// department is set where only its people may know of it.
	department string
	at         time.Time
}

// tell appends the onboarding event and runs the rules where one may listen.
func tell(ctx context.Context, tx pgx.Tx, rules *rule.Engine, tenant uuid.UUID, h happening) error {
	if _, err := onboarding.Append(ctx, tx, tenant, h.entity, h.id, h.kind); err != nil {
		return err
	}
	if rules == nil || h.internal || !slices.Contains(rule.Kinds, h.kind) {
		return nil
	}
	_, err := rules.Run(ctx, tx, rule.Event{
		TenantID: tenant, Kind: h.kind, Subject: h.kind + "/" + h.id.String() + "@" + strconv.FormatInt(h.at.UnixMilli(), 10), Entity: h.entity, EntityID: h.id, UserID: h.person,
		Department: h.department,
		Fields:     map[string]string{"name": h.name, "side": h.side},
	})
	return err
}

// settling works out what follows from a change: tasks that wait for nothing any
// more can begin and those that wait again cannot, milestones are reached when
// their tasks are, stages when their milestones are. Only what the change touches
// is looked at, and each from what there is now alone, so that the order of changes
// does not matter.
type settling struct {
	tx         pgx.Tx
	tenant     uuid.UUID
	project    uuid.UUID
	live       bool
	at         time.Time
	tasks      []uuid.UUID // whose needs may have changed
	milestones []uuid.UUID
	stages     []uuid.UUID
	told       []happening
}

// touch looks at everything a task has a part in, before and after.
func (s *settling) touch(before, after row) {
	s.tasks = append(s.tasks, after.id)
	for _, r := range []row{before, after} {
		if id, ok := r.values["milestone_id"].(string); ok {
			s.milestones = append(s.milestones, uuid.MustParse(id))
		}
	}
}

func (s *settling) reconsider(entity string, id uuid.UUID) {
	if entity == "milestone" {
		s.milestones = append(s.milestones, id)
		return
	}
	s.stages = append(s.stages, id)
}

func (s *settling) settle(ctx context.Context) ([]happening, error) {
	for _, step := range []func(context.Context) error{s.unlock, s.reach, s.advance} {
		if err := step(ctx); err != nil {
			return nil, err
		}
	}
	return s.told, nil
}

// unlock sets which of the waiting tasks can begin.
func (s *settling) unlock(ctx context.Context) error {
	if len(s.tasks) == 0 {
		return nil
	}
	rows, err := s.tx.Query(ctx, `with due as (
		select t.id, t.state as was, case when exists (select from task_dependencies d join tasks n on n.tenant_id = d.tenant_id and n.id = d.needs_id
			where d.tenant_id = t.tenant_id and d.task_id = t.id and n.state not in ('done', 'not_applicable', 'cancelled')) then 'not_ready' else 'ready' end as now
		from tasks t where t.tenant_id = $1 and t.project_id = $2 and t.state in ('ready', 'not_ready')
			and (t.id = any($3) or exists (select from task_dependencies d where d.tenant_id = $1 and d.task_id = t.id and d.needs_id = any($3))))
		update tasks t set state = due.now from due where t.tenant_id = $1 and t.id = due.id and due.was <> due.now
		returning t.id, t.state, t.title, t.responsibility, coalesce(t.assignee_id, '00000000-0000-0000-0000-000000000000'), t.visibility = 'internal',
			case when t.visibility = 'restricted' then t.department else '' end`, s.tenant, s.project, s.tasks)
	if err != nil {
		return err
	}
	found, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (h happening, err error) {
		err = r.Scan(&h.id, &h.kind, &h.name, &h.side, &h.person, &h.internal, &h.department)
		h.entity, h.kind, h.at = "task", "task."+h.kind, s.at
		return h, err
	})
	s.told = append(s.told, found...)
	return err
}

type milestone struct {
	ID        uuid.UUID
	StageID   *uuid.UUID
	Name      string
	State     string
	Word      string // the latest word, where there is one
	GoLive    bool
	Tasks     int
	Open      int
	Done      int
	Begun     int
	Courses   int
	Unpassed  int // courses somebody still has to finish
	Attempted int
	DoneAt    *time.Time
	SaidAt    *time.Time
}

// now is the state that follows.
func (m milestone) now(live bool) string {
	switch {
	case m.Word == "waived", m.Word == "done":
		return m.Word
	case m.Tasks+m.Courses == 0:
		return m.State // nothing it could follow from
	case m.Open == 0 && m.Unpassed == 0 && m.Done+m.Courses > 0 && (live || !m.GoLive):
		return "done"
	case m.Word == "missed", m.Word == "at_risk":
		return m.Word
	case m.Word == "in_progress", m.Begun+m.Attempted > 0:
		return "in_progress"
	}
	return "upcoming"
}

func (s *settling) reach(ctx context.Context) error {
	if len(s.milestones) == 0 {
		return nil
	}
	rows, err := s.tx.Query(ctx, `select m.id, m.stage_id, m.name, m.state,
			coalesce(m.said #>> '{state,word}', case when m.state in ('waived', 'missed', 'at_risk') then m.state else '' end) as word, m.go_live,
			t.tasks, t.open, t.done, t.begun, e.courses, e.unpassed, e.attempted, t.done_at, (m.said #>> '{state,at}')::timestamptz as said_at
		from milestones m, lateral (select count(*) as tasks, count(*) filter (where state not in ('done', 'not_applicable', 'cancelled')) as open, count(*) filter (where state = 'done') as done,
				count(*) filter (where state in ('in_progress', 'in_review', 'blocked', 'done')) as begun, max(done_at) as done_at
			from tasks t where t.tenant_id = $1 and t.milestone_id = m.id) t,
			lateral (select count(*) as courses, count(*) filter (where required and state not in ('passed', 'completed', 'waived')) as unpassed, count(*) filter (where state <> 'assigned') as attempted
			from enrolments e where e.tenant_id = $1 and e.milestone_id = m.id) e
		where m.tenant_id = $1 and m.project_id = $2 and m.id = any($3) order by m.ordinal, m.id for update of m`, s.tenant, s.project, s.milestones)
	if err != nil {
		return err
	}
	found, err := pgx.CollectRows(rows, pgx.RowToStructByName[milestone])
	if err != nil {
		return err
	}
	for _, m := range found {
		state := m.now(s.live)
		var at *time.Time
		if state == "done" {
			at = &s.at
			if m.Word == "done" && m.SaidAt != nil {
				at = m.SaidAt
			} else if m.DoneAt != nil && m.DoneAt.After(s.at) {
				at = m.DoneAt
			}
		}
		if m.StageID != nil {
			s.stages = append(s.stages, *m.StageID)
		}
		// When it was reached stays, unless it is reached anew or the word on it is.
		tag, err := s.tx.Exec(ctx, `update milestones set state = $3, completed_at = case when $3 = 'done' and state = 'done' and not $5 then greatest(completed_at, $6) else $4 end
			where tenant_id = $1 and id = $2 and (state <> $3 or $3 = 'done')`, s.tenant, m.ID, state, at, m.Word == "done", m.DoneAt)
		if err != nil {
			return err
		}
		if tag.RowsAffected() > 0 && m.State != state {
			s.told = append(s.told, happening{entity: "milestone", id: m.ID, kind: "milestone." + state, name: m.Name, at: s.at})
		}
	}
	return nil
}

type stage struct {
	ID         uuid.UUID
	Name       string
	State      string
	Word       string
	Milestones int
	Open       int
	Begun      int
}

// now is the state that follows; free says that all before it is done.
func (g stage) now(free bool) string {
	switch {
	case g.Word == "done", g.Word == "skipped":
		return g.Word
	case g.Milestones > 0 && g.Open == 0:
		return "done"
	case free, g.Begun > 0, g.Word == "active":
		return "active"
	}
	return "locked"
}

func (s *settling) advance(ctx context.Context) error {
	if len(s.stages) == 0 {
		return nil
	}
	rows, err := s.tx.Query(ctx, `select g.id, g.name, g.state, coalesce(g.said #>> '{state,word}', case when g.state = 'skipped' then g.state else '' end) as word,
			m.milestones, m.open, m.begun
		from stages g, lateral (select count(*) as milestones, count(*) filter (where state not in ('done', 'waived')) as open, count(*) filter (where state not in ('upcoming', 'waived')) as begun
			from milestones m where m.tenant_id = $1 and m.stage_id = g.id) m
		where g.tenant_id = $1 and g.project_id = $2 order by g.ordinal for update of g`, s.tenant, s.project)
	if err != nil {
		return err
	}
	found, err := pgx.CollectRows(rows, pgx.RowToStructByName[stage])
	if err != nil {
		return err
	}
	free, look := true, false
	for _, g := range found {
		if slices.Contains(s.stages, g.ID) || look {
			state := g.now(free)
			if state != g.State {
				look = true // whether later ones can begin may be another answer now
				if _, err := s.tx.Exec(ctx, `update stages set state = $3 where tenant_id = $1 and id = $2`, s.tenant, g.ID, state); err != nil {
					return err
				}
				s.told = append(s.told, happening{entity: "stage", id: g.ID, kind: "stage." + state, name: g.Name, at: s.at})
				g.State = state
			}
		}
		free = free && (g.State == "done" || g.State == "skipped")
	}
	return nil
}

// Settle lets what follows from a milestone's courses follow: the milestone, its
// stage and the next. It takes the tenant's lock, so the caller has told of nothing yet.
func Settle(ctx context.Context, tx pgx.Tx, rules *rule.Engine, tenant, id uuid.UUID, at time.Time) error {
	a := &application{tx: tx, tenant: tenant}
	if err := a.begin(ctx); err != nil {
		return err
	}
	s := settling{tx: tx, tenant: tenant, project: a.project, live: a.live, at: at, milestones: []uuid.UUID{id}}
	follows, err := s.settle(ctx)
	if err != nil {
		return err
	}
	for _, h := range follows {
		if err := tell(ctx, tx, rules, tenant, h); err != nil {
			return err
		}
	}
	return nil
}
