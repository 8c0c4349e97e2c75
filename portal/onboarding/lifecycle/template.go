package lifecycle

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"

	"github.com/goccy/go-yaml"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/usherdesk/usher/portal/onboarding/schedule"
)

// ErrBadTemplate says a template cannot be used; the text says where.
var ErrBadTemplate = errors.New("template is not valid")

// ErrNoTemplate says there is no published template of that key.
var ErrNoTemplate = errors.New("no such template")

// Template is how a project of one kind is laid out.
type Template struct {
	Key          string            `json:"key" yaml:"key"`
	Version      int               `json:"version" yaml:"version"`
	Name         string            `json:"name" yaml:"name"`
	Industry     string            `json:"industry" yaml:"industry"`
	Stages       []Stage           `json:"stages" yaml:"stages"`
	Documents    []Document        `json:"documents,omitempty" yaml:"documents,omitempty"`
	Integrations []Connection      `json:"integrations,omitempty" yaml:"integrations,omitempty"`
	Environments []string          `json:"environments,omitempty" yaml:"environments,omitempty"`
	Courses      []Course          `json:"courses,omitempty" yaml:"courses,omitempty"`
	SLA          map[string][]Goal `json:"sla,omitempty" yaml:"sla,omitempty"` // by phase: onboarding, live
}

// Stage is a large part with its milestones.
type Stage struct {
	Name       string      `json:"name" yaml:"name"`
	Milestones []Milestone `json:"milestones" yaml:"milestones"`
}

// Milestone is a dated goal with its tasks.
type Milestone struct {
	Name    string   `json:"name" yaml:"name"`
	Aliases []string `json:"aliases,omitempty" yaml:"aliases,omitempty"`
	GoLive  bool     `json:"go_live,omitempty" yaml:"go_live,omitempty"`
	Tasks   []Task   `json:"tasks" yaml:"tasks"`
}

// Task is a unit of work. Code is its name within the template.
type Task struct {
	Code       string   `json:"code" yaml:"code"`
	Title      string   `json:"title" yaml:"title"`
	Side       string   `json:"side" yaml:"side"` // customer, provider, third_party
	Days       *int     `json:"days,omitempty" yaml:"days,omitempty"`
	Needs      []string `json:"needs,omitempty" yaml:"needs,omitempty"`
	Visibility string   `json:"visibility,omitempty" yaml:"visibility,omitempty"` // default customer
	Department string   `json:"department,omitempty" yaml:"department,omitempty"`
}

// Document is a document to ask for, due after so many working days.
type Document struct {
	Title      string   `json:"title" yaml:"title"`
	Aliases    []string `json:"aliases,omitempty" yaml:"aliases,omitempty"`
	Days       int      `json:"days" yaml:"days"`
	Department string   `json:"department,omitempty" yaml:"department,omitempty"`
	Final      bool     `json:"final,omitempty" yaml:"final,omitempty"`
}

// Connection is an integration to set up.
type Connection struct {
	Connector   string   `json:"connector" yaml:"connector"`
	Aliases     []string `json:"aliases,omitempty" yaml:"aliases,omitempty"`
	Environment string   `json:"environment" yaml:"environment"`
}

// Course is training for everybody with one of the roles.
type Course struct {
	Name  string   `json:"name" yaml:"name"`
	Roles []string `json:"roles" yaml:"roles"`
	Days  int      `json:"days" yaml:"days"`
	// MoveOn is cmi5's rule for when it is finished: passed, completed,
	// passed_and_completed, passed_or_completed (default), not_applicable.
	MoveOn string `json:"move_on,omitempty" yaml:"move_on,omitempty"`
	// Completes names a milestone that is done once everybody has finished.
	Completes string `json:"completes,omitempty" yaml:"completes,omitempty"`
}

// Goal is one SLA target.
type Goal struct {
	Priority string `json:"priority" yaml:"priority"`
	Metric   string `json:"metric" yaml:"metric"`
	Minutes  int    `json:"minutes" yaml:"minutes"`
	Always   bool   `json:"always,omitempty" yaml:"always,omitempty"`
}

var templateKey = regexp.MustCompile(`^[a-z0-9_]{1,60}$`)

// ParseTemplate reads a template from YAML or JSON and checks it.
func ParseTemplate(body []byte) (Template, error) {
	var t Template
	if err := yaml.UnmarshalWithOptions(body, &t, yaml.Strict()); err != nil {
		return t, fmt.Errorf("%w: %w", ErrBadTemplate, err)
	}
	return t, t.Check()
}

