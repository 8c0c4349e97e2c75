package slack

// What the manifest has to ask Slack for.
var (
	Events    = events
	Commands  = []string{commandTicket, commandArticles}
	Shortcuts = []string{shortcutTicket, shortcutArticle}
)
