package slack

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/riverqueue/river"
	"github.com/slack-go/slack"

	"github.com/usherdesk/usher/triage/desk"
)

// Copies of files are uploaded in three calls (an address, the bytes, sharing),
// and deleted with what carried them.

var _ desk.Copier = (*Client)(nil)

// LargestCopy implements desk.Copier.
func (c *Client) LargestCopy() int64 { return c.copies }

// UploadFile implements desk.Copier. Nobody sees the file before it is shared.
func (c *Client) UploadFile(ctx context.Context, name string, size int64, body io.Reader) (desk.Ref, error) {
	if err := c.private(ctx); err != nil {
		return desk.Ref{}, err
	}
	name = inert(name)
	at, err := c.api.GetUploadURLExternalContext(ctx, slack.GetUploadURLExternalParameters{FileName: name, FileSize: int(size)})
	if err != nil {
		return desk.Ref{}, c.err(ctx, "ask for an upload", err)
	}
	// The library refuses an address that is not Slack's: the token goes with it.
	if err := c.api.UploadToURL(ctx, slack.UploadToURLParameters{UploadURL: at.UploadURL, Reader: body, Filename: name}); err != nil {
		return desk.Ref{}, c.err(ctx, "upload file", err)
	}
	return desk.Ref{ID: at.FileID}, nil
}

// ShareFile implements desk.Copier.
func (c *Client) ShareFile(ctx context.Context, root, file desk.Ref, retry bool) error {
	if err := c.private(ctx); err != nil {
		return err
	}
	channel, ts := split(root)
	if retry {
		info, _, _, err := c.api.GetFileInfoContext(ctx, file.ID, 0, 0)
		if err != nil && !isError(err, "file_not_found") && !isError(err, "missing_scope") {
			return c.err(ctx, "read file", err)
		}
		if err == nil && len(info.Shares.Private[channel])+len(info.Shares.Public[channel]) > 0 {
			return nil
		}
	}
	_, err := c.api.CompleteUploadExternalContext(ctx, slack.CompleteUploadExternalParameters{
		Files: []slack.FileSummary{{ID: file.ID}}, Channel: channel, ThreadTimestamp: ts,
	})
	return c.err(ctx, "share file", err)
}

// DeleteFile implements desk.Copier.
func (c *Client) DeleteFile(ctx context.Context, file desk.Ref) error {
	err := c.api.DeleteFileContext(ctx, file.ID)
	if isError(err, "file_not_found") || isError(err, "file_deleted") {
		return nil
	}
	return c.err(ctx, "delete file", err)
}

// ForgetArgs asks to delete what we posted of a workspace that was erased: messages
// as "channel:ts", and files by their id.
type ForgetArgs struct {
	Messages []string `json:"messages"`
	Files    []string `json:"files"`
}

// Kind names the job.
func (ForgetArgs) Kind() string { return "forget_slack" }

// ForgetAtOnce is how much one job deletes: what is limited is begun anew.
const ForgetAtOnce = 20

type forgetWorker struct {
	river.WorkerDefaults[ForgetArgs]
	client *Client
}

// AddForgetWorkers registers the job.
func AddForgetWorkers(workers *river.Workers, c *Client) {
	river.AddWorker(workers, &forgetWorker{client: c})
}

// Work implements river.Worker.
func (w *forgetWorker) Work(ctx context.Context, job *river.Job[ForgetArgs]) error {
	err := w.client.Forget(ctx, job.Args)
	var temporary *desk.TemporaryError
	if errors.As(err, &temporary) && temporary.After > 0 {
		return river.JobSnooze(temporary.After)
	}
	return err
}

// Forget deletes messages and files of ours. What is gone is no error.
func (c *Client) Forget(ctx context.Context, args ForgetArgs) error {
	for _, id := range args.Files {
		if err := c.DeleteFile(ctx, desk.Ref{ID: id}); err != nil {
			return err
		}
	}
	for _, at := range args.Messages {
		channel, ts := split(desk.Ref{ID: at})
		_, _, err := c.api.DeleteMessageContext(ctx, channel, ts)
		if isError(err, "message_not_found") || isError(err, "channel_not_found") {
			continue
		}
		if err != nil {
			return fmt.Errorf("forget %s: %w", at, c.err(ctx, "delete message", err))
		}
	}
	return nil
}