// Check reports what is wrong with the template.
func (t Template) Check() error {
	bad := func(format string, args ...any) error {
		return fmt.Errorf("%w: %s: %s", ErrBadTemplate, t.Key, fmt.Sprintf(format, args...))
	}
	if !templateKey.MatchString(t.Key) || t.Version < 1 || t.Name == "" {
		return bad("it needs a key of small letters, a version from 1 on and a name")
	}
	codes, goals := map[string]bool{}, 0
	for _, task := range t.tasks() {
		if codes[task.Code] || task.Code == "" || task.Title == "" {
			return bad("task %q needs a title and a code of its own", task.Code)
		}
		codes[task.Code] = true
		if !slices.Contains([]string{"customer", "provider", "third_party"}, task.Side) {
			return bad("task %s has the unknown side %q", task.Code, task.Side)
		}
		if !slices.Contains([]string{"", "internal", "customer", "restricted"}, task.Visibility) {
			return bad("task %s has the unknown visibility %q", task.Code, task.Visibility)
		}
	}
	for _, task := range t.tasks() {
		for _, need := range task.Needs {
			if !codes[need] {
				return bad("task %s needs %q, which does not exist", task.Code, need)
			}
		}
	}
	names := map[string]bool{}
	for _, s := range t.Stages {
		for _, m := range s.Milestones {
			names[m.Name] = true
			if m.GoLive {
				goals++
			}
		}
	}
	if goals != 1 {
		return bad("exactly one milestone must be the go-live, not %d", goals)
	}
	for _, c := range t.Courses {
		if !slices.Contains([]string{"", "passed", "completed", "passed_and_completed", "passed_or_completed", "not_applicable"}, c.MoveOn) {
			return bad("course %q has the unknown move_on %q", c.Name, c.MoveOn)
		}
		if c.Completes != "" && !names[c.Completes] {
			return bad("course %q completes the milestone %q, which does not exist", c.Name, c.Completes)
		}
	}
	if f := t.plan(0).goal; f.Gap == schedule.GapCycle {
		return bad("tasks wait for each other")
	}
	return nil
}

func (t Template) tasks() (all []Task) {
	for _, s := range t.Stages {
		for _, m := range s.Milestones {
			all = append(all, m.Tasks...)
		}
	}
	return all
}

// planned is when each task ends if work starts on a day.
type planned struct {
	finish map[string]*schedule.Day
	goal   schedule.Forecast
}

func (t Template) plan(start schedule.Day) planned {
	id := func(code string) uuid.UUID { return uuid.NewSHA1(uuid.NameSpaceURL, []byte(code)) }
	var tasks []schedule.Task
	var goal []uuid.UUID
	for i, task := range t.tasks() {
		node := schedule.Task{ID: id(task.Code), Duration: task.Days, Rank: i}
		for _, need := range task.Needs {
			node.DependsOn = append(node.DependsOn, id(need))
		}
		tasks = append(tasks, node)
	}
	for _, s := range t.Stages {
		for _, m := range s.Milestones {
			for _, task := range m.Tasks {
				if m.GoLive {
					goal = append(goal, id(task.Code))
				}
			}
		}
	}
	p := planned{finish: map[string]*schedule.Day{}}
	plan := schedule.NewPlan(schedule.Calendar{}, start, tasks)
	p.goal = plan.Goal(goal)
	for _, task := range t.tasks() {
		p.finish[task.Code] = plan.Goal([]uuid.UUID{id(task.Code)}).Finish
	}
	return p
}

//go:embed templates/*.yaml
var shipped embed.FS

// Shipped are the templates Usher comes with.
func Shipped() ([]Template, error) {
	files, err := shipped.ReadDir("templates")
	if err != nil {
		return nil, err
	}
	var out []Template
	for _, file := range files {
		body, err := shipped.ReadFile("templates/" + file.Name())
		if err != nil {
			return nil, err
		}
		t, err := ParseTemplate(body)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file.Name(), err)
		}
		out = append(out, t)
	}
	return out, nil
}

// Seed publishes the shipped templates that are not there yet.
func Seed(ctx context.Context, tx pgx.Tx) error {
	templates, err := Shipped()
	if err != nil {
		return err
	}
	for _, t := range templates {
		if _, err := tx.Exec(ctx, `insert into onboarding_templates (key, version, name, industry, state, body) values ($1, $2, $3, $4, 'published', $5)
			on conflict do nothing`, t.Key, t.Version, t.Name, t.Industry, t); err != nil {
			return fmt.Errorf("seed templates: %w", err)
		}
	}
	return nil
}

// Publish stores the template as the next version of its key.
func Publish(ctx context.Context, tx pgx.Tx, t Template) (int, error) {
	t.Version = max(t.Version, 1)
	if err := t.Check(); err != nil {
		return 0, err
	}
	err := tx.QueryRow(ctx, `select coalesce(max(version), 0) + 1 from onboarding_templates where key = $1`, t.Key).Scan(&t.Version)
	if err == nil {
		_, err = tx.Exec(ctx, `insert into onboarding_templates (key, version, name, industry, state, body) values ($1, $2, $3, $4, 'published', $5)`,
			t.Key, t.Version, t.Name, t.Industry, t)
	}
	if err != nil {
		return 0, fmt.Errorf("publish template: %w", err)
	}
	return t.Version, nil
}

// Find reads the newest published version of a key; an empty key means the one
// for the industry, else for SaaS.
func Find(ctx context.Context, tx pgx.Tx, key, industry string) (Template, error) {
	var body []byte
	err := tx.QueryRow(ctx, `select body from onboarding_templates where state = 'published' and
		(key = $1 or $1 = '' and (industry = $2 or industry = 'saas'))
		order by (industry = $2) desc, version desc, key limit 1`, key, industry).Scan(&body)
	if errors.Is(err, pgx.ErrNoRows) {
		return Template{}, fmt.Errorf("%w: %q", ErrNoTemplate, key)
	}
	var t Template
	if err == nil {
		err = json.Unmarshal(body, &t)
	}
	if err != nil {
		return Template{}, fmt.Errorf("find template: %w", err)
	}
	return t, nil
}
