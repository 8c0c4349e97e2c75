package main

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/usherdesk/usher/migrations/tenantdb"
)

// The demo operator is Usher itself: two tenants in different onboarding
// stages, their people, and Usher's staff. Ids are fixed, so that loading twice
// changes nothing.
type demoTenant struct {
	ID                                                uuid.UUID
	Slug, Name, TimeZone, Plan, Tier, Industry, Stage string
	People                                            []demoPerson
}

type demoPerson struct {
	ID                 uuid.UUID
	Email, Name        string
	Roles, Departments []string
	Locale             string
}

type demoStaff struct {
	ID          uuid.UUID
	Email, Name string
	Roles       []string
}

func demoID(text string) uuid.UUID {
	return uuid.NewSHA1(uuid.NameSpaceURL, []byte("usher-demo/"+text))
}

var demoTenants = []demoTenant{
	{
		ID: demoID("acme"), Slug: "acme-logistics", Name: "Acme Logistics", TimeZone: "Europe/Berlin",
		Plan: "standard", Tier: "standard", Industry: "logistics", Stage: "integration",
		People: []demoPerson{
			{demoID("acme/ana"), "ana.keller@acme-logistics.example", "Ana Keller", []string{"admin"}, []string{"technical"}, "en"},
			{demoID("acme/bruno"), "bruno.silva@acme-logistics.example", "Bruno Silva", []string{"member"}, []string{"finance"}, "pt"},
			{demoID("acme/maria"), "maria.lang@acme-logistics.example", "Maria Lang", []string{"manager"}, []string{"executive"}, "de"},
		},
	},
	{
		ID: demoID("globex"), Slug: "globex-fintech", Name: "Globex Fintech", TimeZone: "Europe/London",
		Plan: "enterprise", Tier: "enterprise", Industry: "fintech", Stage: "go_live",
		People: []demoPerson{
			{demoID("globex/grace"), "grace.osei@globex-fintech.example", "Grace Osei", []string{"admin"}, []string{"executive", "finance"}, "en"},
			{demoID("globex/henry"), "henry.cole@globex-fintech.example", "Henry Cole", []string{"member"}, []string{"technical"}, "en"},
		},
	},
}

var demoAgents = []demoStaff{
	{demoID("staff/sam"), "sam.rivera@usher.example", "Sam Rivera", []string{"agent"}},
	{demoID("staff/cleo"), "cleo.martin@usher.example", "Cleo Martin", []string{"agent", "curator"}},
}

// seedPeople stores tenants, people and staff that are not there yet.
func seedPeople(ctx context.Context, db *tenantdb.DB) error {
	return db.WithSystem(ctx, "load the demo", func(tx pgx.Tx) error {
		batch := &pgx.Batch{}
		for _, t := range demoTenants {
			batch.Queue(`insert into tenants (id, slug, name, time_zone, plan, tier, industry) values ($1, $2, $3, $4, $5, $6, $7)
				on conflict do nothing`, t.ID, t.Slug, t.Name, t.TimeZone, t.Plan, t.Tier, t.Industry)
			for _, p := range t.People {
				batch.Queue(`insert into users (tenant_id, id, email, email_normalized, display_name, roles, departments, locale)
					values ($1, $2, $3, lower($3), $4, $5, $6, $7) on conflict do nothing`,
					t.ID, p.ID, p.Email, p.Name, p.Roles, p.Departments, p.Locale)
			}
		}
		for _, s := range demoAgents {
			batch.Queue(`insert into staff (id, email, email_normalized, display_name, roles)
				values ($1, $2, lower($2), $3, $4) on conflict do nothing`, s.ID, s.Email, s.Name, s.Roles)
		}
		if err := tx.SendBatch(ctx, batch).Close(); err != nil {
			return fmt.Errorf("load demo people: %w", err)
		}
		return nil
	})
}
