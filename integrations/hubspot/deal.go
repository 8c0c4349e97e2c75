package hubspot

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"github.com/usherdesk/usher/migrations/tenantdb"
	"github.com/usherdesk/usher/portal/onboarding/lifecycle"
	"github.com/usherdesk/usher/triage/desk"
)

// Deals turns won deals into workspaces. An event only says that something about
// a deal changed; what is so now is read back, so that neither order nor number
// of events matters. DB is of the worker role.
type Deals struct {
	Client *Client
	DB     *tenantdb.DB
	// Won and Lost are ids of deal stages; default closedwon and closedlost.
	Won, Lost []string
}

// ReadDealArgs asks for a deal to be read back.
type ReadDealArgs struct {
	DealID string `json:"deal_id"`
}

// Kind names the job.
func (ReadDealArgs) Kind() string { return "read_hubspot_deal" }

// AddDealWorkers registers the job.
func AddDealWorkers(workers *river.Workers, d *Deals) {
	river.AddWorker(workers, &dealWorker{deals: d})
}

type dealWorker struct {
	river.WorkerDefaults[ReadDealArgs]
	deals *Deals
}

func (w *dealWorker) Work(ctx context.Context, job *river.Job[ReadDealArgs]) error {
	err := w.deals.Apply(ctx, job.Args.DealID)
	var temporary *desk.TemporaryError
	var permanent *desk.PermanentError
	switch {
	case errors.As(err, &permanent), errors.Is(err, lifecycle.ErrBadContract), errors.Is(err, lifecycle.ErrNoTemplate):
		return river.JobCancel(err) // a change of the deal in HubSpot asks again
	case errors.As(err, &temporary) && temporary.After > 0:
		return river.JobSnooze(temporary.After)
	}
	return err
}

// Apply reads a deal and makes its workspace, once, when it is won. A deal that
// was lost before anybody heard that it was won makes none. A deal without a
// company or without contacts is lifecycle.ErrBadContract.
func (d *Deals) Apply(ctx context.Context, id string) error {
	contract, ok, err := d.contract(ctx, id)
	if err != nil || !ok {
		return err
	}
	return d.DB.WithSystem(ctx, "make a workspace of a HubSpot deal", func(tx pgx.Tx) error {
		if _, err := lifecycle.Provision(ctx, tx, contract); err != nil {
			return fmt.Errorf("hubspot: deal %s: %w", id, err)
		}
		return nil
	})
}

// object is a CRM record as HubSpot gives it.
type object struct {
	ID         string             `json:"id"`
	Properties map[string]*string `json:"properties"`
	UpdatedAt  time.Time          `json:"updatedAt"`
}

func (o object) get(property string) string {
	if value := o.Properties[property]; value != nil {
		return strings.TrimSpace(*value)
	}
	return ""
}

// contract reads a deal with its company, contacts and owner; false while the
// deal is neither won nor lost.
func (d *Deals) contract(ctx context.Context, id string) (lifecycle.Contract, bool, error) {
	var c lifecycle.Contract
	deal, err := d.Client.object(ctx, "deals", id, "dealname", "dealstage", "closedate", "hubspot_owner_id", "usher_template", "usher_plan", "usher_start_date")
	if err != nil {
		return c, false, err
	}
	stage := deal.get("dealstage")
	won := slices.Contains(d.stages(d.Won, "closedwon"), stage)
	if !won && !slices.Contains(d.stages(d.Lost, "closedlost"), stage) {
		return c, false, nil
	}
	c = lifecycle.Contract{Source: System, ID: deal.ID, At: deal.UpdatedAt, Cancelled: !won, Template: deal.get("usher_template")}
	if !won {
		return c, true, nil
	}
	if start, err := time.Parse(time.DateOnly, deal.get("usher_start_date")); err == nil {
		c.Start = start
	}
	if c.Company, err = d.company(ctx, deal); err != nil {
		return c, false, err
	}
	if c.Contacts, err = d.contacts(ctx, deal); err != nil {
		return c, false, err
	}
	c.Owner, c.OwnerMail, err = d.owner(ctx, deal.get("hubspot_owner_id"))
	return c, true, err
}

func (d *Deals) stages(set []string, standard string) []string {
	if len(set) == 0 {
		return []string{standard}
	}
	return set
}

func (d *Deals) company(ctx context.Context, deal object) (lifecycle.Company, error) {
	ids, err := d.Client.tied(ctx, "deals", deal.ID, "companies")
	if err != nil || len(ids) == 0 {
		return lifecycle.Company{}, err
	}
	o, err := d.Client.object(ctx, "companies", ids[0], "name", "timezone", "industry", "hs_preferred_language", "usher_region", "usher_tier")
	return lifecycle.Company{
		Name: o.get("name"), TimeZone: zone(o.get("timezone")), Locale: locale(o.get("hs_preferred_language")), Region: o.get("usher_region"),
		Plan: deal.get("usher_plan"), Tier: o.get("usher_tier"), Industry: industry(o.get("industry")), CRMRef: o.ID,
	}, err
}

