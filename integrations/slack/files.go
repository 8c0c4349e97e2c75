package slack

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"github.com/usherdesk/usher/portal/onboarding/blob"
	"github.com/usherdesk/usher/triage"
	"github.com/usherdesk/usher/triage/attachment"
	"github.com/usherdesk/usher/triage/desk"
)

// Files takes the files of agents' replies in. *attachment.Service, of the
// worker's role, is one.
type Files interface {
	Limits() attachment.Limits
	Upload(ctx context.Context, in attachment.Incoming) (attachment.File, error)
}

const fieldFiles = "files"

// fileField is where a reply takes files; nil where none could reach a customer.
func (in *Inbound) fileField() slack.Block {
	if in.files == nil || !in.files.Limits().ToCustomer {
		return nil
	}
	l := in.files.Limits()
	hint := fmt.Sprintf("Up to %d files of %d MB: PDF, images, texts, office documents.", l.PerMessage, l.MaxBytes/1_000_000)
	if l.Scanned {
		hint += " The customer gets each once it is checked for viruses."
	}
	block := slack.NewInputBlock(fieldFiles, plain("Files", 200), plain(hint, 200), slack.NewFileInputBlockElement(fieldFiles).WithMaxFiles(l.PerMessage))
	block.Optional = true
	return block
}

// withoutFiles is a view without its field for files, for an app that was
// installed before it could read them; ok is false where it has none.
func withoutFiles(view slack.ModalViewRequest) (slack.ModalViewRequest, bool) {
	left := slices.DeleteFunc(slices.Clone(view.Blocks.BlockSet), func(b slack.Block) bool {
		input, ok := b.(*slack.InputBlock)
		return ok && input.BlockID == fieldFiles
	})
	if len(left) == len(view.Blocks.BlockSet) {
		return view, false
	}
	view.Blocks.BlockSet = append(left, slack.NewContextBlock("", mrkdwn("To send files from here, install the Slack app again from the manifest.")))
	return view, true
}

// laterReply is a reply whose files have to be fetched first: Slack waits three
// seconds for the answer to a window, and a file takes longer.
type laterReply struct {
	User  string         `json:"user"`
	Ref   desk.TicketRef `json:"ref"`
	View  string         `json:"view"`
	Text  string         `json:"text"`
	Then  string         `json:"then"`
	Draft string         `json:"draft"`
	Files []string       `json:"files"`
	At    time.Time      `json:"at"`
}

// replyLater keeps a reply with files for a job, after what can be checked at
// once. Its id is the window's, so pressing twice sends once.
func (in *Inbound) replyLater(ctx context.Context, ref desk.TicketRef, r laterReply) error {
	if strings.TrimSpace(r.Text) == "" {
		return triage.ErrEmptyMessage
	}
	if in.files == nil {
		return attachment.ErrNoScanner
	}
	d, err := in.detail(ctx, ref)
	if err != nil {
		return err
	}
	if d.Ticket.InternalState == triage.InternalClosed {
		return desk.ErrTicketClosed
	}
	body, err := json.Marshal(r)
	if err != nil {
		return err
	}
	return in.store(ctx, "reply:"+r.View, body)
}

// fetchWithin is how long a reply waits for Slack to give its files out.
const fetchWithin = 10 * time.Minute

// replyWithFiles fetches the files of a reply and sends it. What keeps it from
// being sent is told to the agent, with their text.
func (in *Inbound) replyWithFiles(ctx context.Context, payload []byte) error {
	var r laterReply
	if err := json.Unmarshal(payload, &r); err != nil {
		return &desk.PermanentError{Safe: "The stored reply cannot be read.", Err: err}
	}
	err := in.sendWithFiles(ctx, r)
	var permanent *desk.PermanentError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &permanent):
		return in.notSent(ctx, r, permanent.Safe)
	case forPerson(err):
		return in.notSent(ctx, r, explain(err))
	case in.now().Sub(r.At) > fetchWithin:
		return in.notSent(ctx, r, "Slack did not give the files out.")
	}
	return err
}

