package lifecycle

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
)

// Name is something customers hear of under a name that a template gives it.
type Name struct {
	Kind string // stage, milestone, task, document, course
	Name string
	Now  string // what it is called now; empty where it is gone
}

// GoneNames are names of earlier published versions of templates that no
// template has any more.
func GoneNames(ctx context.Context, tx pgx.Tx) ([]Name, error) {
	rows, err := tx.Query(ctx, `select body from onboarding_templates where state in ('published', 'retired') order by key, version`)
	if err != nil {
		return nil, fmt.Errorf("read templates: %w", err)
	}
	all, err := pgx.CollectRows(rows, pgx.RowTo[Template])
	if err != nil {
		return nil, fmt.Errorf("read templates: %w", err)
	}
	latest, err := List(ctx, tx)
	if err != nil {
		return nil, err
	}
	inUse, called, aliases := map[string]bool{}, map[string]string{}, map[string]string{}
	for _, t := range latest {
		for _, n := range t.names() {
			inUse[strings.ToLower(n.what.Name)] = true
			if n.code != "" {
				called[t.Key+"/"+n.code] = n.what.Name
			}
			for _, alias := range n.aliases {
				aliases[strings.ToLower(alias)] = n.what.Name
			}
		}
	}
	var out []Name
	for _, t := range all {
		for _, n := range t.names() {
			known := func(o Name) bool { return o.Name == n.what.Name }
			if inUse[strings.ToLower(n.what.Name)] || slices.ContainsFunc(out, known) {
				continue
			}
			n.what.Now = cmp.Or(called[t.Key+"/"+n.code], aliases[strings.ToLower(n.what.Name)])
			out = append(out, n.what)
		}
	}
	return out, nil
}

type named struct {
	what    Name
	code    string
	aliases []string
}

func (t Template) names() (out []named) {
	add := func(kind, name, code string, aliases ...string) {
		out = append(out, named{Name{Kind: kind, Name: strings.TrimSpace(name)}, code, aliases})
	}
	for _, s := range t.Stages {
		add("stage", s.Name, "")
		for _, m := range s.Milestones {
			add("milestone", m.Name, "", m.Aliases...)
			for _, task := range m.Tasks {
				add("task", task.Title, task.Code)
			}
		}
	}
	for _, d := range t.Documents {
		add("document", d.Title, "", d.Aliases...)
	}
	for _, c := range t.Courses {
		add("course", c.Name, "")
	}
	return out
}
