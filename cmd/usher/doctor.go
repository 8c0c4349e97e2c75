package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/usherdesk/usher/integrations/slack"
	"github.com/usherdesk/usher/knowledge"
	"github.com/usherdesk/usher/migrations"
	"github.com/usherdesk/usher/migrations/localpg"
	"github.com/usherdesk/usher/portal/web"
	"github.com/usherdesk/usher/triage/desk"
)

func doctorCommand() *cobra.Command {
	var list bool
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Say what is missing or switched off, what that costs, and what to do",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			out := cmd.OutOrStdout()
			if list {
				for _, s := range settings {
					fmt.Fprintf(out, "%-36s %s (default: %s)\n", s.Name, s.Help, s.Default)
				}
				return nil
			}
			return doctor(cmd.Context(), out)
		},
	}
	cmd.Flags().BoolVar(&list, "settings", false, "list every setting")
	return cmd
}

// finding is one line of the doctor's report.
type finding struct {
	mark, name, text string
}

func (f finding) print(out io.Writer) { fmt.Fprintf(out, "%-5s %-12s %s\n", f.mark, f.name, f.text) }

func doctor(ctx context.Context, out io.Writer) error {
	c, err := loadConfig()
	if err != nil {
		finding{"BAD", "settings", err.Error()}.print(out)
		return fmt.Errorf("the settings cannot be used")
	}
	finding{"ok", "settings", "can be read; `usher doctor --settings` lists them"}.print(out)
	bad := !checkDatabase(ctx, &c, out)
	if web.Built() {
		finding{"ok", "web", "built into this program"}.print(out)
	} else {
		finding{"off", "web", "not built into this program: only the API is served. Run `make build`."}.print(out)
	}
	switch c.Engine {
	case "openai":
		finding{"on", "model", c.OpenAI.ChatModel + "; the built-in engine answers when it fails or its budget is used up"}.print(out)
	default:
		finding{"off", "model", "USHER_ENGINE is builtin: the built-in engine does everything; answers quote articles instead of rephrasing them"}.print(out)
	}
	connected, err := outsideOf(c)
	if err != nil {
		finding{"BAD", "outside", err.Error()}.print(out)
		bad = true
	}
	checks := connected.checks()
	for _, d := range connected.list() {
		mark := "on"
		if !d.On {
			mark = "off"
		}
		if look, ok := checks[d.Name]; ok {
			line := checkOutside(ctx, d.Name, look)
			bad = bad || line.mark == "BAD"
			line.print(out)
			continue
		}
		finding{mark, d.Name, d.Why}.print(out)
	}
	if len(c.OnCall) == 0 {
		finding{"off", "on call", "USHER_ONCALL is not set: nobody gets mail when Slack or a CRM cannot be reached; the deliveries page shows it"}.print(out)
	} else {
		finding{"on", "on call", strings.Join(c.OnCall, ", ")}.print(out)
	}
	if c.Documents.Clamd == "" {
		why := "USHER_CLAMD_ADDR is not set: documents are held back as not scanned; files of messages open for agents who say that they know, and go to no customer"
		if c.Documents.Unscanned {
			why = "USHER_CLAMD_ADDR is not set: documents are held back as not scanned; files of messages go to customers unchecked, because USHER_UNSCANNED_FILES is deliver"
		}
		finding{"off", "scanner", why}.print(out)
	} else {
		finding{"on", "scanner", "ClamAV at " + c.Documents.Clamd}.print(out)
	}
	if bad {
		return fmt.Errorf("something is missing: see the lines marked BAD")
	}
	return nil
}

// checkSlack asks Slack whether the token works and the channel may be used.
func checkSlack(ctx context.Context, c *slack.Client) finding {
	return checkOutside(ctx, slack.System, outside{slack: c}.checks()[slack.System])
}

// checkOutside asks an outside system. One that cannot be reached just now is no
// mistake in the settings.
func checkOutside(ctx context.Context, name string, c check) finding {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	err := c.ask(ctx)
	var permanent *desk.PermanentError
	switch {
	case err == nil:
		return finding{"on", name, c.ok}
	case errors.As(err, &permanent):
		return finding{"BAD", name, permanent.Safe}
	}
	return finding{"on", name, "not checked: " + desk.Safe(err)}
}

func checkDatabase(ctx context.Context, c *config, out io.Writer) bool {
	ctx, cancel := context.WithTimeout(ctx, 90*time.Second)
	defer cancel()
	if c.DatabaseURL == "" {
		found, err := localpg.Find(ctx)
		if err != nil {
			finding{"BAD", "database", err.Error()}.print(out)
			return false
		}
		finding{"ok", "database", fmt.Sprintf("private server: PostgreSQL %d with pgvector %s", found.Major, found.Pgvector)}.print(out)
	}
	stop, err := database(ctx, c)
	if err != nil {
		finding{"BAD", "database", err.Error()}.print(out)
		return false
	}
	defer stop()
	latest, err := migrations.Latest()
	if err != nil {
		finding{"BAD", "schema", err.Error()}.print(out)
		return false
	}
	at, err := migrations.Current(ctx, c.DatabaseURL)
	switch {
	case err != nil:
		finding{"BAD", "database", "cannot be reached: check DATABASE_URL, the server and its network. " + err.Error()}.print(out)
		return false
	case at < latest:
		finding{"BAD", "schema", fmt.Sprintf("at version %d, this program needs %d: run `usher migrate`", at, latest)}.print(out)
		return false
	}
	finding{"ok", "schema", fmt.Sprintf("at version %d", at)}.print(out)
	a, err := build(ctx, *c, newLogger(c.LogLevel))
	if err != nil {
		finding{"BAD", "roles", err.Error()}.print(out)
		return false
	}
	defer a.close()
	finding{"ok", "roles", "neither runtime role can go around the tenants' separation"}.print(out)
	line := checkEmbedding(ctx, a)
	line.print(out)
	return checkSignIn(ctx, a, out) && line.mark != "BAD"
}

// checkEmbedding says whether search has the vectors it was set up with.
func checkEmbedding(ctx context.Context, a *application) finding {
	active, _, err := a.models.Active(ctx)
	switch {
	case errors.Is(err, knowledge.ErrNoEmbedder):
		return finding{"BAD", "search", fmt.Sprintf("searches by words alone: it uses the vectors of %s, which USHER_OPENAI_EMBEDDING_MODEL does not name. Name it again, or start `usher serve`, which goes back to a built-in model", active.Name)}
	case err != nil:
		return finding{"BAD", "search", err.Error()}
	}
	return finding{"ok", "search", "by words and by the vectors of " + active.Name}
}