func (in *Inbound) sendWithFiles(ctx context.Context, r laterReply) error {
	actor, err := in.staff(ctx, r.User)
	if err != nil {
		return err
	}
	conversation, err := in.desk.ConversationOf(ctx, r.Ref)
	if err != nil {
		return err
	}
	reply := desk.Reply{Text: r.Text, ClientKey: "slack:" + r.View, Then: triage.InternalState(r.Then), DraftID: parseID(r.Draft)}
	for _, id := range r.Files {
		file, err := in.fetch(ctx, attachment.Incoming{
			Tenant: r.Ref.TenantID, By: actor, Conversation: conversation, Source: attachment.FromSlack, Ref: r.View + "/" + id,
		}, id)
		if err != nil {
			return err
		}
		reply.Attachments = append(reply.Attachments, file.ID)
	}
	_, err = in.desk.Reply(ctx, actor, r.Ref, reply)
	return err
}

// fetch takes one file over from Slack.
func (in *Inbound) fetch(ctx context.Context, incoming attachment.Incoming, id string) (attachment.File, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, time.Minute, errors.New("slack takes too long to give a file out"))
	defer cancel()
	info, _, _, err := in.client.api.GetFileInfoContext(ctx, id, 0, 0)
	if err != nil {
		return attachment.File{}, in.client.err(ctx, "read file", err)
	}
	if int64(info.Size) > in.files.Limits().MaxBytes {
		return attachment.File{}, blob.ErrTooLarge
	}
	body, err := in.client.download(ctx, info.URLPrivateDownload)
	if err != nil {
		return attachment.File{}, err
	}
	defer body.Close()
	incoming.Name, incoming.Body = info.Name, body
	return in.files.Upload(ctx, incoming)
}

// download opens a private file of the workspace. The token goes to Slack only,
// whatever address a file names, and follows nobody elsewhere.
func (c *Client) download(ctx context.Context, address string) (io.ReadCloser, error) {
	u, err := url.Parse(address)
	if err != nil || !c.slacks(u) {
		return nil, &desk.PermanentError{Safe: "Slack named an address for the file that is not Slack's, so it was not fetched.", Err: errors.New("foreign address of a file")}
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, fmt.Errorf("slack: fetch file: %w", err)
	}
	request.Header.Set("Authorization", "Bearer "+c.token)
	client := http.Client{Transport: c.http.Transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := client.Do(request)
	if err != nil {
		return nil, c.err(ctx, "fetch file", err)
	}
	if response.StatusCode == http.StatusOK && !strings.HasPrefix(response.Header.Get("Content-Type"), "text/html") {
		return response.Body, nil
	}
	_ = response.Body.Close()
	switch status := response.StatusCode; {
	case status == http.StatusTooManyRequests, status >= http.StatusInternalServerError:
		return nil, &desk.TemporaryError{Safe: "Slack did not give the file out just now.", Err: fmt.Errorf("status %d", status)}
	case status == http.StatusNotFound, status == http.StatusGone:
		return nil, &desk.PermanentError{Safe: "A file was deleted in Slack.", Err: fmt.Errorf("status %d", status)}
	}
	// Without the permission Slack answers with its sign-in page.
	return nil, &desk.PermanentError{Safe: "The Slack app may not read files. Install it again from the manifest.", Err: fmt.Errorf("status %d", response.StatusCode)}
}

// slacks reports whether an address is Slack's, or of the server set in its place.
func (c *Client) slacks(u *url.URL) bool {
	if c.apiURL != nil && u.Scheme == c.apiURL.Scheme && u.Host == c.apiURL.Host {
		return true
	}
	return u.Scheme == "https" && u.User == nil && (u.Host == "slack.com" || strings.HasSuffix(u.Host, ".slack.com"))
}

// notSent tells an agent that a reply did not leave, and gives the text back.
func (in *Inbound) notSent(ctx context.Context, r laterReply, why string) error {
	channel, thread := in.client.channel, ""
	d, err := in.detail(ctx, r.Ref)
	if err != nil && !errors.Is(err, triage.ErrTicketNotFound) {
		return err
	}
	for _, l := range d.Links {
		if l.System == System {
			channel, thread = split(desk.Ref{ID: l.ExternalID})
		}
	}
	return in.client.whisper(ctx, channel, thread, r.User, "Your reply was *not sent*. "+why+"\nYour text: "+escape(clamp(inert(r.Text), 2500)))
}

// posted names the files of a thread message. They stay in Slack; who reads the
// note elsewhere has to know that there is more.
func posted(text string, files []eventFile) string {
	text = unescape(text)
	for _, f := range files {
		text += "\n[File in the Slack thread: " + triage.Line(inert(f.Name), 150) + "]"
	}
	return strings.TrimSpace(text)
}

// eventFile is what is read of a file in an event.
type eventFile struct {
	Name string `json:"name"`
}
