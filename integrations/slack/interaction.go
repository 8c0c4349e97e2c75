package slack

import "github.com/slack-go/slack"

// interactionCall is what is read of a button press, a modal or a shortcut.
// Only these fields: the message around them may hold anything people and other
// apps put there, and must not make a button fail.
type interactionCall struct {
	Type       slack.InteractionType `json:"type"`
	TriggerID  string                `json:"trigger_id"`
	CallbackID string                `json:"callback_id"`
	User       struct {
		ID string `json:"id"`
	} `json:"user"`
	Channel struct {
		ID string `json:"id"`
	} `json:"channel"`
	Container struct {
		ThreadTS string `json:"thread_ts"`
	} `json:"container"`
	Message struct {
		Text string `json:"text"`
		TS   string `json:"ts"`
	} `json:"message"`
	Actions []action      `json:"actions"`
	View    submittedView `json:"view"`
}

// action is one element somebody used.
type action struct {
	ActionID       string `json:"action_id"`
	BlockID        string `json:"block_id"`
	Value          string `json:"value"`
	SelectedUser   string `json:"selected_user"`
	SelectedOption struct {
		Value string `json:"value"`
	} `json:"selected_option"`
	Files []struct {
		ID string `json:"id"`
	} `json:"files"`
}

// submittedView is a modal with what was typed and chosen in it.
type submittedView struct {
	ID              string `json:"id"`
	CallbackID      string `json:"callback_id"`
	PrivateMetadata string `json:"private_metadata"`
	State           struct {
		Values map[string]map[string]action `json:"values"`
	} `json:"state"`
}