// contacts are the people of the deal. Who is an administrator says the property
// usher_roles; where nobody's does, the first one is.
func (d *Deals) contacts(ctx context.Context, deal object) ([]lifecycle.Contact, error) {
	ids, err := d.Client.tied(ctx, "deals", deal.ID, "contacts")
	if err != nil || len(ids) == 0 {
		return nil, err
	}
	inputs := make([]any, 0, len(ids))
	for _, id := range ids[:min(len(ids), 100)] {
		inputs = append(inputs, map[string]string{"id": id})
	}
	var found struct {
		Results []object `json:"results"`
	}
	err = d.Client.call(ctx, http.MethodPost, "/crm/v3/objects/contacts/batch/read", map[string]any{
		"inputs": inputs, "properties": []string{"firstname", "lastname", "email", "hs_language", "usher_roles", "usher_departments"}, "propertiesWithHistory": []string{},
	}, &found)
	if err != nil {
		return nil, fmt.Errorf("hubspot: read contacts: %w", err)
	}
	slices.SortFunc(found.Results, func(a, b object) int { return slices.Index(ids, a.ID) - slices.Index(ids, b.ID) })
	var out []lifecycle.Contact
	admin := false
	for _, o := range found.Results {
		if o.get("email") == "" {
			continue // nobody can be invited without one
		}
		p := lifecycle.Contact{
			Name: strings.TrimSpace(o.get("firstname") + " " + o.get("lastname")), Email: strings.ToLower(o.get("email")), Locale: locale(o.get("hs_language")),
			Roles: roles(o.get("usher_roles")), Departments: words(o.get("usher_departments")),
		}
		admin = admin || slices.Contains(p.Roles, "admin")
		out = append(out, p)
	}
	if !admin && len(out) > 0 {
		out[0].Roles = []string{"admin"}
	}
	return out, nil
}

func (d *Deals) owner(ctx context.Context, id string) (name, email string, err error) {
	if id == "" {
		return "", "", nil
	}
	var o struct {
		First string `json:"firstName"`
		Last  string `json:"lastName"`
		Email string `json:"email"`
	}
	err = d.Client.call(ctx, http.MethodGet, "/crm/v3/owners/"+url.PathEscape(id), nil, &o)
	if errors.Is(err, errNotFound) {
		return "", "", nil // has left
	}
	if err != nil {
		return "", "", fmt.Errorf("hubspot: read owner: %w", err)
	}
	return cmp.Or(strings.TrimSpace(o.First+" "+o.Last), o.Email), o.Email, nil
}

// object reads one record.
func (c *Client) object(ctx context.Context, kind, id string, properties ...string) (object, error) {
	var o object
	path := "/crm/v3/objects/" + kind + "/" + url.PathEscape(id) + "?" + url.Values{"properties": properties}.Encode()
	if err := c.call(ctx, http.MethodGet, path, nil, &o); err != nil {
		return object{}, fmt.Errorf("hubspot: read %s: %w", kind, err)
	}
	return o, nil
}

// tied are the ids of a kind associated with a record.
func (c *Client) tied(ctx context.Context, kind, id, to string) ([]string, error) {
	var answer struct {
		Results []struct {
			ID string `json:"toObjectId"`
		} `json:"results"`
	}
	if err := c.call(ctx, http.MethodGet, "/crm/v4/objects/"+kind+"/"+url.PathEscape(id)+"/associations/"+to+"?limit=500", nil, &answer); err != nil {
		return nil, fmt.Errorf("hubspot: list %s of %s: %w", to, kind, err)
	}
	ids := make([]string, len(answer.Results))
	for i, r := range answer.Results {
		ids[i] = r.ID
	}
	return ids, nil
}

// zone reads HubSpot's spellings, Europe/Berlin and europe_slash_berlin; what
// is neither is left out.
func zone(text string) string {
	if strings.Contains(text, "_slash_") {
		parts := strings.Split(text, "_slash_")
		for i, part := range parts {
			names := strings.Split(part, "_")
			for j, name := range names {
				if name != "" {
					names[j] = strings.ToUpper(name[:1]) + name[1:]
				}
			}
			parts[i] = strings.Join(names, "_")
		}
		text = strings.Join(parts, "/")
	}
	if _, err := time.LoadLocation(text); err != nil || text == "Local" {
		return ""
	}
	return text
}

// locale reads en, en-us and EN_US; what is no language is left out.
func locale(text string) string {
	language, region, _ := strings.Cut(strings.ReplaceAll(text, "_", "-"), "-")
	if len(language) != 2 {
		return ""
	}
	language = strings.ToLower(language)
	if len(region) == 2 {
		return language + "-" + strings.ToUpper(region)
	}
	return language
}

// industry is which of our templates HubSpot's word for an industry means.
func industry(word string) string {
	word = strings.ToUpper(word)
	for ours, theirs := range map[string][]string{
		"fintech":   {"BANKING", "FINANCIAL_SERVICES", "CAPITAL_MARKETS", "INVESTMENT_BANKING", "INVESTMENT_MANAGEMENT", "INSURANCE", "VENTURE_CAPITAL_PRIVATE_EQUITY"},
		"logistics": {"LOGISTICS_AND_SUPPLY_CHAIN", "PACKAGE_FREIGHT_DELIVERY", "TRANSPORTATION_TRUCKING_RAILROAD", "WAREHOUSING", "MARITIME", "AIRLINES_AVIATION", "IMPORT_AND_EXPORT"},
	} {
		if slices.Contains(theirs, word) {
			return ours
		}
	}
	return ""
}

// words splits what HubSpot joins with semicolons, and people with commas.
func words(text string) []string {
	return strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return r == ';' || r == ',' || r == ' ' })
}

// roles are the known ones among the words.
func roles(text string) []string {
	return slices.DeleteFunc(words(text), func(role string) bool { return role != "admin" && role != "manager" && role != "member" })
}
